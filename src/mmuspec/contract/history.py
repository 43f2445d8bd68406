"""What guest memory and CR3 were at every moment so far.

The architecture lets a processor use an old translation until an event obliges
it to forget.  To judge that, every change is logged with what it replaced, and
:class:`Past` goes back through the log one change at a time.
"""

from collections.abc import Callable
from typing import NamedTuple

from ..kvm.state.vm import Kvm
from ..x86.entry import PAGE_MASK, PAGE_SHIFT
from ..x86.memory import PhysicalMemory


class Change(NamedTuple):
    """One word of guest memory, or one vCPU's CR3, before it changed.

    :param where: host-virtual address of the word, or the vCPU's number
    """

    what: str
    where: int
    old: int


class WatchedMemory(PhysicalMemory):
    """Host memory that tells of every write through it.

    KVM's own tables are stored by another way, so they are not reported.
    """

    def __init__(self, memory: PhysicalMemory, told: Callable[[int, int], None]) -> None:
        self.pages = memory.pages
        self._told = told

    def write(self, address: int, value: int, size: int) -> None:
        """Store, then tell the address of the word and what it held."""
        old = super().read(address & ~7, 8)
        super().write(address, value, size)
        self._told(address & ~7, old)


class History:
    """The log of one VM, from now on.

    :ivar changes: oldest first; its length is the time
    :ivar on_write: called with the host-virtual address of each word written
    """

    def __init__(self, kvm: Kvm) -> None:
        self.kvm = kvm
        self.changes: list[Change] = []
        self.on_write: Callable[[int], None] = lambda hva: None
        self._hva_of: dict[int, int] = {}
        kvm.host.memory = WatchedMemory(kvm.host.memory, self._written)

    @property
    def now(self) -> int:
        """The time: how many changes there were."""
        return len(self.changes)

    def cr3_changed(self, vcpu_id: int, old: int) -> None:
        """Note that a vCPU's CR3 is no longer *old*."""
        self.changes.append(Change("cr3", vcpu_id, old))

    def _written(self, address: int, old: int) -> None:
        page = self.hva_of(address >> PAGE_SHIFT)
        if page is not None:
            hva = page | address & PAGE_MASK
            self.changes.append(Change("word", hva, old))
            self.on_write(hva)

    def hva_of(self, pfn: int) -> int | None:
        """Return the page of the process that frame *pfn* is behind, if it is behind one."""
        ptes = self.kvm.host.ptes
        hva = self._hva_of.get(pfn)
        if hva is None or hva not in ptes or ptes[hva].pfn != pfn:
            self._hva_of = {pte.pfn: hva for hva, pte in ptes.items()}
        return self._hva_of.get(pfn)


class Past:
    """Guest-physical memory at some moment, read-only: a walk leaves no trace in it.

    Slots and host pages are those of now: they must never be old.

    :ivar time: the moment, as :attr:`History.now` counts
    """

    def __init__(self, history: History, vcpu_id: int) -> None:
        self._history = history
        self._vcpu_id = vcpu_id
        self._words: dict[int, int] = {}
        self._reads: set[int] = set()
        self.time = history.now
        self.cr3 = history.kvm.vcpus[vcpu_id].controls.cr3

    def read(self, address: int, size: int) -> int:
        """Return *size* bytes at guest-physical *address*; 0 where no slot is."""
        kvm = self._history.kvm
        slot = kvm.memslots.visible(address >> PAGE_SHIFT)
        if slot is None:
            return 0
        page = slot.hva(address >> PAGE_SHIFT)
        hva = page | address & PAGE_MASK & ~7
        self._reads.add(hva)
        word = self._words.get(hva)
        if word is None:
            pte = kvm.host.ptes.get(page)
            word = kvm.host.memory.read(pte.pfn << PAGE_SHIFT | hva & PAGE_MASK, 8) if pte else 0
        return word >> 8 * (address & 7) & ((1 << 8 * size) - 1)

    def write(self, address: int, value: int, size: int) -> None:
        """Forget it: looking at the past changes nothing."""

    def go_back(self, until: int) -> bool:
        """Undo changes until one that was read, or CR3, is different.

        :param until: the earliest moment to go to
        :returns: False if there is no such change
        """
        while self.time > until:
            self.time -= 1
            what, where, old = self._history.changes[self.time]
            if what == "word":
                self._words[where] = old
                if where in self._reads:
                    return True
            elif where == self._vcpu_id:
                self.cr3 = old
                return True
        return False
