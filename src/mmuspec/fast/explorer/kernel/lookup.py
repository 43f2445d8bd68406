# mypy: ignore-errors
"""Where the kernel finds the entry that tells what happens."""

from mmuspec.fast.explorer.context import (
    ENTRIES,
    HASHED,
    KEYS,
    KEYS_SHIFT,
    LOW_BITS,
    MASK,
    MISS_SIZE,
    MISSED,
    MISSES,
)
from mmuspec.fast.explorer.kernel.primitives import (
    GOLDEN,
    OTHER,
    TOP,
    inlined,
    peek,
    pext,
    poke,
    shr,
    small,
)


def lookup(wide, gather):
    """Return the functions that find entries.

    :param wide: whether a state has two numbers
    :param gather: whether the processor gathers bits fast (PEXT)
    """
    size = 2 if wide else 1
    scale = size * 2 * 8  # bytes of an entry

    @inlined
    def hashed(a, b):
        value = a ^ shr(a, 32)
        if wide:
            value ^= b * OTHER
            value ^= shr(value, 29)
        return value * GOLDEN

    @inlined
    def place(record, mode, a, b):
        """Return the address of the entry for a state, or 0 if a hash does not know it."""
        entries = peek(record, ENTRIES)
        mask = peek(record, MASK)
        if gather and not mode & HASHED:
            index = pext(a, mask)
            if wide:
                index |= pext(b, peek(record, MASK + 1)) << peek(record, LOW_BITS)
            return entries + index * scale
        a = a & mask | TOP
        if wide:
            b &= peek(record, MASK + 1)
        keys, shift = peek(record, KEYS), peek(record, KEYS_SHIFT)
        last = shr(-1, shift)
        at = shr(hashed(a, b), shift)
        while True:
            key = peek(keys, at * 2)
            if key == a and (not wide or peek(keys, at * 2 + 1) == b):
                return entries + at * scale
            if key == 0:
                return 0
            at = (at + 1) & last

    @small
    def missing(search, record, at, a, b):
        """Note that an entry has to be filled in."""
        row = peek(search, MISSES) + peek(search, MISSED) * (MISS_SIZE * 8)
        poke(row, 0, record)
        poke(row, 1, at)
        poke(row, 2, a & peek(record, MASK))
        poke(row, 3, b & peek(record, MASK + 1))
        poke(search, MISSED, peek(search, MISSED) + 1)

    return hashed, place, missing
