"""The protocols of the models in Promela and for Rumur: the same steps, the same states.

Each says in its Promela file what it is about.
"""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    at_end,
    cmpxchg,
    cpu,
    fetch_and,
    fetch_or,
    ghost,
    note,
    protocol,
    wait_until,
    word32,
    word64,
    xchg,
)
from mmuspec.interleave.protocols.fast_page_fault import HM
from mmuspec.x86.entry import RW, P


@protocol
def split_spte(readers: int, updates: int, counted: bool = True) -> None:
    """One writer makes new mappings whose lower halves are equal; readers take no lock.

    :param counted: whether readers compare ``clear_spte_count``; without it they are wrong
    """
    spte = word64(high=1, low=P)
    count = word32()

    @cpu
    def writer() -> None:
        for update in range(updates):
            xchg(spte.low, 0)  # X1
            WRITE_ONCE(spte.high, 0)  # X3
            WRITE_ONCE(count, update + 1)  # X4
            WRITE_ONCE(spte.high, update + 2)  # S1
            WRITE_ONCE(spte.low, P)  # S3

    @cpu(readers)
    def reader(number: int) -> None:
        while True:
            if counted:
                before = READ_ONCE(count)  # R0
            low = READ_ONCE(spte.low)  # R1
            high = READ_ONCE(spte.high)  # R2
            if READ_ONCE(spte.low) != low:  # R3
                continue
            if not counted or READ_ONCE(count) == before:  # R4
                break
        assert not low & P or high, "a reader takes halves of two mappings"


@protocol
def fast_page_fault(vcpus: int, rounds: int, pages: int, writes: int, flushed: bool = True) -> None:
    """Fast page faults against get-dirty-log, which flushes after all pages.

    :param flushed: whether it flushes at all; without it a write can be lost
    """
    spte = [word64(HM | P) for _ in range(pages)]
    bitmap = word64()
    tlb = [[ghost() for _ in range(pages)] for _ in range(vcpus)]
    logged = [ghost() for _ in range(pages)]
    report = [ghost() for _ in range(pages)]
    unlogged = [ghost() for _ in range(pages)]

    @cpu
    def logger() -> None:
        for _ in range(rounds):
            dirty = xchg(bitmap, 0)  # G1
            for page in range(pages):
                note(report[page], logged[page])
                note(logged[page], 0)
            for page in range(pages):
                if dirty >> page & 1:
                    fetch_and(spte[page], ~RW)  # G2
            if dirty and flushed:
                for vcpu in range(vcpus):
                    wait_until(1)  # G3: one CPU after the other
                    for page in range(pages):
                        note(tlb[vcpu][page], 0)
            for page in range(pages):
                note(report[page], 0)

    @cpu(vcpus)
    def vcpu(number: int) -> None:
        for write in range(writes):
            while True:
                entry = READ_ONCE(spte[(number + write) % pages])
                if tlb[number][(number + write) % pages] or entry & RW:
                    break
                old = READ_ONCE(spte[(number + write) % pages])  # FP2
                if old & RW:  # FP5
                    continue
                if cmpxchg(spte[(number + write) % pages], old, old | RW) == old:  # FP8
                    fetch_or(bitmap, 1 << (number + write) % pages)  # FP9
                    note(logged[(number + write) % pages], 1)
                    note(unlogged[(number + write) % pages], 0)
            note(tlb[number][(number + write) % pages], 1)
            if not (logged[(number + write) % pages] or report[(number + write) % pages]):
                note(unlogged[(number + write) % pages], 1)

    at_end(
        not any(unlogged[page] for page in range(pages)),
        "every write is in the bitmap or was in a report",
    )
