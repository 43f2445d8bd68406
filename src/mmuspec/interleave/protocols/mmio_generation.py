"""The MMIO generation against the install of a slot (mmu.c, kvm_main.c; v3.11 and v3.19)."""

from mmuspec.epochs.default import current
from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    cpu,
    ghost,
    note,
    protocol,
    smp_mb,
    wait_until,
    word32,
)

ABSENT = 0
"""The spte is empty; otherwise it holds the MMIO generation, plus 1."""


@protocol
def mmio_generation(repaired: bool | None = None) -> None:
    """A vCPU faults on a gfn for which a slot is just being installed.

    Each array of slots holds its own generation. The old one has generation 0 and no slot
    for the gfn.

    :param repaired: whether an array carries an odd generation until all readers of the
        one before are gone (v3.19); by default, as in the current kernel version
    """
    odd_while_installing = "BUG-9" not in current().defects if repaired is None else repaired
    memslots = word32(0)
    generation = word32(1)
    srcu_readers = word32(0)
    spte = word32(ABSENT)
    installed = ghost()

    @cpu
    def installer() -> None:
        WRITE_ONCE(memslots, 1)  # G1: rcu_assign_pointer
        smp_mb()  # G2: synchronize_srcu begins
        wait_until(srcu_readers == 0)  # G3: ... and ends
        if odd_while_installing:
            WRITE_ONCE(generation, 2)  # G4
            smp_mb()  # G5
        note(installed, 1)

    @cpu
    def fault() -> None:
        WRITE_ONCE(srcu_readers, 1)  # S1: srcu_read_lock
        smp_mb()  # S2
        if not READ_ONCE(memslots):  # S3: gfn_to_pfn finds no slot
            current = 0
            if READ_ONCE(memslots):  # S4: kvm_current_mmio_generation
                current = READ_ONCE(generation)
            WRITE_ONCE(spte, current + 1)  # S5: mark_mmio_spte
        WRITE_ONCE(srcu_readers, 0)  # S6: srcu_read_unlock

    always(
        not installed or spte == ABSENT or spte != generation + 1,
        "MMIO-8: an spte of the old slots has the new generation",
    )
