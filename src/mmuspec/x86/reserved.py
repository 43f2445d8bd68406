"""Which bits of a present entry are reserved.

Source: SDM volume 3A, "Paging": the tables "Format of a ... Entry" of each
mode, and "Page-Fault Exceptions" (RSVD flag).  1-GByte pages are taken to be
supported; so are PSE-36 and the PAT.
"""

from typing import Final

from .controls import Controls
from .entry import ADDRESS_BITS, PAGE_SHIFT, PS, XD, bits
from .mode import LEGACY32, LONG4, PAE, PagingMode

PSE36_LOW: Final = 13
"""Lowest bit of a 4-MByte page's entry that extends its address."""
PSE36_TARGET: Final = 32
"""Lowest physical-address bit that the extension provides."""
PSE36_MAXPHYADDR: Final = 40
"""PSE-36 reaches no further than this many physical-address bits."""
PDPTE_RESERVED_LOW: Final = bits(1, 2) | bits(5, 8)
"""Reserved in a PAE PDPTE, besides the bits from MAXPHYADDR up."""


def reserved_bits(controls: Controls, mode: PagingMode, level: int, large: bool) -> int:
    """Return the mask of the bits that must be clear in a present entry.

    :param level: 1 for the entries that map the smallest pages
    :param large: whether the entry maps a page although *level* is above 1
    :returns: a mask over the entry; bits outside it are defined or ignored
    """
    if mode is LEGACY32:
        return pse36_reserved(controls.maxphyaddr) if large else 0
    mask = high_reserved(controls, mode)
    if mode is PAE and level == 3:
        return mask | XD | PDPTE_RESERVED_LOW
    if large:
        return mask | bits(PSE36_LOW, mode.shift(level) - 1)
    if level > 1 and level not in mode.large_levels:
        return mask | PS
    return mask


def high_reserved(controls: Controls, mode: PagingMode) -> int:
    """Return the reserved bits from MAXPHYADDR up of an 8-byte entry.

    Bits 52 to 62 are ignored with 4-level paging and reserved with PAE paging.
    """
    top = ADDRESS_BITS - 1 if mode is LONG4 else 62
    return bits(controls.maxphyaddr, top) | (0 if controls.nxe else XD)


def pse36_bits(maxphyaddr: int) -> int:
    """Return the bits of a 4-MByte page's entry that hold address bits from 32 up."""
    width = min(PSE36_MAXPHYADDR, maxphyaddr) - PSE36_TARGET
    return bits(PSE36_LOW, PSE36_LOW + width - 1)


def pse36_reserved(maxphyaddr: int) -> int:
    """Return the bits between the address extension and the page's own address."""
    return bits(PSE36_LOW, LEGACY32.shift(2) - 1) & ~pse36_bits(maxphyaddr)


def pae_root(cr3: int) -> int:
    """Return the address of the four PAE PDPTEs: bits 5-31 of CR3."""
    return cr3 & bits(5, 31)


def table_root(cr3: int, maxphyaddr: int) -> int:
    """Return the address of the root table that CR3 holds, in every other mode."""
    return cr3 & bits(PAGE_SHIFT, maxphyaddr - 1)
