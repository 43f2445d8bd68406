"""One description per paging mode, so that one walk serves all of them.

Source: SDM volume 3A, "Hierarchical Paging Structures: an Overview".
"""

from dataclasses import dataclass
from typing import Final

from .controls import Controls


@dataclass(frozen=True)
class PagingMode:
    """How one paging mode cuts a linear address into table indices.

    :param levels: levels of tables, counting a PAE PDPT as one; 0 = no paging
    :param entry_size: bytes in an entry
    :param index_bits: address bits that select an entry of a table
    :param large_levels: levels at which PS may map a page
    """

    name: str
    levels: int
    entry_size: int
    index_bits: int
    large_levels: frozenset[int]
    linear_bits: int

    def shift(self, level: int) -> int:
        """Return the lowest linear-address bit that indexes *level*."""
        return 12 + self.index_bits * (level - 1)

    def index(self, address: int, level: int) -> int:
        """Return the index of *address* in its table of *level*."""
        width = 2 if self is PAE and level == 3 else self.index_bits
        return (address >> self.shift(level)) & ((1 << width) - 1)

    def page_size(self, level: int) -> int:
        """Return how many bytes a page mapped by an entry of *level* has."""
        return 1 << self.shift(level)


NO_PAGING: Final = PagingMode("no paging", 0, 8, 9, frozenset(), 32)
LEGACY32: Final = PagingMode("32-bit", 2, 4, 10, frozenset({2}), 32)
PAE: Final = PagingMode("PAE", 3, 8, 9, frozenset({2}), 32)
LONG4: Final = PagingMode("4-level", 4, 8, 9, frozenset({2, 3}), 48)


def mode_of(controls: Controls) -> PagingMode:
    """Return the paging mode that *controls* select."""
    if not controls.paging:
        return NO_PAGING
    if controls.long_mode:
        return LONG4
    return PAE if controls.pae else LEGACY32
