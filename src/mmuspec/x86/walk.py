"""One walk for every paging mode.

Source: SDM volume 3A, "Paging": "32-Bit Paging", "PAE Paging", "4-Level Paging",
"Access Rights", "Page-Fault Exceptions", "Accessed and Dirty Flags".
"""

from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from .controls import Controls
from .entry import ADDRESS_MASK, PAGE_SIZE, RW, US, XD, A, D, G, P
from .exceptions import GeneralProtection, LinearAddressError, PageFault
from .layout import Layout, layout_of
from .memory import Memory
from .mode import LONG4, NO_PAGING, PAE, PagingMode
from .permission import WRITE, permitted
from .pferr import READ, Pferr
from .reserved import pae_root, reserved_bits, table_root

Pdptes: TypeAlias = tuple[int, int, int, int]
"""The PDPTE registers of PAE paging."""
PROTECTION: Final = int(Pferr.P)
"""Error code of an access that the rights forbid."""
RESERVED: Final = int(Pferr.P | Pferr.RSVD)
"""Error code of a reserved bit in a present entry."""
CANONICAL_TOP: Final = (1 << 17) - 1
"""Bits 47-63 of a canonical address are all clear, or all set as here."""


class Accessed(Enum):
    """When A is set in the entries of a walk.

    The SDM promises A in every entry of a walk that translates, and leaves open
    what a walk that faults does to the entries that it had already used.
    """

    ON_SUCCESS = "only if the access succeeds"
    """KVM's software walker (``walk_addr``, v3.11)."""
    DURING_WALK = "as each entry leads to the next table"
    """QEMU and many processors: A stays set though a lower entry faults."""


class Translation(NamedTuple):
    """What a successful walk found.

    :param physical: physical address that *linear* translates to
    :param level: level of the entry that maps the page; 0 without paging
    :param page_size: bytes in the page
    :param rw: R/W is set in every entry used
    :param us: U/S is set in every entry used
    :param xd: XD is set in some entry used
    :param global_: the page is global (G, with CR4.PGE)
    :param dirty: D is set in the mapping entry, after this access
    :param path: addresses of the entries used, root first (no PAE PDPTE: those are
        registers)
    """

    physical: int
    level: int
    page_size: int
    rw: bool
    us: bool
    xd: bool
    global_: bool
    dirty: bool
    path: tuple[int, ...]


Used: TypeAlias = list[tuple[int, int]]
"""Address and value of each entry that a translation uses, root first."""


def walk(
    memory: Memory,
    controls: Controls,
    linear: int,
    access: Pferr | int = READ,
    pdptes: Pdptes | None = None,
    accessed: Accessed = Accessed.ON_SUCCESS,
) -> Translation:
    """Translate *linear* for *access* and set A and D as the processor does.

    :param memory: holds the tables, at physical addresses
    :param access: bits W, U and F of an error code; none of them = supervisor read
    :param pdptes: the PDPTE registers; None = as loaded by a MOV to CR3 just now.
        Only PAE paging looks at them.
    :param accessed: what a walk that faults leaves behind
    :raises PageFault: with the error code and CR2
    :raises GeneralProtection: *linear* is not canonical, or a PDPTE cannot be loaded
    :raises LinearAddressError: *linear* has more bits than the mode's addresses
    """
    layout = layout_of(controls)
    check_linear(layout.mode, linear)
    if layout.mode is NO_PAGING:
        return untranslated(linear)
    access = int(access)
    code = access & layout.reported
    table = first_table(memory, controls, layout.mode, linear, pdptes)
    if table is None:
        raise PageFault(Pferr(code), linear)
    used = used_entries(memory, layout, table, linear, code, accessed is Accessed.DURING_WALK)
    rw, us, xd = rights(used)
    if not permitted(controls, access, rw, us, xd):
        raise PageFault(Pferr(code | PROTECTION), linear)
    leaf = set_accessed_dirty(memory, layout, used, access)
    level = layout.levels[len(used) - 1]
    return Translation(
        physical=level.frame(leaf) | linear & ((1 << level.shift) - 1),
        level=level.number,
        page_size=1 << level.shift,
        rw=rw,
        us=us,
        xd=xd,
        global_=bool(leaf & G) and controls.pge,
        dirty=bool(leaf & D),
        path=tuple([address for address, _ in used]),
    )


def first_table(
    memory: Memory, controls: Controls, mode: PagingMode, linear: int, pdptes: Pdptes | None
) -> int | None:
    """Return the address of the first table in memory; None if the PAE PDPTE is not present."""
    if mode is not PAE:
        return table_root(controls.cr3, controls.maxphyaddr)
    pdpte = (pdptes or load_pdptes(memory, controls))[PAE.index(linear, 3)]
    return pdpte & ADDRESS_MASK if pdpte & P else None


def used_entries(
    memory: Memory, layout: Layout, table: int, linear: int, code: int, set_on_the_way: bool
) -> Used:
    """Read the entries that translate *linear*, from the one in *table* to the one mapping it.

    :param code: what the error code says of the access
    :param set_on_the_way: set A in an entry before following it
    :raises PageFault: an entry is not present or has a reserved bit set
    """
    used: Used = []
    size = layout.mode.entry_size
    for level in layout.levels:
        address = table + (linear >> level.shift & level.index_mask) * size
        entry = memory.read(address, size)
        if not entry & P:
            raise PageFault(Pferr(code), linear)
        large = entry & level.large
        if entry & (level.reserved_large if large else level.reserved):
            raise PageFault(Pferr(code | RESERVED), linear)
        used.append((address, entry))
        if large or level.number == 1:
            break
        if set_on_the_way:
            set_flags(memory, address, entry, A, size)
        table = entry & ADDRESS_MASK
    return used


def rights(used: Used) -> tuple[bool, bool, bool]:
    """Return R/W and U/S as every entry grants them, and XD as any entry demands it."""
    granted = RW | US | XD
    for _, entry in used:
        granted &= entry ^ XD
    return granted & RW != 0, granted & US != 0, granted & XD == 0


def set_accessed_dirty(memory: Memory, layout: Layout, used: Used, access: int) -> int:
    """Set A in every entry used, and D in the last for a write; return the last entry."""
    size = layout.mode.entry_size
    for address, entry in used[:-1]:
        set_flags(memory, address, entry, A, size)
    address, entry = used[-1]
    return set_flags(memory, address, entry, A | D if access & WRITE else A, size)


def set_flags(memory: Memory, address: int, entry: int, flags: int, size: int) -> int:
    """Return *entry* with *flags* set, having written it if it lacked any."""
    if entry & flags != flags:
        entry |= flags
        memory.write(address, entry, size)
    return entry


def untranslated(linear: int) -> Translation:
    """Return what *linear* means without paging: itself, every access allowed."""
    return Translation(linear, 0, PAGE_SIZE, True, True, False, False, True, ())


def check_linear(mode: PagingMode, linear: int) -> None:
    """Check that an instruction of *mode* can use *linear*.

    :raises GeneralProtection: a 64-bit address is not canonical
    :raises LinearAddressError: *linear* is wider than the mode's addresses
    """
    if mode is LONG4:
        if 0 < linear >> mode.linear_bits - 1 < CANONICAL_TOP or linear >> 64:
            raise GeneralProtection(f"linear address {linear:#x} is not canonical")
    elif linear >> 32:
        raise LinearAddressError(f"{mode.name} paging translates 32-bit addresses, got {linear:#x}")


def load_pdptes(memory: Memory, controls: Controls) -> Pdptes:
    """Return the four PDPTEs that a MOV to CR3 loads with PAE paging.

    Source: SDM volume 3A, "PDPTE Registers".

    :raises GeneralProtection: a present PDPTE has a reserved bit set
    """
    root = pae_root(controls.cr3)
    reserved = reserved_bits(controls, PAE, 3, False)
    first, second, third, fourth = (memory.read(root + 8 * number, 8) for number in range(4))
    pdptes = (first, second, third, fourth)
    for number, pdpte in enumerate(pdptes):
        if pdpte & P and pdpte & reserved:
            wrong = f"reserved bits {pdpte & reserved:#x} set"
            raise GeneralProtection(f"PDPTE{number} {pdpte:#x} has {wrong}")
    return pdptes
