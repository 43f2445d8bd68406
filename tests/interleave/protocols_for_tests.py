"""Small protocols with answers that can be seen by looking at them."""
# Claims look at registers that the code of a CPU only assigns:
# ruff: noqa: F841

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    at_end,
    cmpxchg,
    cpu,
    ghost,
    inline,
    lock,
    note,
    possible,
    protocol,
    retries,
    smp_mb,
    smp_wmb,
    unlock,
    wait_until,
    word32,
    word64,
    xchg,
)


@protocol
def store_buffering(fences: bool = False) -> None:
    """Each CPU stores to one word, and then loads the other."""
    x, y = word32(), word32()

    @cpu
    def left() -> None:
        WRITE_ONCE(x, 1)  # L1
        if fences:
            smp_mb()  # L2
        seen = READ_ONCE(y)  # L3

    @cpu
    def right() -> None:
        WRITE_ONCE(y, 1)  # T1
        if fences:
            smp_mb()  # T2
        seen = READ_ONCE(x)  # T3

    at_end(left.seen or right.seen, "TEST-1: neither CPU sees the other's store")


@protocol
def publish(barrier: bool = True, readers: int = 1) -> None:
    """A 64-bit value is written half by half, and announced.

    :param readers: how many CPUs look
    """
    spte = word64(high=0xA, low=0x1111_0001)
    ready = word32()

    @cpu
    def writer() -> None:
        WRITE_ONCE(spte.low, 0)  # W1
        WRITE_ONCE(spte.high, 0xB)  # W2
        if barrier:
            smp_wmb()  # W3
        WRITE_ONCE(ready, 1)  # W4

    @cpu(readers)
    def reader() -> None:
        if READ_ONCE(ready):  # R1
            value = READ_ONCE(spte)  # R2
            assert value == 0xB_0000_0000, "TEST-2: the value is not complete"


@inline
def add(word: object, amount: int) -> None:
    old = READ_ONCE(word)  # A1
    WRITE_ONCE(word, old + amount)  # A2


@protocol
def counting(locked: bool = True) -> None:
    """Two CPUs add to a number."""
    mutex, count = word32(), word32()
    done = [ghost(), ghost()]

    @cpu(2)
    def each(number: int) -> None:
        if locked:
            with lock(mutex):  # C1
                add(count, 5)
        else:
            add(count, 5)
        note(done[number], 1)

    always(not (done[0] and done[1]) or count <= 10, "TEST-4: the number is too large")
    at_end(count == 10, "TEST-3: an addition is lost")


@protocol
def embrace() -> None:
    """Two CPUs take two locks, in different orders."""
    first, second = word32(), word32()

    @cpu
    def forward() -> None:
        lock(first)
        lock(second)
        unlock(second)
        unlock(first)

    @cpu
    def backward() -> None:
        lock(second)
        lock(first)
        unlock(first)
        unlock(second)


@protocol
def swapping(indivisible: bool = True) -> None:
    """Two CPUs want the same thing, which only one may have."""
    taken = word32()

    @cpu(2)
    def each() -> None:
        if indivisible:
            got = xchg(taken, 1)  # X1
        else:
            got = READ_ONCE(taken)  # X1
            WRITE_ONCE(taken, 1)

    at_end(each[0].got or each[1].got, "TEST-5: both get it")
    at_end(not each[0].got or not each[1].got, "TEST-6: neither gets it")


@protocol
def handover(waits: bool = True) -> None:
    """One CPU waits for the other, and then takes what it left."""
    flag, data = word32(), word32(7)

    @cpu
    def giver() -> None:
        WRITE_ONCE(data, 300)  # G1
        WRITE_ONCE(flag, 1)  # G2

    @cpu
    def taker() -> None:
        if waits:
            wait_until(flag == 1)  # K1
        value = READ_ONCE(data)  # K2
        assert value == 300, "TEST-7: what was taken is old"


@protocol
def trying(bound: int = 1) -> None:
    """A CPU exchanges what it expects, and gives up after a few rounds."""
    x = word32()

    @cpu
    def tries() -> None:
        for _attempt in retries(bound):
            old = READ_ONCE(x)  # Y1
            if cmpxchg(x, old, old + 1) == old:  # Y2
                break

    @cpu
    def disturbs() -> None:
        WRITE_ONCE(x, 40)  # D1

    possible(x == 41, "both changed it")


@protocol
def hopeless() -> None:
    """A CPU looks twice for what nobody writes."""
    x = word32()

    @cpu
    def looks() -> None:
        for _attempt in retries(2):
            if READ_ONCE(x) == 1:
                break
        assert x == 1, "TEST-8: the loop was left too early"
