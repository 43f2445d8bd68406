"""Many walks at once over a flat physical memory, equal to ``mmuspec.x86.walk``."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from ..x86.controls import Controls
from ..x86.entry import PAGE_SIZE, RW, US, XD, D, G
from ..x86.exceptions import GeneralProtection, LinearAddressError, PageFault
from ..x86.layout import layout_of
from ..x86.mode import LONG4, PAE
from ..x86.permission import permitted
from ..x86.pferr import Pferr
from ..x86.reserved import table_root
from ..x86.walk import Accessed, Pdptes, Translation, load_pdptes
from . import kernels

Words: TypeAlias = npt.NDArray[np.uint64]
MAX_LEVELS = 4
ACCESSES = range(0, 32, 2)
"""Accesses as error-code bits: every combination of W, U, RSVD (meaningless) and F."""


class FlatMemory:
    """A flat array of 8-byte words as the memory that a walk reads.

    Beyond the array it reads as zero and writes are lost, as in the kernels.

    :param words: shape ``(size in bytes / 8,)``; used in place
    """

    def __init__(self, words: Words) -> None:
        self.words = words

    def read(self, address: int, size: int) -> int:
        """Return the *size*-byte value at *address*."""
        if address >> 3 >= len(self.words):
            return 0
        return int(self.words[address >> 3]) >> 8 * (address & 7) & ((1 << 8 * size) - 1)

    def write(self, address: int, value: int, size: int) -> None:
        """Store the low *size* bytes of *value* at *address*."""
        if address >> 3 < len(self.words):
            shift, mask = 8 * (address & 7), (1 << 8 * size) - 1
            old = int(self.words[address >> 3]) & ~(mask << shift)
            self.words[address >> 3] = old | (value & mask) << shift


class Walks(NamedTuple):
    """What many walks found; row *i* belongs to the *i*-th linear address.

    :param found: shape ``(n, 5)``; columns ``PHYSICAL`` to ``USED`` of the kernels
    :param paths: shape ``(n, 4)``; addresses of the entries used, root first
    """

    linears: Words
    found: Words
    paths: Words
    page_sizes: tuple[int, ...]

    def result(self, number: int) -> Translation:
        """Return the *number*-th result as the specification's walk does.

        :raises PageFault: that walk faulted
        :raises GeneralProtection: its address is not canonical
        """
        row = self.found[number]
        physical, level, flags, fault, used = (int(value) for value in row)
        linear = int(self.linears[number])
        if fault & int(kernels.NOT_CANONICAL):
            raise GeneralProtection(f"linear address {linear:#x} is not canonical")
        if fault:
            raise PageFault(Pferr(fault & ~int(kernels.FAULTED)), linear)
        rw, us, xd, global_, dirty = (bool(flags & bit) for bit in (RW, US, XD, G, D))
        path = tuple(int(address) for address in self.paths[number, :used])
        size = self.page_sizes[level]
        return Translation(physical, level, size, rw, us, xd, global_, dirty, path)


def walk_many(
    words: Words,
    controls: Controls,
    linears: Sequence[int] | Words,
    accesses: Sequence[int] | Words,
    pdptes: Pdptes | None = None,
    accessed: Accessed = Accessed.ON_SUCCESS,
) -> Walks:
    """Translate each of *linears* for the access beside it, in turn.

    :param words: physical memory from address 0, 8 bytes each; A and D are set in it
    :param accesses: bits W, U and F of an error code, one for each address
    :param pdptes: the PDPTE registers; None = as loaded by a MOV to CR3 just now
    :raises GeneralProtection: a PDPTE cannot be loaded
    :raises LinearAddressError: an address has more bits than the mode's addresses
    :raises ValueError: *linears* and *accesses* differ in length
    """
    addresses = np.asarray(linears, np.uint64)
    kinds = np.asarray(accesses, np.uint64)
    if addresses.shape != kinds.shape:
        raise ValueError(f"{len(addresses)} linear addresses, but {len(kinds)} accesses")
    mode = layout_of(controls).mode
    if mode is not LONG4 and len(addresses) and int(addresses.max()) >> 32:
        raise LinearAddressError(f"{mode.name} paging translates 32-bit addresses")
    if mode is PAE and pdptes is None:
        pdptes = load_pdptes(FlatMemory(words), controls)
    registers = np.array(pdptes or (0, 0, 0, 0), np.uint64)
    found = np.zeros((len(addresses), 5), np.uint64)
    paths = np.zeros((len(addresses), MAX_LEVELS), np.uint64)
    tables = level_table(controls), allowed_table(controls), settings_of(controls, accessed)
    kernels.walk_many(words, *tables, registers, addresses, kinds, found, paths)
    sizes = tuple(mode.page_size(level) if level else PAGE_SIZE for level in range(MAX_LEVELS))
    return Walks(addresses, found, paths, sizes)


def level_table(controls: Controls) -> Words:
    """Return the ``levels`` of the kernels for *controls*."""
    rows = [
        (
            level.shift,
            level.index_mask,
            level.large,
            level.reserved,
            level.reserved_large,
            level.frame_mask,
            level.extension,
        )
        for level in layout_of(controls).levels
    ]
    return np.array(rows, np.uint64).reshape(len(rows), 7)


def allowed_table(controls: Controls) -> Words:
    """Return the ``allowed`` of the kernels: the specification's answer for every case."""
    return np.array(_allowed(controls.with_(cr3=0)), np.uint64)


@lru_cache(maxsize=256)
def _allowed(controls: Controls) -> tuple[int, ...]:
    return tuple(
        sum(
            permitted(controls, access, bool(number & 1), bool(number & 2), not number & 4)
            << number
            for number in range(8)
        )
        for access in ACCESSES
    )


def settings_of(controls: Controls, accessed: Accessed) -> Words:
    """Return the ``settings`` of the kernels."""
    layout = layout_of(controls)
    settings: dict[Any, int] = {
        kernels.ENTRY_SIZE: layout.mode.entry_size,
        kernels.ROOT: table_root(controls.cr3, controls.maxphyaddr),
        kernels.REPORTED: layout.reported,
        kernels.CANONICAL: layout.mode is LONG4,
        kernels.PAE: layout.mode is PAE,
        kernels.PGE: controls.pge,
        kernels.ON_THE_WAY: accessed is Accessed.DURING_WALK,
    }
    return np.array([settings[place] for place in sorted(settings)], np.uint64)
