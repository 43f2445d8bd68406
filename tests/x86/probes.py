"""Random tables and controls, in shapes chosen so that every rule of the walk is put to the test.

Uniformly random entries would fault at the root nearly always, and would almost
never set exactly one reserved bit of a large page.  So each probe starts as a
path that translates, and its shape then spoils one thing.

Which bits are reserved is stated here once more, on purpose: taken from the
walk under test, a bit that it forgets would never be tried.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from mmuspec.x86.controls import (
    CR0_PE,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMAP,
    CR4_SMEP,
    EFER_LMA,
    EFER_LME,
    EFER_NX,
    EFLAGS_AC,
    Controls,
)
from mmuspec.x86.entry import PAGE_MASK, PCD, PS, PWT, RW, US, XD, A, D, G, P
from mmuspec.x86.mode import LEGACY32, LONG4, NO_PAGING, PAE, PagingMode, mode_of
from mmuspec.x86.pferr import Pferr

MAXPHYADDR = 40
"""What unicorn's processors have, whatever CPUID says."""
CODE = 0x7000_0000
"""Linear address of the probing instructions: supervisor page, then user page."""
CODE_FRAME = 0x10000
TABLES = {LONG4: (0x21000, 0x22000, 0x23000), PAE: (0x24000, 0x25000), LEGACY32: (0x26000,)}
"""Page frames of the tables below the root that map CODE."""
DATA_FRAMES = (
    *(0x400_000 + 0x3D_000 * n for n in range(12)),
    0x4765_4000,
    0x8123_5000,
    0xC7FF_F000,
    *((1 << bit) + 0x12_3000 + 0x41_5000 * (bit - 31) for bit in range(32, 40)),
    0xFF_FFFF_F000,
    0xA5_5A5A_5000,
)
"""Page frames that a translation can reach; each can be told by what it contains."""
HIGH_TABLE_FRAMES = (0x9_0000_0000, 0x80_0000_3000, 0xFF_0123_4000, 0x5_5555_5000)
"""Page frames above 4 GBytes in which a table may lie."""
LOW_TABLE_FRAMES = tuple(0x100_000 + 0x1000 * n for n in range(16))
ACCESSES = [Pferr(u | k) for u in (0, 4) for k in (0, 2, 16)]
IGNORED = 0b111 << 9
RESERVED_ABOVE = {LONG4: range(MAXPHYADDR, 52), PAE: range(MAXPHYADDR, 63), LEGACY32: range(0)}
RESERVED_LARGE = {(LONG4, 2): range(13, 21), (LONG4, 3): range(13, 30), (PAE, 2): range(13, 21)}
RESERVED_LARGE[LEGACY32, 2] = range(21, 22)
RESERVED_PDPTE = (1, 2, 5, 6, 7, 8, *range(MAXPHYADDR, 64))


class Probe(NamedTuple):
    """One access to try.

    :param words: address, value and size of each entry in memory before it
    :param shape: what the generator meant to show
    """

    controls: Controls
    linear: int
    access: Pferr
    words: tuple[tuple[int, int, int], ...]
    shape: str

    @property
    def mode(self) -> PagingMode:
        return mode_of(self.controls)

    def code_entry(self) -> tuple[int, int, int]:
        """Return address, value and size of the root entry that maps CODE."""
        mode, size = self.mode, self.mode.entry_size
        flags = P if mode is PAE else P | RW | US
        index = mode.index(CODE, mode.levels)
        return self.controls.cr3 + size * index, TABLES[mode][0] | flags, size


@dataclass
class Draft:
    """A probe in the making: the entries of the path, root first."""

    rng: Random
    mode: PagingMode
    leaf: int
    access: Pferr
    cr4: int = 0
    efer: int = 0
    wp: bool = True
    ac: bool = False
    linear: int = 0
    root: int = 0
    entries: list[int] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)
    others: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def levels(self) -> range:
        return range(self.mode.levels, self.leaf - 1, -1)

    def has_flags(self, position: int) -> bool:
        """Whether the entry grants rights: all but a PAE PDPTE do."""
        return not (self.mode is PAE and position == 0)

    def any_position(self) -> int:
        return self.rng.randrange(len(self.entries))

    def grant_all(self) -> None:
        for position in filter(self.has_flags, range(len(self.entries))):
            self.entries[position] = self.entries[position] & ~XD | RW | US

    def controls(self) -> Controls:
        cr0 = CR0_PE | (CR0_WP if self.wp else 0)
        cr0 |= 0 if self.mode is NO_PAGING else CR0_PG
        eflags = EFLAGS_AC if self.ac else 0
        return Controls(cr0, self.root, self.cr4, self.efer, eflags, MAXPHYADDR)

    def finish(self, shape: str) -> Probe:
        size = self.mode.entry_size
        words = [(at, e, size) for at, e in zip(self.addresses, self.entries, strict=True)]
        return Probe(self.controls(), self.linear, self.access, (*words, *self.others), shape)


def draft(rng: Random, mode: PagingMode, leaf: int) -> Draft:
    """Return a path that translates: rights, controls and ignored bits are random."""
    d = Draft(rng, mode, leaf, rng.choice(ACCESSES))
    d.cr4 = sum(bit for bit in (CR4_PGE, CR4_PSE, CR4_SMEP, CR4_SMAP) if rng.random() < 0.4)
    if mode in (PAE, LONG4):
        d.cr4 |= CR4_PAE
    if mode is LEGACY32 and leaf == 2:
        d.cr4 |= CR4_PSE
    d.efer = EFER_LME | EFER_LMA if mode is LONG4 else 0
    d.efer |= EFER_NX if rng.random() < 0.7 else 0
    d.wp, d.ac = rng.random() < 0.6, rng.random() < 0.5
    if mode is NO_PAGING:
        d.linear = rng.choice([f for f in DATA_FRAMES if f < 1 << 32]) | offset(rng)
    else:
        lay_path(d)
    return d


def offset(rng: Random) -> int:
    return 16 * rng.randrange(256)


def lay_path(d: Draft) -> None:
    """Choose frames, the linear address and the entries of the path."""
    wide = d.mode.entry_size == 8
    frame = d.rng.choice([f for f in DATA_FRAMES if wide or d.leaf == 2 or f < 1 << 32])
    d.linear = choose_linear(d, frame)
    low = list(LOW_TABLE_FRAMES)
    d.rng.shuffle(low)
    high = list(HIGH_TABLE_FRAMES) if wide else []
    d.rng.shuffle(high)
    table = d.root = low.pop() | (32 * d.rng.randrange(128) if d.mode is PAE else 0)
    for level in d.levels:
        d.addresses.append(table + d.mode.entry_size * d.mode.index(d.linear, level))
        table = high.pop() if high and d.rng.random() < 0.3 else low.pop()
        target = mapping_bits(d, frame) if level == d.leaf else table
        d.entries.append(target | random_flags(d, level))
    if d.mode is PAE:
        add_other_pdptes(d)


def choose_linear(d: Draft, frame: int) -> int:
    """Return an address whose low bits are those of *frame* and whose root index is not CODE's."""
    inside = (1 << d.mode.shift(d.leaf)) - 1 & ~PAGE_MASK
    while True:
        linear = d.rng.getrandbits(d.mode.linear_bits) & ~inside & ~PAGE_MASK
        linear |= frame & inside | offset(d.rng)
        if d.mode.index(linear, d.mode.levels) != d.mode.index(CODE, d.mode.levels):
            upper = d.mode is LONG4 and linear >> 47
            return linear | 0xFFFF << 48 if upper else linear


def mapping_bits(d: Draft, frame: int) -> int:
    """Return the address bits, and PS, of an entry that maps the page with *frame* in it."""
    base = frame & -d.mode.page_size(d.leaf)
    if d.mode is LEGACY32 and d.leaf == 2:
        return base & 0xFFFF_FFFF | base >> 32 << 13 | PS
    return base | (PS if d.leaf > 1 else 0)


def random_flags(d: Draft, level: int) -> int:
    rng = d.rng
    if d.mode is PAE and level == 3:
        return P | rng.getrandbits(64) & (PWT | PCD | IGNORED)
    flags = P | rng.getrandbits(64) & (PWT | PCD | A | D | IGNORED)
    flags |= (RW if rng.random() < 0.8 else 0) | (US if rng.random() < 0.8 else 0)
    if d.mode.entry_size == 8 and d.efer & EFER_NX and rng.random() < 0.15:
        flags |= XD
    if d.mode is LONG4 and rng.random() < 0.5:
        flags |= rng.getrandbits(11) << 52
    if level == d.leaf:
        flags |= rng.getrandbits(64) & G
        # the PAT bit: 7 in the last level, 12 in a large page
        flags |= rng.getrandbits(64) & (PS if level == 1 else 1 << 12)
    return flags


def add_other_pdptes(d: Draft) -> None:
    """Fill the PDPTEs that the path does not use and that do not map CODE."""
    used = {PAE.index(d.linear, 3), PAE.index(CODE, 3)}
    for index in set(range(4)) - used:
        value = d.rng.choice([0, LOW_TABLE_FRAMES[0] | P, d.rng.getrandbits(64) & ~P])
        d.others.append((d.root + 8 * index, value, 8))


def spoil_nothing(d: Draft) -> None:
    pass


def spoil_present(d: Draft) -> None:
    """One entry is not present; whatever else it holds must not matter."""
    position = d.any_position()
    d.entries[position] &= ~P
    if d.rng.random() < 0.5 and d.mode.entry_size == 8:
        d.entries[position] |= d.rng.getrandbits(12) << 52 | 1 << 45


def spoil_reserved(d: Draft) -> None:
    """One bit from MAXPHYADDR up is set in one entry."""
    positions = [p for p in range(len(d.entries)) if d.has_flags(p)]
    above = RESERVED_ABOVE[d.mode]
    if above:
        d.entries[d.rng.choice(positions)] |= 1 << d.rng.choice(above)


def spoil_large_reserved(d: Draft) -> None:
    """One address bit that a large page must have clear is set."""
    if d.leaf > 1:
        d.entries[-1] |= 1 << d.rng.choice(RESERVED_LARGE[d.mode, d.leaf])


def spoil_nxe(d: Draft) -> None:
    """XD is set in one entry while EFER.NXE is clear: then it is reserved."""
    d.efer &= ~EFER_NX
    for position in range(len(d.entries)):
        if d.has_flags(position) and d.mode.entry_size == 8:
            d.entries[position] &= ~XD
    position = d.any_position()
    if d.has_flags(position) and d.mode.entry_size == 8:
        d.entries[position] |= XD


def spoil_one_right(d: Draft) -> None:
    """Every right is granted by every entry but one."""
    d.grant_all()
    position = d.rng.randrange(0 if d.mode is not PAE else 1, len(d.entries))
    wide = d.mode.entry_size == 8 and d.efer & EFER_NX
    match d.rng.choice(["RW", "US", "XD"]):
        case "RW":
            d.entries[position] &= ~RW
            d.access |= Pferr.W if not d.access & Pferr.F else 0
        case "US":
            d.entries[position] &= ~US
            d.access |= Pferr.U
        case _ if wide:
            d.entries[position] |= XD
            d.access = Pferr.F | d.access & Pferr.U


def spoil_wp(d: Draft) -> None:
    """A write to a read-only page, with CR0.WP clear or set."""
    d.grant_all()
    d.entries[-1] &= ~RW
    d.access = Pferr.W | (d.access & Pferr.U)
    d.wp, d.cr4 = d.rng.random() < 0.3, d.cr4 & ~CR4_SMAP


def spoil_smap(d: Draft) -> None:
    """A user-mode address is used with CR4.SMAP; EFLAGS.AC may suspend it."""
    d.grant_all()
    d.cr4 |= CR4_SMAP
    d.access &= ~Pferr.U


def spoil_smep(d: Draft) -> None:
    """An instruction is fetched from a user-mode address with CR4.SMEP."""
    d.grant_all()
    d.cr4 |= CR4_SMEP
    d.access = Pferr.F | (d.access & Pferr.U)


def spoil_clean(d: Draft) -> None:
    """A and D are clear everywhere and the access is allowed."""
    d.grant_all()
    d.entries = [e & ~(A | D) if d.has_flags(p) else e for p, e in enumerate(d.entries)]
    d.cr4 &= ~(CR4_SMAP | CR4_SMEP)


def spoil_ps(d: Draft) -> None:
    """PS is set where it maps no page: ignored without CR4.PSE, reserved in a PML4E."""
    if d.mode is LEGACY32 and d.leaf == 1:
        d.cr4 &= ~CR4_PSE
        d.entries[0] |= PS
    elif d.mode is LONG4:
        d.entries[0] |= PS


def spoil_pdpte(d: Draft) -> None:
    """A reserved bit is set in a PDPTE: mostly the one used, sometimes another."""
    if d.mode is not PAE:
        return
    bit = 1 << d.rng.choice(RESERVED_PDPTE)
    if d.rng.random() < 0.8 or not d.others:
        d.entries[0] |= bit
    else:
        address, value, size = d.others[0]
        d.others[0] = address, value | bit | P, size


def spoil_canonical(d: Draft) -> None:
    """One of the bits 48-63 differs from bit 47."""
    if d.mode is LONG4:
        d.linear ^= 1 << d.rng.randrange(48, 64)
        d.access &= ~Pferr.F  # a jump refuses the address before any fetch


SPOIL: dict[str, Callable[[Draft], None]] = {
    "any rights": spoil_nothing,
    "not present": spoil_present,
    "reserved above MAXPHYADDR": spoil_reserved,
    "reserved in a large page": spoil_large_reserved,
    "XD without NXE": spoil_nxe,
    "one right missing": spoil_one_right,
    "WP": spoil_wp,
    "SMAP": spoil_smap,
    "SMEP": spoil_smep,
    "A and D clear": spoil_clean,
    "PS that maps no page": spoil_ps,
    "reserved in a PDPTE": spoil_pdpte,
    "not canonical": spoil_canonical,
}
SIZES = (
    *((LEGACY32, leaf) for leaf in (1, 2)),
    *((PAE, leaf) for leaf in (1, 2)),
    *((LONG4, leaf) for leaf in (1, 2, 3)),
)
"""Every mode with every level that can map a page in it."""


def probes(count: int, seed: int) -> Iterator[Probe]:
    """Yield *count* probes: every shape in every mode and page size, in turn."""
    rng = Random(seed)
    combinations = [(*size, shape) for shape in SPOIL for size in SIZES]
    combinations.append((NO_PAGING, 0, "any rights"))
    for number in range(count):
        mode, leaf, shape = combinations[number % len(combinations)]
        d = draft(rng, mode, leaf)
        SPOIL[shape](d)
        yield d.finish(shape)
