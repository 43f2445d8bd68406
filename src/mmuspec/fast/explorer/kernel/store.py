# mypy: ignore-errors
"""How the kernel keeps the states that it meets, each once."""

from numba import types

from mmuspec.fast.explorer.context import (
    BLOCK,
    CLASS,
    CLASS_SIZE,
    CLASSES,
    COUNT,
    DONE,
    FIELD_MASK,
    FIRST_SHIFT,
    FULL,
    INBOX,
    LAST,
    MEMBERS,
    NEXT,
    OLDER,
    OUTBOX,
    OWNER,
    RECENT,
    RECENT_BITS,
    ROOM,
    SENT,
    SHIFT,
    STATES,
    TABLE,
)
from mmuspec.fast.explorer.kernel.primitives import (
    OTHER,
    inlined,
    peek,
    poke,
    prefetch,
    shr,
    small,
)


def keeping(wide, hashed):
    """Return the functions that put states into the table.

    :param wide: whether a state has two numbers
    """
    size = 2 if wide else 1

    @inlined
    def insert(table, shift, states, count, a, b):
        """Put a state into the table; return the number of states then."""
        last = shr(-1, shift)
        at = shr(hashed(a, b), shift)
        key = peek(table, at * size)
        while (key != 0) & ((key != a) | (wide and peek(table, at * size + 1) != b)):
            at = (at + 1) & last
            key = peek(table, at * size)
        # Nobody can foretell whether a state is new: writing anyway is faster than a branch.
        poke(table, at * size, a)
        poke(states, count * size, a)
        if wide:
            poke(table, at * size + 1, b)
            poke(states, count * size + 1, b)
        return count + (key == 0)

    @small
    def sort(kind, half):
        """Put the CPUs of one class in order."""
        members = peek(kind, MEMBERS)
        mask = peek(kind, FIELD_MASK)
        for i in range(1, members):
            high = peek(kind, FIRST_SHIFT + i)
            mine = shr(half, high) & mask
            at = i
            while at > 0:
                low = peek(kind, FIRST_SHIFT + at - 1)
                other = shr(half, low) & mask
                if other <= mine:
                    break
                half = half & ~(mask << high) | other << high
                high = low
                at -= 1
            half = half & ~(mask << high) | mine << high
        return half

    @small
    def prepare(search, ring, n, divide):
        """Sort alike CPUs in the states of the ring, and have their places fetched.

        States that were met a moment ago are left out. Those that belong to the other
        thread, if *divide* tells so, go to the outbox. Returns how many are left.
        """
        table, shift = peek(search, TABLE), peek(search, SHIFT)
        classes, recent = peek(search, CLASSES), peek(search, RECENT)
        outbox, sent = peek(search, OUTBOX), peek(search, SENT)
        owner = peek(search, OWNER)
        left = types.int64(0)
        for k in range(n):
            a, b = peek(ring, k * size), types.int64(0)
            if wide:
                b = peek(ring, k * size + 1)
            for number in range(classes):
                a = sort(peek(search, CLASS) + number * (CLASS_SIZE * 8), a)
            value = hashed(a, b)
            prefetch(table, shr(value, shift) * size)
            at = shr(value, 64 - RECENT_BITS) * size
            new = peek(recent, at) != a
            poke(recent, at, a)
            poke(ring, left * size, a)
            if wide:
                new |= peek(recent, at + 1) != b
                poke(recent, at + 1, b)
                poke(ring, left * size + 1, b)
            mine = new
            if divide:
                mine = new & (shr((a & divide) * OTHER, 63) == owner)
                poke(outbox, sent * size, a)
                if wide:
                    poke(outbox, sent * size + 1, b)
                sent += new ^ mine
            left += mine
        if divide:
            poke(search, SENT, sent)
        return left

    @small
    def keep(search, ring, n):
        """Put the states of the ring into the table."""
        table, shift = peek(search, TABLE), peek(search, SHIFT)
        states, count = peek(search, STATES), peek(search, COUNT)
        for k in range(n):
            a, b = peek(ring, k * size), types.int64(0)
            if wide:
                b = peek(ring, k * size + 1)
            count = insert(table, shift, states, count, a, b)
        poke(search, COUNT, count)

    @small
    def fill(search):
        """Put the states in the places from NEXT to LAST of an older table into a new one.

        Both are in the order of the hash, so that this goes from front to back in both.
        """
        table, shift = peek(search, TABLE), peek(search, SHIFT)
        older = peek(search, OLDER)
        end = shr(-1, shift)
        for place in range(peek(search, NEXT), peek(search, LAST)):
            a, b = peek(older, place * size), types.int64(0)
            if a == 0:
                continue
            if wide:
                b = peek(older, place * size + 1)
            at = shr(hashed(a, b), shift)
            while peek(table, at * size):
                at = (at + 1) & end
            poke(table, at * size, a)
            if wide:
                poke(table, at * size + 1, b)
        return DONE

    @small
    def receive(search):
        """Put states that the other thread found, from NEXT to LAST of INBOX, into the table."""
        ring, last = peek(search, INBOX), peek(search, LAST)
        first = peek(search, NEXT)
        while first < last:
            if peek(search, COUNT) > peek(search, ROOM):
                return FULL
            end = min(first + BLOCK, last)
            part = ring + first * (size * 8)
            keep(search, part, prepare(search, part, end - first, 0))
            first = end
            poke(search, NEXT, first)
        return DONE

    return prepare, keep, fill, receive
