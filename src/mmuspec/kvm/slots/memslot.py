"""Memory slots: which guest frames are memory, and what is behind them.

Source: struct kvm_memory_slot, struct kvm_arch_memory_slot, gfn_to_memslot(),
gfn_to_hva_many() (v3.11).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...x86.entry import PAGE_SHIFT
from ..rmaps.pte_list import PteList
from ..state.address import gfn_to_index, kvm_hpage_gfn_shift, kvm_pages_per_hpage
from ..state.constants import KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, KVM_MEMSLOT_INVALID

LARGE_LEVELS = (2, 3)


@dataclass(eq=False)
class MemSlot:
    """A range of guest frames backed by a range of host-virtual addresses.

    ``rmap`` and ``write_count`` are the arrays of ``slot.arch``, filled where
    used: keys are (level, index), *index* as :func:`gfn_to_index` gives it.
    """

    id: int
    base_gfn: int
    npages: int
    userspace_addr: int
    flags: int = 0
    dirty_bitmap: set[int] = field(default_factory=set)
    rmap: defaultdict[tuple[int, int], PteList] = field(
        default_factory=lambda: defaultdict(PteList), repr=False
    )
    write_count: defaultdict[tuple[int, int], int] = field(
        default_factory=lambda: defaultdict(int), repr=False
    )

    write_tracked: Counter[int] = field(default_factory=Counter, repr=False)

    @property
    def end_gfn(self) -> int:
        """First frame after the slot."""
        return self.base_gfn + self.npages

    @property
    def log_dirty(self) -> bool:
        """Whether writes to the slot are logged."""
        return bool(self.flags & KVM_MEM_LOG_DIRTY_PAGES)

    @property
    def read_only(self) -> bool:
        """Whether guest writes go to userspace."""
        return bool(self.flags & KVM_MEM_READONLY)

    @property
    def invalid(self) -> bool:
        """Whether the slot is being deleted or moved."""
        return bool(self.flags & KVM_MEMSLOT_INVALID)

    def __contains__(self, gfn: int) -> bool:
        """Whether *gfn* lies in the slot."""
        return self.base_gfn <= gfn < self.end_gfn

    def hva(self, gfn: int) -> int:
        """Return the host-virtual address of frame *gfn*."""
        return self.userspace_addr + ((gfn - self.base_gfn) << PAGE_SHIFT)

    def gfn_to_rmap(self, gfn: int, level: int) -> PteList:
        """Return the reverse map of *gfn* at *level*."""
        return self.rmap[level, gfn_to_index(gfn, self.base_gfn, level)]

    def lpage_key(self, gfn: int, level: int) -> tuple[int, int]:
        """Return the key of *gfn* in ``write_count``."""
        return level, gfn_to_index(gfn, self.base_gfn, level)

    def inflate_write_counts(self) -> None:
        """Forbid large pages where the slot's ends or its alignment rule them out."""
        for level in LARGE_LEVELS:
            inside = kvm_pages_per_hpage(level) - 1
            last = gfn_to_index(self.end_gfn - 1, self.base_gfn, level)
            if self.base_gfn & inside:
                self.write_count[level, 0] += 1
            if self.end_gfn & inside:
                self.write_count[level, last] += 1
            if (self.base_gfn ^ (self.userspace_addr >> PAGE_SHIFT)) & inside:
                for index in range(last + 1):
                    self.write_count[level, index] += 1

    def rmaps(self, level: int, first: int, last: int) -> Iterator[PteList]:
        """Yield the reverse maps in use at *level* for frames *first* to *last*."""
        low = gfn_to_index(first, self.base_gfn, level)
        high = gfn_to_index(last, self.base_gfn, level)
        for key in sorted(self.rmap):
            if key[0] == level and low <= key[1] <= high and self.rmap[key].val:
                yield self.rmap[key]

    def frames_per_index(self, level: int) -> int:
        """Return how many frames one array element at *level* stands for."""
        return 1 << kvm_hpage_gfn_shift(level)


@dataclass
class MemSlots:
    """``struct kvm_memslots``: the slots, and the generation of this arrangement.

    The slots an update replaces stay reachable for readers that started
    before it; the model keeps one arrangement because it runs one thread.
    """

    generation: int = 0
    updating: bool = False
    slots: dict[int, MemSlot] = field(default_factory=dict)

    def gfn_to_memslot(self, gfn: int) -> MemSlot | None:
        """Return the slot that holds *gfn*, even one marked invalid."""
        return next((slot for slot in self.slots.values() if gfn in slot), None)

    def visible(self, gfn: int) -> MemSlot | None:
        """Return the slot that holds *gfn* for the guest (``kvm_is_visible_gfn``)."""
        slot = self.gfn_to_memslot(gfn)
        return slot if slot and not slot.invalid else None
