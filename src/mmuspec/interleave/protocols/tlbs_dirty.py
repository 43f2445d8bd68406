"""Flushes that are owed: tlbs_dirty between a sync, a flush and a notifier (v3.11)."""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    cmpxchg,
    cpu,
    ghost,
    lock,
    note,
    protocol,
    smp_mb,
    word32,
    xadd,
)


@protocol
def tlbs_dirty() -> None:
    """A sync drops an spte and owes the flush, while another CPU flushes for its own reasons."""
    mmu_lock = word32()
    owed = word32()
    spte = word32(1)
    references = word32(1)
    tlb = ghost()
    freed = ghost()

    @cpu
    def syncer() -> None:
        with lock(mmu_lock):  # Y0
            WRITE_ONCE(spte, 0)  # Y1: drop_spte, in sync_page
            WRITE_ONCE(owed, owed + 1)  # Y2: tlbs_dirty

    @cpu
    def flusher() -> None:
        seen = READ_ONCE(owed)  # T1
        smp_mb()  # T2
        note(tlb, 0)
        cmpxchg(owed, seen, 0)  # T3

    @cpu
    def guest() -> None:
        if READ_ONCE(spte):  # W1: the walk of the hardware
            note(tlb, 1)

    @cpu
    def notifier() -> None:
        with lock(mmu_lock):  # N1
            if READ_ONCE(spte) or READ_ONCE(owed):  # N2
                WRITE_ONCE(spte, 0)  # N3
                smp_mb()  # N4: kvm_flush_remote_tlbs
                note(tlb, 0)
        xadd(references, -1)  # N5: put_page
        note(freed, 1)

    always(not freed or not tlb, "NOTIFY-3: a TLB leads to a page that the host has freed")
