"""Fast page fault against those who take W away for good, under mmu_lock (mmu.c; v3.11, v3.19)."""

from typing import Any

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    at_end,
    cpu,
    ghost,
    inline,
    lock,
    note,
    protocol,
    word32,
    word64,
    xchg,
)
from mmuspec.interleave.protocols.fast_page_fault import (
    HM,
    M,
    fast_page_fault,
    flush_tlbs,
    guest_write,
    new_vcpu,
)
from mmuspec.x86.entry import RW as W
from mmuspec.x86.entry import P

OTHER_FRAME = 1 << 12
"""A frame that is not the one of the other sptes here."""

EXCHANGED, READ, LOCKLESS = "exchanged", "read", "lockless"
"""When a flush is owed: W was in the value exchanged, or in the one read, or H and M were."""


@inline
def spte_write_protect(spte: Any, pt_protect: bool, owed_if: str) -> Any:
    """Take W away, and M too for *pt_protect*; return whether a flush is owed.

    The second half is ``mmu_spte_update()``.
    """
    old = READ_ONCE(spte)  # WP1
    if not old & W and (not pt_protect or old & HM != HM):  # WP2
        return 0
    taken = W | M if pt_protect else W
    was = xchg(spte, old & ~taken)  # WP3
    if owed_if == READ:
        return old & W
    if owed_if == LOCKLESS:
        return was & HM == HM
    return was & W


@inline
def kvm_set_pte_rmapp(spte: Any) -> None:
    """Map another frame, which the host lets nobody write; a flush is owed."""
    xchg(spte, 0)  # CP1
    WRITE_ONCE(spte, OTHER_FRAME | P | M)  # CP2


@protocol
def write_protection(
    vcpus: int = 1, writable: bool = False, by_host: bool = False, owed_if: str = EXCHANGED
) -> None:
    """vCPUs write a page, while KVM begins to shadow it: from then on it must not change.

    :param writable: whether the page is writable to begin with, and in every TLB
    :param by_host: the host replaces the page by another, instead
    :param owed_if: when the write protection owes a flush
    """
    spte = word64(P | HM | (W if writable else 0))
    bitmap = word32()
    page = word32()
    guests = [new_vcpu(tlb=writable) for _ in range(vcpus)]
    kept = ghost()

    @cpu(vcpus)
    def vcpu(number: int) -> None:
        while not guest_write(guests[number], spte, page, 1 + number, False):  # V6
            if not fast_page_fault(spte, bitmap, None):  # V7
                break

    @cpu
    def holder() -> None:
        if by_host:
            kvm_set_pte_rmapp(spte)
        if by_host or spte_write_protect(spte, True, owed_if):  # WP4
            flush_tlbs(guests)
        note(kept, READ_ONCE(page))  # WP5

    always(not spte & W or spte & HM == HM, "FPF-7: W without H and M")
    at_end(not spte & W, "FPF-7: W came back")
    at_end(kept == page, "FPF-2: a write after the protection")


@protocol
def flush_order(inside: bool = True, owed_if: str = EXCHANGED) -> None:
    """The dirty log takes W away, and then KVM begins to shadow the page.

    :param inside: whether the dirty log flushes before it drops mmu_lock (up to v3.11)
    :param owed_if: when write protection owes a flush
    """
    mmu_lock = word32()
    spte = word64(P | W | HM)
    bitmap = word32()
    page = word32()
    guest = new_vcpu(tlb=1)
    kept = ghost()

    @cpu
    def vcpu() -> None:
        while not guest_write(guest, spte, page, 1, False):  # V6
            if not fast_page_fault(spte, bitmap, None):  # V7
                break

    @cpu
    def logger() -> None:
        with lock(mmu_lock):  # G0
            flush = spte_write_protect(spte, False, owed_if)
            if inside and flush:  # G3b
                flush_tlbs([guest])
        if not inside and flush:  # G3b
            flush_tlbs([guest])

    @cpu
    def shadower() -> None:
        with lock(mmu_lock):  # WP0
            if spte_write_protect(spte, True, owed_if):  # WP4
                flush_tlbs([guest])
            note(kept, READ_ONCE(page))  # WP5

    at_end(kept == page, "FPF-2: a write after the protection")
