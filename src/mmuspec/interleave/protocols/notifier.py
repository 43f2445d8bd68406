"""mmu_notifier_seq and mmu_notifier_count against a page fault (kvm_main.c, mmu.c; v3.11)."""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    cpu,
    ghost,
    lock,
    note,
    protocol,
    retries,
    smp_rmb,
    smp_wmb,
    word32,
    xadd,
    xchg,
)

OLD, NEW = 1, 2
"""Two host pages."""


@protocol
def notifier(ranged: bool = True, attempts: int = 2) -> None:
    """A vCPU maps the page that backs a gfn, while the host puts another in its place.

    :param ranged: ``invalidate_range_start`` and ``_end`` around the change; otherwise
        ``invalidate_page`` after it
    :param attempts: how often the fault is tried
    """
    mmu_lock = word32()
    mmu_notifier_seq = word32()
    mmu_notifier_count = word32()
    host_pte = word32(OLD)
    spte = word32(0)
    references = word32(1)
    freed = ghost()

    @cpu
    def fault() -> None:
        for _attempt in retries(attempts):
            seq = READ_ONCE(mmu_notifier_seq)  # F1
            smp_rmb()  # F2
            pfn = READ_ONCE(host_pte)  # F3: get_user_pages
            with lock(mmu_lock):  # F4
                if READ_ONCE(mmu_notifier_count) == 0:  # F5
                    smp_rmb()  # F5a
                    if READ_ONCE(mmu_notifier_seq) == seq:  # F6
                        WRITE_ONCE(spte, pfn)  # F7
                        break

    @cpu
    def host() -> None:
        if ranged:
            with lock(mmu_lock):  # N1
                WRITE_ONCE(mmu_notifier_count, mmu_notifier_count + 1)  # N2
                WRITE_ONCE(spte, 0)  # N3
            xchg(host_pte, NEW)  # N4: ptep_clear_flush
            xadd(references, -1)  # N5: put_page
            note(freed, 1)
            with lock(mmu_lock):  # N6
                WRITE_ONCE(mmu_notifier_seq, mmu_notifier_seq + 1)  # N7
                smp_wmb()  # N8
                WRITE_ONCE(mmu_notifier_count, mmu_notifier_count - 1)  # N9
        else:
            xchg(host_pte, NEW)  # N4
            with lock(mmu_lock):  # N1
                WRITE_ONCE(mmu_notifier_seq, mmu_notifier_seq + 1)  # N7
                WRITE_ONCE(spte, 0)  # N3
            xadd(references, -1)  # N5
            note(freed, 1)

    always(not freed or spte != OLD, "NOTIFY-1: an spte maps a page that the host has freed")
