"""An spte on a 32-bit host: its halves, those who write them, and readers without mmu_lock.

The functions are those of mmu.c in v3.11; the names of the steps are those of the chapter on
lockless walks. Whoever writes holds mmu_lock, so there is one such CPU.
"""

from typing import Any

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    cpu,
    give_up,
    inline,
    possible,
    protocol,
    smp_rmb,
    smp_wmb,
    word32,
    word64,
    xchg,
)
from mmuspec.interleave.protocols.lockless_walk import (
    kvm_flush_remote_tlbs,
    new_vcpu,
    walk_shadow_page_lockless_begin,
    walk_shadow_page_lockless_end,
)
from mmuspec.interleave.protocols.spte_updates import MMIO, first, held, parsed
from mmuspec.interleave.words import HALF
from mmuspec.x86.entry import XD, P


@inline
def __set_spte(spte: Any, new: Any) -> None:
    """Store a value where nothing is mapped."""
    WRITE_ONCE(spte.high, new >> 32)  # S1
    smp_wmb()  # S2
    WRITE_ONCE(spte.low, new & HALF)  # S3


@inline
def __update_clear_spte_fast(spte: Any, clears: Any, new: Any) -> None:
    """Replace a value in which the processor changes nothing."""
    WRITE_ONCE(spte.low, new & HALF)  # F1
    smp_wmb()  # F2
    WRITE_ONCE(spte.high, new >> 32)  # F3
    count_spte_clear(clears, new)


@inline
def __update_clear_spte_slow(spte: Any, clears: Any, new: Any) -> Any:
    """Replace a value, and return it as it was in that moment."""
    low = xchg(spte.low, new & HALF)  # X1
    high = READ_ONCE(spte.high)  # X2
    WRITE_ONCE(spte.high, new >> 32)  # X3
    count_spte_clear(clears, new)
    return high << 32 | low


@inline
def count_spte_clear(clears: Any, new: Any) -> None:
    """Count a clear in ``sp->clear_spte_count``, if there is one."""
    if clears is not None and not new & P:
        smp_wmb()  # F4a
        WRITE_ONCE(clears, clears + 1)  # F4b


@inline
def update_clear(spte: Any, clears: Any, new: Any, slow: bool) -> None:
    """Replace a value, by an exchange if the processor may change bits of it."""
    if slow:
        __update_clear_spte_slow(spte, clears, new)
    else:
        __update_clear_spte_fast(spte, clears, new)


@inline
def kvm_set_pte_rmapp(spte: Any, clears: Any, new: Any, slow: bool) -> None:
    """Replace a value by one with another frame."""
    update_clear(spte, clears, 0, slow)
    __set_spte(spte, new)


@inline
def __get_spte_lockless(spte: Any, clears: Any, tries: int) -> Any:
    """Load both halves, until nothing speaks against them having stood there together."""
    tried = 0
    while True:
        if clears is not None:
            before = READ_ONCE(clears)  # R0
            smp_rmb()  # R0
        low = READ_ONCE(spte.low)  # R1
        smp_rmb()  # R1
        high = READ_ONCE(spte.high)  # R2
        smp_rmb()  # R2
        again = READ_ONCE(spte.low)  # R3
        if clears is not None:
            after = READ_ONCE(clears)  # R4
        if low == again and (clears is None or before == after):  # R5
            return high << 32 | low
        if tries:
            tried += 1
            if tried == tries:
                give_up()


@inline
def torn(value: Any, updates: str) -> Any:
    """Tell whether *value* maps something, and is nothing that the spte held (NX apart)."""
    return value & P and value & MMIO != MMIO and value & ~XD not in held(updates, but=XD)


@inline
def write_seqcount(count: Any) -> None:
    """Count the beginning or the end of a write: the number is odd in between."""
    smp_wmb()  # Q1
    WRITE_ONCE(count, count + 1)  # Q2
    smp_wmb()  # Q3


@inline
def read_seqcount(spte: Any, count: Any) -> Any:
    """Load both halves, until no write began or ended meanwhile."""
    while True:
        before = READ_ONCE(count)  # Q4
        smp_rmb()  # Q4
        low = READ_ONCE(spte.low)  # Q5
        high = READ_ONCE(spte.high)  # Q6
        smp_rmb()  # Q6
        after = READ_ONCE(count)  # Q7
        if before == after and not before & 1:  # Q8
            return high << 32 | low


ONCE, TWICE, NEVER = "once", "twice", "never"
"""How updates are counted: KVM counts a clear once; a seqlock counts each store twice."""


@protocol
def split_spte(
    updates: str = "clear,set-B",
    count: str = ONCE,
    readers: int = 1,
    processor: bool = False,
    tries: int = 0,
    accepts: int | None = None,
) -> None:
    """One CPU changes an spte, others read it meanwhile.

    :param updates: what is done to it, as `spte_updates` says
    :param count: how often the number grows that readers compare: ``once`` a clear,
        ``twice`` a store, or ``never``
    :param processor: let the processor walk the tables, too
    :param tries: a reader gives up after so many; 0 for never
    :param accepts: ask whether a reader can return this value, and claim nothing of it
    """
    spte = word64(first(updates))
    clear_spte_count = word32()
    clears = clear_spte_count if count == ONCE else None
    vcpus = [new_vcpu() for _ in range(readers)] if "flush" in updates else []

    @cpu
    def writer() -> None:
        for update in parsed(updates):
            if update.verb == "flush":
                kvm_flush_remote_tlbs(vcpus, True)
            else:
                if count == TWICE:
                    write_seqcount(clear_spte_count)
                if update.verb == "set":
                    __set_spte(spte, update.spte)
                elif update.verb == "change":
                    kvm_set_pte_rmapp(spte, clears, update.spte, update.slow)
                else:
                    update_clear(spte, clears, update.spte, update.slow)
                if count == TWICE:
                    write_seqcount(clear_spte_count)

    @cpu(readers)
    def reader(number: int) -> None:
        if vcpus:
            walk_shadow_page_lockless_begin(vcpus[number])
        if count == TWICE:
            value = read_seqcount(spte, clear_spte_count)
        else:
            value = __get_spte_lockless(spte, clears, tries)
        if vcpus:
            walk_shadow_page_lockless_end(vcpus[number])
        if accepts is None:
            assert not torn(value, updates), "SPLIT-2: a reader returns halves of two mappings"

    if processor:

        @cpu
        def walker() -> None:
            entry = READ_ONCE(spte)  # H1
            assert not torn(entry, updates), "SPLIT-1: the processor uses halves of two mappings"

    if accepts is not None:
        possible(any(each.value == accepts for each in reader), f"a reader returns {accepts:#x}")
