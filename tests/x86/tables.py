"""Page tables for tests, one path at a time."""

from mmuspec.x86.controls import CR0_PE, CR0_WP, CR4_PAE, CR4_PSE, Controls
from mmuspec.x86.entry import ADDRESS_MASK, PS, RW, US, P
from mmuspec.x86.memory import PhysicalMemory
from mmuspec.x86.mode import LEGACY32, LONG4, PAE, PagingMode

ROOT = 0x1000
LONG = Controls(cr3=ROOT)
PAE32 = Controls(cr3=ROOT, efer=0, cr4=CR4_PAE)
PSE32 = Controls(cr3=ROOT, efer=0, cr4=CR4_PSE)
PLAIN32 = Controls(cr3=ROOT, efer=0, cr4=0)
NO_PAGING32 = Controls(cr0=CR0_PE | CR0_WP, efer=0, cr4=0)
CONTROLS = {LONG4: LONG, PAE: PAE32, LEGACY32: PSE32}
ALL = P | RW | US


class Tables:
    """Tables of one mode, built from ROOT up, and the memory that holds them."""

    def __init__(self, mode: PagingMode) -> None:
        self.mode = mode
        self.memory = PhysicalMemory()
        self.next = ROOT

    def path(self, linear: int, leaf: int = 1) -> list[int]:
        """Return the addresses of the entries for *linear*, making tables that are missing."""
        table, addresses = ROOT, []
        for level in range(self.mode.levels, leaf - 1, -1):
            where = table + self.mode.entry_size * self.mode.index(linear, level)
            addresses.append(where)
            if level > leaf:
                table = self.get(where) & ADDRESS_MASK or self.add_table(where, level)
        return addresses

    def add_table(self, where: int, level: int) -> int:
        self.next += 0x1000
        pdpte = self.mode is PAE and level == 3
        self.put(where, self.next | (P if pdpte else ALL))
        return self.next

    def map(self, linear: int, frame: int, flags: int = ALL, leaf: int = 1) -> list[int]:
        """Map *linear* to *frame* and return the addresses of the entries."""
        addresses = self.path(linear, leaf)
        self.put(addresses[-1], frame | flags | (PS if leaf > 1 else 0))
        return addresses

    def get(self, where: int) -> int:
        return self.memory.read(where, self.mode.entry_size)

    def put(self, where: int, entry: int) -> None:
        self.memory.write(where, entry, self.mode.entry_size)
