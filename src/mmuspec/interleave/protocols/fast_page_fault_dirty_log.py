"""Fast page fault against the dirty log: KVM_GET_DIRTY_LOG (x86.c, mmu.c; v3.11).

Two words of memory stand for much more: the bitmap has one bit, and the page one value.
"""

from typing import Any

from mmuspec.interleave.notation import (
    READ_ONCE,
    at_end,
    cpu,
    ghost,
    inline,
    note,
    possible,
    protocol,
    wait_until,
    word32,
    word64,
    xchg,
)
from mmuspec.interleave.protocols.fast_page_fault import (
    HM,
    fast_page_fault,
    flush_tlbs,
    guest_write,
    new_vcpu,
)
from mmuspec.x86.entry import RW as W
from mmuspec.x86.entry import P

BEFORE_G1, BEFORE_G2, BEFORE_G3, AFTER_G3 = 1, 2, 3, 4
"""How far a report has got, as the guest's writes record it in `where_reported`."""


@inline
def get_dirty_log(spte: Any, bitmap: Any, vcpus: Any, phase: Any, flushes: bool) -> Any:
    """Take the bit, then W, then the translations; return whether the page was written."""
    dirty = xchg(bitmap, 0)  # G1
    note(phase, BEFORE_G2)
    if dirty:  # G1a
        old = READ_ONCE(spte)
        if old & W:  # G2a
            xchg(spte, old & ~W)  # G2
        note(phase, BEFORE_G3)
        if flushes:
            flush_tlbs(vcpus)
    note(phase, AFTER_G3)
    return dirty


@protocol
def dirty_log(
    vcpus: int = 1, reports: int = 1, writes: int = 1, cached: bool = True, flushes: bool = True
) -> None:
    """vCPUs write a page, while userspace copies what the dirty log reports.

    The page was written before: its bit is set, and it is writable.

    :param cached: whether every TLB holds a writable translation to begin with
    :param flushes: whether the log is returned after a flush
    """
    spte = word64(P | W | HM)
    bitmap = word32(1)
    page = word32()
    guests = [new_vcpu(tlb=cached) for _ in range(vcpus)]
    phase, copy = ghost(BEFORE_G1), ghost()

    @cpu(vcpus)
    def vcpu(number: int) -> None:
        for n in range(writes):
            while not guest_write(guests[number], spte, page, 1 + number * writes + n, False):  # V6
                fast_page_fault(spte, bitmap, None)

    @cpu
    def userspace() -> None:
        for _report in range(reports):
            if get_dirty_log(spte, bitmap, guests, phase, flushes):  # G4a
                note(copy, READ_ONCE(page))  # G4

    at_end(bitmap or copy == page, "FPF-6: a guest's write is lost")


@protocol
def where_reported(cached: bool = True) -> None:
    """One report, while a vCPU writes to the page how far the report has got.

    :param cached: whether its TLB holds a writable translation to begin with
    """
    spte = word64(P | W | HM)
    bitmap = word32(1)
    page = word32()
    guest = new_vcpu(tlb=cached)
    phase, reported = ghost(BEFORE_G1), ghost()

    @cpu
    def vcpu() -> None:
        while not guest_write(guest, spte, page, phase, False):  # V6
            fast_page_fault(spte, bitmap, None)

    @cpu
    def userspace() -> None:
        note(reported, get_dirty_log(spte, bitmap, [guest], phase, True))

    at_end(reported or bitmap, "FPF-6: a write is reported nowhere")


@protocol
def late_report(reports: int = 2) -> None:
    """Two vCPUs write a clean page, and userspace asks for the log as soon as it was written."""
    spte = word64(P | HM)
    bitmap = word32()
    page = word32()
    guests = [new_vcpu() for _ in range(2)]
    phase = ghost(BEFORE_G1)

    @cpu(2)
    def vcpu(number: int) -> None:
        while not guest_write(guests[number], spte, page, 1 + number, False):  # V6
            fast_page_fault(spte, bitmap, None)

    @cpu
    def userspace() -> None:
        wait_until(page)  # U1: a write has been done
        seen = 0
        for _report in range(reports):
            seen |= get_dirty_log(spte, bitmap, guests, phase, True)

    possible(not userspace.seen, "FPF-6: every report leaves a written page out")
