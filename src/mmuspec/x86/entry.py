"""The bits of a paging-structure entry.

Source: SDM volume 3A, "Paging", the tables "Format of a ... Entry".
"""

from typing import Final, NamedTuple

P: Final = 1 << 0
"""Present."""
RW: Final = 1 << 1
"""Writes allowed."""
US: Final = 1 << 2
"""User-mode accesses allowed."""
PWT: Final = 1 << 3
"""Page-level write-through."""
PCD: Final = 1 << 4
"""Page-level cache disable."""
A: Final = 1 << 5
"""Accessed."""
D: Final = 1 << 6
"""Dirty (entries that map a page)."""
PS: Final = 1 << 7
"""Page size (entries above level 1 that map a page)."""
PAT: Final = 1 << 7
"""Page attribute table index, in a level-1 entry."""
G: Final = 1 << 8
"""Global."""
PAT_LARGE: Final = 1 << 12
"""Page attribute table index, in an entry that maps a large page."""
XD: Final = 1 << 63
"""Execute-disable."""

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 1 << PAGE_SHIFT
PAGE_MASK: Final = PAGE_SIZE - 1
ADDRESS_BITS: Final = 52
"""Architectural limit of a physical address, in bits."""
ADDRESS_MASK: Final = ((1 << ADDRESS_BITS) - 1) & ~PAGE_MASK
"""Bits 12-51: the physical address held by an 8-byte entry."""


def bits(low: int, high: int) -> int:
    """Return a mask with bits *low* to *high* set, both included.

    :param low: lowest bit; a range with ``low > high`` is empty
    :param high: highest bit
    """
    return ((1 << (high + 1)) - 1) & ~((1 << low) - 1) if low <= high else 0


class Field(NamedTuple):
    """One field of an entry, as a figure or a table shows it."""

    name: str
    low: int
    high: int
    meaning: str
