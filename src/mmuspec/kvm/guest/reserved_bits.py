"""``rsvd_bits_mask``: which bits of a guest entry KVM's walker takes for reserved.

The table agrees with the processor except for bit 8 of non-leaf entries of
4-level tables at levels 3 and 4, which it also refuses, and for bits 13-16 of
a 4 MiB entry, which it always takes for address bits.

Source: reset_rsvds_bits_mask() (v3.11).
"""

from ...x86.controls import Controls
from ...x86.entry import PS, bits
from ...x86.mode import LEGACY32, PAE, PagingMode


def rsvd_bits_mask(
    controls: Controls, mode: PagingMode, level: int, *, large: bool, pdpe_bit_8: bool = True
) -> int:
    """Return the reserved bits of an entry at *level*.

    :param large: bit 7 of the entry is set
    :param pdpe_bit_8: bit 8 of a level-3 entry that points at a table is one of them
    """
    if mode is LEGACY32:
        return bits(17, 21) if large and level == 2 and controls.pse else 0
    exb = 0 if controls.nxe else bits(63, 63)
    if mode is PAE:
        return exb | bits(controls.maxphyaddr, 62) | (bits(13, 20) if large and level == 2 else 0)
    mask = exb | bits(controls.maxphyaddr, 51)
    if level == 4 or (level == 3 and not large and pdpe_bit_8):
        return mask | bits(7, 8)
    return mask | _inside_large_page(level) if large else mask


def _inside_large_page(level: int) -> int:
    """Return the address bits below a large page that an entry must leave clear."""
    return {2: bits(13, 20), 3: bits(13, 29)}.get(level, 0)


def pdpte_rsvd_bits_mask(controls: Controls) -> int:
    """Return the reserved bits of a PAE PDPTE."""
    return bits(controls.maxphyaddr, 63) | bits(7, 8) | bits(1, 2)


def is_rsvd_bits_set(
    controls: Controls, mode: PagingMode, gpte: int, level: int, *, pdpe_bit_8: bool = True
) -> bool:
    """Whether *gpte* has a bit set that is reserved at *level*."""
    mask = rsvd_bits_mask(controls, mode, level, large=bool(gpte & PS), pdpe_bit_8=pdpe_bit_8)
    return bool(gpte & mask)
