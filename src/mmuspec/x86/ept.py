"""The walk of extended page tables (EPT).

Source: SDM volume 3C, "The Extended Page-Table Mechanism (EPT)": "EPT
Translation Mechanism", "EPT-Induced VM Exits", "Accessed and Dirty Flags for EPT".
"""

from typing import Final

from .entry import ADDRESS_MASK, PS, bits
from .memory import Memory
from .mode import LONG4
from .pferr import Pferr
from .walk import Translation

READ: Final = 1 << 0
WRITE: Final = 1 << 1
EXECUTE: Final = 1 << 2
ACCESSED: Final = 1 << 8
DIRTY: Final = 1 << 9
RIGHTS: Final = READ | WRITE | EXECUTE


class EptViolation(Exception):
    """The entries do not allow the access, or one is not present.

    :param readable: the entries allow reading (exit qualification bit 3)
    """

    def __init__(self, gpa: int, access: Pferr | int, *, readable: bool) -> None:
        super().__init__(f"EPT violation at {gpa:#x}")
        self.gpa = gpa
        self.access = Pferr(access)
        self.readable = readable


class EptMisconfiguration(Exception):
    """An entry holds what no entry may: the exit carries no error code."""

    def __init__(self, gpa: int) -> None:
        super().__init__(f"EPT misconfiguration at {gpa:#x}")
        self.gpa = gpa


def misconfigured(entry: int, maxphyaddr: int) -> bool:
    """Whether *entry* is present and impossible: writable but not readable, or
    with a reserved address bit."""
    if not entry & RIGHTS:
        return False
    return bool(entry & WRITE and not entry & READ) or bool(entry & bits(maxphyaddr, 51))


def ept_walk(
    memory: Memory, root: int, gpa: int, access: Pferr | int, *, maxphyaddr: int, ad_bits: bool
) -> Translation:
    """Translate guest-physical *gpa* through the 4-level tables at *root*.

    :param ad_bits: whether the processor keeps accessed and dirty flags in the entries
    :raises EptViolation: not present, or the access is not allowed
    :raises EptMisconfiguration: an impossible entry was met
    """
    rights, table, path = RIGHTS, root, []
    for level in range(4, 0, -1):
        address = table + 8 * LONG4.index(gpa, level)
        entry = memory.read(address, 8)
        if misconfigured(entry, maxphyaddr):
            raise EptMisconfiguration(gpa)
        rights &= entry
        path.append(address)
        if not entry & RIGHTS or level == 1 or (entry & PS and level < 4):
            break
        table = entry & ADDRESS_MASK
    if _needed(access) & ~rights:
        raise EptViolation(gpa, access, readable=bool(rights & READ))
    if ad_bits:
        _set_flags(memory, path, dirty=bool(access & Pferr.W))
    size = LONG4.page_size(level)
    return Translation(
        physical=entry & ADDRESS_MASK & -size | gpa & size - 1,
        level=level,
        page_size=size,
        rw=bool(rights & WRITE),
        us=True,
        xd=not rights & EXECUTE,
        global_=False,
        dirty=not ad_bits or bool(memory.read(path[-1], 8) & DIRTY),
        path=tuple(path),
    )


def _needed(access: Pferr | int) -> int:
    """Return the rights that *access* asks for."""
    if access & Pferr.W:
        return WRITE
    return EXECUTE if access & Pferr.F else READ


def _set_flags(memory: Memory, path: list[int], *, dirty: bool) -> None:
    """Set the accessed flag in every entry used, and the dirty flag in the last for a write."""
    for address in path:
        memory.write(address, memory.read(address, 8) | ACCESSED, 8)
    if dirty:
        memory.write(path[-1], memory.read(path[-1], 8) | DIRTY, 8)
