"""What the processor may keep of a translation, and what obliges it to forget.

Source: SDM volume 3A, "Caching Translation Information": "Translation
Lookaside Buffers (TLBs)", "Invalidation of TLBs and Paging-Structure Caches";
and "Invalidating the Translation Lookaside Buffers" for CR4.PSE.
PCIDs and the paging-structure caches are not modelled.
"""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, NamedTuple

from .controls import CR0_PG, CR4_PAE, CR4_PGE, CR4_PSE, CR4_SMEP, Controls
from .permission import WRITE, permitted
from .pferr import Pferr
from .walk import Translation


class Forget(Enum):
    """How much must be forgotten."""

    ADDRESS = "every page that contains the address, global or not, of every size"
    NON_GLOBAL = "every page that is not global"
    ALL = "every page"


class Obligation(NamedTuple):
    """One thing that obliges a processor to forget translations.

    :param event: the instruction or exception
    :param cr0: bits of CR0 that must change for the obligation to arise; 0 = any write
    :param cr4: the same for CR4
    :param rising: the bits must change from 0 to 1; else either way
    """

    event: str
    forget: Forget
    cr0: int = 0
    cr4: int = 0
    rising: bool = False

    def arises(self, old: Controls, new: Controls) -> bool:
        """Return whether the change from *old* to *new* brings the obligation about."""
        mask = new.cr0 & self.cr0 | new.cr4 & self.cr4 if self.rising else -1
        return bool(((old.cr0 ^ new.cr0) & self.cr0 | (old.cr4 ^ new.cr4) & self.cr4) & mask)


INVLPG: Final = Obligation("INVLPG", Forget.ADDRESS)
PAGE_FAULT: Final = Obligation("#PF", Forget.ADDRESS)
MOV_CR3: Final = Obligation("MOV to CR3", Forget.NON_GLOBAL)
MOV_CR0: Final = Obligation("MOV to CR0 that changes PG", Forget.ALL, cr0=CR0_PG)
MOV_CR4_PGE: Final = Obligation("MOV to CR4 that changes PGE", Forget.ALL, cr4=CR4_PGE)
MOV_CR4_PSE: Final = Obligation("MOV to CR4 that changes PSE", Forget.ALL, cr4=CR4_PSE)
MOV_CR4_PAE: Final = Obligation("MOV to CR4 that changes PAE", Forget.ALL, cr4=CR4_PAE)
MOV_CR4_SMEP: Final = Obligation("MOV to CR4 that sets SMEP", Forget.ALL, cr4=CR4_SMEP, rising=True)
FLUSH: Final = Obligation("full flush", Forget.ALL)

OBLIGATIONS: Final = (
    INVLPG,
    PAGE_FAULT,
    MOV_CR3,
    MOV_CR0,
    MOV_CR4_PGE,
    MOV_CR4_PSE,
    MOV_CR4_PAE,
    MOV_CR4_SMEP,
    FLUSH,
)
"""Everything that obliges a processor to forget."""


class TlbEntry(NamedTuple):
    """A cached translation of one page.

    :param linear: first linear address of the page
    :param physical: what the page translates to: any address the caller's walk found
    :param dirty: D is known to be set, so a write needs no walk
    """

    linear: int
    size: int
    physical: int
    rw: bool
    us: bool
    xd: bool
    global_: bool
    dirty: bool

    def allows(self, controls: Controls, access: int) -> bool:
        """Return whether *access* may use the entry without a new walk."""
        known = self.dirty or not access & WRITE
        return known and permitted(controls, access, self.rw, self.us, self.xd)


Walk = Callable[[int, Pferr | int], Translation]
"""Translates ``(linear, access)`` by walking tables; may raise."""


class Tlb:
    """Cached translations of one logical processor.

    It keeps everything until it is obliged to forget: the worst cache that the
    architecture allows, and so the strictest test for those who change tables.
    """

    def __init__(self) -> None:
        self.pages: dict[int, dict[int, TlbEntry]] = {}
        """Cached entries by page size and first linear address."""

    def __iter__(self) -> Iterator[TlbEntry]:
        return (entry for pages in self.pages.values() for entry in pages.values())

    def __len__(self) -> int:
        return sum(len(pages) for pages in self.pages.values())

    def covering(self, linear: int) -> Iterator[TlbEntry]:
        """Yield the entries, of every size, whose page contains *linear*."""
        for size, pages in self.pages.items():
            entry = pages.get(linear & -size)
            if entry is not None:
                yield entry

    def insert(self, linear: int, found: Translation) -> TlbEntry:
        """Cache what a walk found for *linear* and return the entry."""
        size = found.page_size
        entry = TlbEntry(
            linear & -size,
            size,
            found.physical & -size,
            found.rw,
            found.us,
            found.xd,
            found.global_,
            found.dirty,
        )
        self.pages.setdefault(size, {})[entry.linear] = entry
        return entry

    def access(self, controls: Controls, linear: int, access: Pferr | int, walk: Walk) -> int:
        """Return the physical address of *linear*, from the cache if it may serve.

        A cached page that does not allow the access is not held against it: as
        with the page fault that might result, the page is forgotten and the
        tables decide.

        :param walk: called on a miss; its exceptions pass through
        """
        access = int(access)
        for entry in self.covering(linear):
            if entry.allows(controls, access):
                return entry.physical | linear & (entry.size - 1)
        self.forget(PAGE_FAULT, linear)
        found = walk(linear, access)
        if controls.paging:
            self.insert(linear, found)
        return found.physical

    def forget(self, obligation: Obligation, linear: int | None = None) -> None:
        """Forget what *obligation* demands.

        :param linear: the address, where the obligation is about one
        :raises ValueError: the obligation is about an address and there is none
        """
        if obligation.forget is Forget.ALL:
            self.pages.clear()
        elif obligation.forget is Forget.NON_GLOBAL:
            self.keep(lambda entry: entry.global_)
        elif linear is None:
            raise ValueError(f"{obligation.event} is about an address, and none was given")
        else:
            for entry in list(self.covering(linear)):
                del self.pages[entry.size][entry.linear]

    def keep(self, wanted: Callable[[TlbEntry], bool]) -> None:
        """Forget every entry that is not *wanted*."""
        for size, pages in self.pages.items():
            self.pages[size] = {key: entry for key, entry in pages.items() if wanted(entry)}

    def change(self, old: Controls, new: Controls) -> None:
        """Forget what a change of CR0 or CR4 demands (CR3: ``forget(MOV_CR3)``)."""
        for obligation in OBLIGATIONS:
            if obligation.arises(old, new):
                self.forget(obligation)
