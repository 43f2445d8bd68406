"""Zapping all pages by generation, against a vCPU that runs on an old page (mmu.c, v3.11)."""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    cpu,
    ghost,
    lock,
    note,
    protocol,
    record,
    smp_mb,
    word32,
)
from mmuspec.interleave.protocols.vcpu_mode import (
    IN_GUEST,
    OUTSIDE,
    leave_guest,
    make_request,
    requested,
)


@protocol
def zap_all(reload_inside: bool = True, entries: int = 2) -> None:
    """One CPU zaps all pages, another recycles one, and then the host takes its page back.

    The recycled page is the root that `vcpu` runs on, with the leaf in it. Whoever zaps a
    page that is obsolete relies on the reload that came with the new generation.

    :param reload_inside: whether new generation and reload are one critical section
    :param entries: how often `vcpu` enters the guest
    """
    mmu_lock = word32()
    mmu_valid_gen = word32()
    spte = word32(1)
    page = word32()
    target = record(mode=word32(OUTSIDE), requests=word32())
    tlb = ghost(1)
    freed = ghost()

    @cpu
    def zapper() -> None:
        with lock(mmu_lock):  # Z0
            WRITE_ONCE(mmu_valid_gen, 1)  # Z1
            if reload_inside:
                make_request(target)  # Z2
        if not reload_inside:
            make_request(target)
        with lock(mmu_lock):  # Z3: the lock was offered to others
            WRITE_ONCE(spte, 0)  # Z4: kvm_zap_obsolete_pages

    @cpu
    def recycler() -> None:
        with lock(mmu_lock):  # C1
            if READ_ONCE(spte):  # C2
                WRITE_ONCE(spte, 0)  # C3: kvm_mmu_prepare_zap_page
                if READ_ONCE(mmu_valid_gen) == 0:  # C4: is_obsolete_sp
                    make_request(target)  # C5: kvm_reload_remote_mmus
        with lock(mmu_lock):  # H1: kvm_mmu_notifier_invalidate_page
            if READ_ONCE(spte):  # H2
                WRITE_ONCE(spte, 0)  # H3
                make_request(target)  # H4: kvm_flush_remote_tlbs
        note(freed, 1)

    @cpu
    def vcpu() -> None:
        for _entry in range(entries):
            WRITE_ONCE(target.mode, IN_GUEST)  # V1
            smp_mb()  # V2
            if requested(target):  # V3: kvm_mmu_unload, and a new root
                note(tlb, 0)
            READ_ONCE(page)  # V4: the guest reads
            assert not (tlb and freed), "ZAP-2: a vCPU reads a page that the host has taken back"
            leave_guest(target)  # V5
