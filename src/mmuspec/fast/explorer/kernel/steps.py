# mypy: ignore-errors
"""How the kernel takes the steps that a state allows."""

from mmuspec.fast.explorer.context import (
    ALONE,
    BROKEN,
    BUFFER,
    BUFFER_SHIFT,
    BUFFERS,
    CONFLICTS,
    CPU,
    CPU_SIZE,
    CPUS,
    EAGER,
    END_MASK,
    END_VALUE,
    GROUPS,
    HIT,
    HITS,
    MISSED,
    MODE,
    NEVER,
    PC_MASK,
    PC_SHIFT,
    QUIT,
    REDUCE,
    STUCK,
    TABLE_SIZE,
    VIEW,
)
from mmuspec.fast.explorer.kernel.primitives import inlined, peek, poke, shr, small


def stepping(wide, place, missing):
    """Return the function that takes all steps from a state.

    :param wide: whether a state has two numbers
    """
    size = 2 if wide else 1
    stride = 2 * size  # numbers in an entry

    @small
    def broken(search, at, index, new):
        """Note a step that breaks a claim, if for the first time; return what it sets."""
        poke(peek(search, HITS), peek(search, HIT), index)
        poke(search, HIT, peek(search, HIT) + 1)
        poke(at, 1, new ^ BROKEN)
        return new ^ BROKEN

    @inlined
    def emit(ring, n, a, b, na, nb):
        """Put the state that a step leads to into the ring, unless it leads nowhere."""
        if na == a and (not wide or nb == b):
            return n
        poke(ring, n * size, na)
        if wide:
            poke(ring, n * size + 1, nb)
        return n + 1

    @inlined
    def waiting(cpu, a, b):
        """Return the number of what waits in the store buffer of a CPU; 0 is nothing."""
        stores = a & peek(cpu, BUFFER)
        if wide:
            stores |= b & peek(cpu, BUFFER + 1)
        return shr(stores, peek(cpu, BUFFER_SHIFT))

    @inlined
    def buffered(cpu, stores):
        """Return the address of what waiting stores do: when the oldest drains; when one looks."""
        return peek(cpu, BUFFERS) + stores * (stride * 16)

    @inlined
    def current(cpu, a):
        """Return the record of the access that is next on a CPU."""
        number = shr(a, peek(cpu, PC_SHIFT)) & peek(cpu, PC_MASK)
        return peek(cpu, GROUPS) + number * (TABLE_SIZE * 8)

    @inlined
    def entry(search, cpu, record, mode, stores, a, b):
        """Return the address of the entry for the next access; 0 if it is missing or waits."""
        va, vb = a, b
        if mode & VIEW:
            one = buffered(cpu, stores)
            va = va & peek(one, stride) | peek(one, stride + 1)
            if wide:
                vb = vb & peek(one, stride + 2) | peek(one, stride + 3)
        at = place(record, mode, va, vb)
        if at == 0:
            missing(search, record, at, va, vb)
        elif peek(at, 1) == 0:
            if peek(at, 0) == 0:
                missing(search, record, at, va, vb)
            return 0
        return at

    @inlined
    def drain(cpu, stores, ring, n, a, b):
        """The oldest waiting store becomes visible."""
        one = buffered(cpu, stores)
        na, nb = a & peek(one, 0) | peek(one, 1), b
        if wide:
            nb = b & peek(one, 2) | peek(one, 3)
        return emit(ring, n, a, b, na, nb)

    @inlined
    def access(search, cpu, index, record, mode, stores, ring, n, a, b):
        """The next access of a CPU."""
        at = entry(search, cpu, record, mode, stores, a, b)
        if at == 0:
            return n
        new = peek(at, 1)
        if new & BROKEN:
            new = broken(search, at, index, new)
        na, nb = a & peek(at, 0) | new, b
        if wide:
            nb = b & peek(at, 2) | peek(at, 3)
        return emit(ring, n, a, b, na, nb)

    @inlined
    def steps(search, cpu, index, ring, n, a, b):
        """All steps of one CPU."""
        record = current(cpu, a)
        mode = peek(record, MODE)
        stores = waiting(cpu, a, b)
        if stores:
            n = drain(cpu, stores, ring, n, a, b)
        if mode & NEVER or (mode & ALONE and stores):
            return n
        return access(search, cpu, index, record, mode, stores, ring, n, a, b)

    @small
    def independent(search, record, a):
        """Tell whether nothing that others may still do depends on this access."""
        for d in range(peek(search, CPUS)):
            other = peek(search, CPU) + d * (CPU_SIZE * 8)
            number = shr(a, peek(other, PC_SHIFT)) & peek(other, PC_MASK)
            if shr(peek(record, CONFLICTS + d), number) & 1:
                return False
        return True

    @small
    def only(search, index, ring, n, a, b):
        """Take one step that may stand for all, if there is one."""
        for c in range(peek(search, CPUS)):
            cpu = peek(search, CPU) + c * (CPU_SIZE * 8)
            record = current(cpu, a)
            mode = peek(record, MODE)
            if mode & EAGER and independent(search, record, a):
                stores = waiting(cpu, a, b)
                if not (mode & ALONE and stores):
                    after = access(search, cpu, index, record, mode, stores, ring, n, a, b)
                    if after != n:
                        return after
        return n

    @small
    def stuck(search, index, a, b):
        """Note a state without steps to other states, if it is a deadlock."""
        if a & peek(search, END_MASK) == peek(search, END_VALUE) and (
            not wide or b & peek(search, END_MASK + 1) == peek(search, END_VALUE + 1)
        ):
            return
        for c in range(peek(search, CPUS)):
            cpu = peek(search, CPU) + c * (CPU_SIZE * 8)
            record = current(cpu, a)
            mode = peek(record, MODE)
            stores = waiting(cpu, a, b)
            if mode & QUIT or stores:
                return
            if not mode & NEVER and not (mode & ALONE and stores):
                before = peek(search, MISSED)
                if entry(search, cpu, record, mode, stores, a, b) or before != peek(search, MISSED):
                    return
        if peek(search, STUCK) < 0:
            poke(search, STUCK, index)

    @small
    def successors(search, index, ring, n, a, b):
        """Put all successors of a state into the ring."""
        before = n
        if peek(search, REDUCE):
            n = only(search, index, ring, n, a, b)
            if n != before:
                return n
        cpu = peek(search, CPU)
        end = cpu + peek(search, CPUS) * (CPU_SIZE * 8)
        while cpu != end:
            n = steps(search, cpu, index, ring, n, a, b)
            cpu += CPU_SIZE * 8
        if n == before:
            stuck(search, index, a, b)
        return n

    return successors
