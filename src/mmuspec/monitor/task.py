"""What is remembered of a task, and of the virtual machine that it serves.

A task is taken to serve one machine.  Which tasks serve the same one is known
only if the recording has process ids, so a machine's memory holds what *its own*
tasks did; what any other task did may excuse a line, but never accuse it.
"""

from dataclasses import dataclass, field

from ..trace import numbers
from ..trace.numbers import Element, Event, Page
from ..x86.entry import ADDRESS_MASK, PS, A, P
from .error_code import W
from .kernel import Kernel
from .pages import Pages

_PRESENT_EPT = 7
_EPT_A = 1 << 8
_EPT_LINK_CLEAR = 0x78
"""Bits 3-6, which are 0 in an EPT entry that leads on (SDM, "EPT Paging-Structure Entries")."""


@dataclass
class Recording:
    """One recording: what its tasks share.

    :param entries: lines with an event so far
    :param promised: entries that the header says there are, None if it does not
    :param zaps: how often all pages were made obsolete, by whatever machine
    :param page_owners: machines that have reported shadow pages
    :param whole: nothing is known to be missing since the first line
    """

    kernel: Kernel
    from_start: bool = False
    entries: int = 0
    promised: int | None = None
    zaps: int = 0
    page_owners: set[int] = field(default_factory=set)
    whole: bool = True
    doubted: bool = False


class Machine:
    """One virtual machine, or a task that may share one with other tasks."""

    def __init__(self, recording: Recording, owner: int) -> None:
        self.recording = recording
        self.owner = owner
        self.pages = Pages()
        self.generation: int | None = None
        self.generation_at = 0
        self.slots: dict[int, int] = {}
        self.slots_at = 0
        self.quiet = True
        self.indirect = False
        self.direct_generation = False
        self.direct_root = False

    @property
    def current(self) -> int | None:
        """The page generation, None if it is not known or any machine has moved on since."""
        return self.generation if self.generation_at == self.recording.zaps else None

    def generation_counts(self, page: Page) -> bool:
        """Whether *page* carries the generation: pages of the TDP MMU print 0 always."""
        if not page.direct or page.form != "v5.10":
            return True
        tables = self.recording.kernel.two_dimensional or self.indirect
        return self.direct_generation and not tables

    def newest_slots(self, parity: int) -> int:
        """Return the newest slot generation seen in the address space of *parity*; -1 if none."""
        return self.slots.get(parity, -1) if self.slots_at == self.recording.zaps else -1


class GuestWalk:
    """A walk of the guest's tables, as far as its events tell.

    :param root: the level of the first entry; 0 if there was none
    :param lacking: entries that were read with A clear (not counting PDPTEs)
    :param accessed: entries in which A was set
    :param marked: index of the last of these
    """

    __slots__ = ("accessed", "addr", "dirty", "elements", "failed", "judged", "lacking", "marked",
                 "pferr", "root")  # fmt: skip

    def __init__(self, event: numbers.Walk) -> None:
        self.addr = event.addr
        self.pferr = event.pferr
        self.elements: list[Element] = []
        self.restart()
        self.failed = False
        self.judged = False

    def restart(self) -> None:
        """Begin again at the root: an entry changed while it was being marked."""
        self.elements.clear()
        self.lacking = self.accessed = 0
        self.marked = -1
        self.dirty = False
        self.root = 0

    @property
    def writes(self) -> bool:
        """Whether the walk is for a write."""
        return bool(self.pferr & W)

    def read(self, element: Element) -> None:
        """Note that *element* was read."""
        level = element.level
        if level >= self.root:
            if level == self.root and (self.accessed or self.dirty):
                self.restart()
            self.root = self.root or level
        self.elements.append(element)
        if not element.pte & A and not level == 3 == self.root:
            self.lacking += 1

    def is_pdpte(self, element: Element) -> bool:
        """Whether *element* is one of PAE's four, which have no A bit."""
        return element.level == 3 == self.root

    def ends_at(self, element: Element) -> bool | None:
        """Whether the walk ends at *element*; None if CR4.PSE or EPT would decide."""
        if not element.pte & _PRESENT_EPT:
            return True
        if not element.pte & P:
            return None
        if element.level == 1:
            return True
        if not element.pte & PS or element.level > 3:
            return False
        return True if self.root > element.level else None

    def offset(self, level: int) -> int:
        """Return the offset in its table of the entry for the address at *level*, in bytes."""
        if self.root == 2:
            return (self.addr >> (2 + 10 * level) & 0x3FF) * 4
        return (self.addr >> (3 + 9 * level) & 0x1FF) * 8

    def is_entry(self, index: int, gpa: int) -> bool:
        """Whether *gpa* can be the address of the entry that was read as number *index*."""
        offset = self.offset(self.elements[index].level)
        if index == 0:
            return gpa & 0xFFF == offset
        return gpa == (self.elements[index - 1].pte & ADDRESS_MASK) + offset

    def accessed_index(self, gpa: int) -> int:
        """Return which entry A may be set in by an event for *gpa*; -1 if none is at *gpa*."""
        fits = [i for i in range(len(self.elements)) if self.is_entry(i, gpa)]
        best = [i for i in fits if i > self.marked and not self.elements[i].pte & A]
        return best[0] if best else fits[-1] if fits else -1

    @property
    def ept_shaped(self) -> bool:
        """Whether the entries could be of a nested hypervisor's EPT, whose A is elsewhere."""
        return self.root >= 4 and not any(
            element.pte & _EPT_LINK_CLEAR
            for element in self.elements
            if element.level > 1 and not element.pte & PS
        )

    @property
    def may_be_ept(self) -> bool:
        """Whether a walk that is over may have been one of EPT, with A and D bits or without."""
        if not self.ept_shaped:
            return False
        return self.accessed in (0, sum(not element.pte & _EPT_A for element in self.elements))

    @property
    def succeeded(self) -> bool:
        """Whether the walk reached an entry that maps a page, and no error was told."""
        if self.failed or not self.elements:
            return False
        last = self.elements[-1]
        return bool(last.pte & P) and self.ends_at(last) is not False


class Task:
    """What is remembered of one task.

    :param walk: the last walk; None if unknown
    :param pages: indirect shadow pages that were looked up since the walk
    :param requested: what the current fault maps; None if it has not said
    :param confirmed: the walk that the current fault made, if its pages prove it
    """

    def __init__(self, recording: Recording, machine: Machine) -> None:
        self.recording = recording
        self.machine = machine
        self.walk: GuestWalk | None = None
        self.pages: list[Page] = []
        self.requested: numbers.Requested | None = None
        self.confirmed: GuestWalk | None = None
        self.last: Event | None = None
        self.nested = False
