"""Fast page fault, and what guests, processors and flushes do meanwhile (mmu.c; v3.11).

The names of the steps are those of the chapter on fast page faults. What is left out: the
announcement of the walk (nothing here frees a shadow page), and how a flush reaches a vCPU.
Both are the matter of the chapter on lockless walks.
"""

from typing import Any

from mmuspec.epochs import V3_11
from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    cmpxchg,
    fetch_or,
    ghost,
    inline,
    note,
    record,
    smp_mb,
    wait_until,
    word32,
    xchg,
)
from mmuspec.interleave.protocols.vcpu_mode import IN_GUEST, OUTSIDE
from mmuspec.x86.entry import RW as W
from mmuspec.x86.entry import D, P

H, M = 1 << V3_11.host_writeable_bit, 1 << V3_11.mmu_writeable_bit
HM = H | M
"""What the fast path asks for; the bits of an spte are named as in the chapter."""


def new_vcpu(tlb: int = 0) -> Any:
    """Declare a vCPU.

    :param tlb: whether its TLB holds a writable translation of the page
    """
    return record(mode=word32(OUTSIDE), tlb=ghost(tlb))


@inline
def guest_write(vcpu: Any, spte: Any, page: Any, value: Any, sets_dirty: bool) -> Any:
    """Run one instruction of the guest, a write; return whether it was done, else it faulted.

    Interrupts come between instructions, not within one: a flush waits for the end.

    :param sets_dirty: whether the processor sets D before it caches a writable translation
    """
    xchg(vcpu.mode, IN_GUEST)  # V1: with the barrier that follows
    if not vcpu.tlb:  # V2a
        entry = READ_ONCE(spte)  # V2: the walk of the processor
        if entry & W and (not sets_dirty or cmpxchg(spte, entry, entry | D) == entry):  # V3
            note(vcpu.tlb, 1)
    done = vcpu.tlb
    if done:  # V4a
        WRITE_ONCE(page, value)  # V4
    WRITE_ONCE(vcpu.mode, OUTSIDE)  # V5
    return done


@inline
def fast_page_fault(spte: Any, bitmap: Any, gfns: Any) -> Any:
    """Set W without mmu_lock, if H and M allow it; return whether the slow path can be spared.

    :param gfns: where an indirect page keeps the gfn that the spte maps; a direct page has
        ``None``, and maps gfn 0 here
    """
    old = READ_ONCE(spte)  # FP2
    if not old & P:  # FP3: v3.11 lets the guest retry first
        return 0
    if old & W:  # FP5
        return 1
    if old & HM != HM:  # FP6
        return 0
    gfn = 0
    if gfns is not None:
        gfn = READ_ONCE(gfns)  # FP7
    if cmpxchg(spte, old, old | W) == old:  # FP8
        fetch_or(bitmap, 1 << gfn)  # FP9: mark_page_dirty()
    return 1  # FP10


@inline
def flush_tlbs(vcpus: Any) -> None:
    """Empty the TLB of every vCPU, each between two of its instructions."""
    smp_mb()  # G3a
    for number in range(len(vcpus)):
        wait_until(vcpus[number].mode == OUTSIDE)  # G3
        note(vcpus[number].tlb, 0)
