"""What the walk must know about each level, worked out once for given controls."""

from functools import lru_cache
from typing import NamedTuple

from .controls import CR0_PG, Controls
from .entry import ADDRESS_MASK, PS
from .mode import LEGACY32, PAE, PagingMode, mode_of
from .pferr import Pferr
from .reserved import PSE36_LOW, PSE36_TARGET, pse36_bits, reserved_bits


class Level(NamedTuple):
    """One level of tables in memory.

    :param index_mask: which bits of ``linear >> shift`` select the entry
    :param large: PS if it maps a page at this level, else 0
    :param reserved: reserved bits of an entry that points to a table (at level
        1: that maps a page)
    :param reserved_large: reserved bits of an entry above level 1 that maps a page
    :param frame_mask: bits of a mapping entry that are address bits in place
    :param extension: bits that are address bits from 32 up (PSE-36), else 0
    """

    number: int
    shift: int
    index_mask: int
    large: int
    reserved: int
    reserved_large: int
    frame_mask: int
    extension: int

    def frame(self, entry: int) -> int:
        """Return the physical address of the page that *entry* maps."""
        return entry & self.frame_mask | (entry & self.extension) << (PSE36_TARGET - PSE36_LOW)


class Layout(NamedTuple):
    """A paging mode under given controls.

    :param levels: from the root down; PAE PDPTEs are registers and not among them
    :param reported: bits of an access that an error code reports
    """

    mode: PagingMode
    levels: tuple[Level, ...]
    reported: int


def layout_of(controls: Controls) -> Layout:
    """Return the layout that *controls* select."""
    return _layout(controls.cr0 & CR0_PG, controls.cr4, controls.efer, controls.maxphyaddr)


@lru_cache(maxsize=1024)
def _layout(cr0: int, cr4: int, efer: int, maxphyaddr: int) -> Layout:
    controls = Controls(cr0=cr0, cr4=cr4, efer=efer, maxphyaddr=maxphyaddr)
    mode = mode_of(controls)
    top = 2 if mode is PAE else mode.levels
    levels = tuple(level_of(controls, mode, number) for number in range(top, 0, -1))
    return Layout(mode, levels, reported_bits(controls))


def level_of(controls: Controls, mode: PagingMode, number: int) -> Level:
    """Return what the walk must know about level *number* of *mode*."""
    large = number in mode.large_levels and (mode is not LEGACY32 or controls.pse)
    return Level(
        number=number,
        shift=mode.shift(number),
        index_mask=mode.index(-1, number),
        large=PS if large else 0,
        reserved=reserved_bits(controls, mode, number, False),
        reserved_large=reserved_bits(controls, mode, number, True) if large else 0,
        frame_mask=ADDRESS_MASK & -mode.page_size(number),
        extension=pse36_bits(controls.maxphyaddr) if large and mode is LEGACY32 else 0,
    )


def reported_bits(controls: Controls) -> int:
    """Return which bits of an access show in an error code.

    F does so only where fetches can be forbidden: with CR4.SMEP, or with both
    CR4.PAE and EFER.NXE.  Source: SDM volume 3A, "Page-Fault Exceptions", I/D flag.
    """
    fetch = controls.smep or (controls.pae and controls.nxe)
    return int(Pferr.W | Pferr.U | Pferr.F) if fetch else int(Pferr.W | Pferr.U)
