"""The host: its physical memory, and which page is behind a host-virtual address.

KVM asks the host for a page with ``gfn_to_pfn()`` and the host may take it
back through an MMU notifier.  Here the host is a table from page-aligned
host-virtual addresses to frames.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...x86.entry import PAGE_MASK, PAGE_SHIFT, PAGE_SIZE
from ...x86.memory import PhysicalMemory
from .address import kvm_pages_per_hpage
from .errors import HostMemoryError
from .page import ShadowPage
from .processor import Processor

PAGES_PER_HUGE = kvm_pages_per_hpage(2)
_FIRST_TABLE_PFN = 0x8000
_FIRST_USER_PFN = 0x100000


@dataclass(frozen=True)
class HostPte:
    """One page of the process that runs the VM.

    :param writable: False for a read-only or shared (KSM, copy-on-write) page
    """

    pfn: int
    writable: bool = True


class Host:
    """Physical memory, the pages that KVM allocated, and the process's own pages.

    ``transparent_huge`` holds the frames of whole huge pages; ``compound`` those of
    huge pages of which the VM may use only a part.
    ``zero_pfn`` is the shared page of zeros that a page never written reads as;
    None gives each page a frame of its own from the start.
    ``before_unmap`` is called with a range of hvas (start, end) whose pages are
    about to go: the MMU notifier of a VM.

    :param word_bits: 64, or 32 for a host that cannot store an spte at once
    :param maxphyaddr: MAXPHYADDR of the host, in bits
    :param first_table: frame of the first page that KVM allocates; later ones are behind it
    """

    def __init__(
        self,
        *,
        word_bits: int = 64,
        maxphyaddr: int = 40,
        processor: Processor | None = None,
        first_table: int = _FIRST_TABLE_PFN,
    ) -> None:
        self.word_bits = word_bits
        self.maxphyaddr = maxphyaddr
        self.processor = processor or Processor()
        self.memory = PhysicalMemory()
        self.page_private: dict[int, ShadowPage] = {}
        self.ptes: dict[int, HostPte] = {}
        self.page_levels: dict[int, int] = {}
        self.transparent_huge: set[int] = set()
        self.compound: set[int] = set()
        self.accessed: Counter[int] = Counter()
        self.dirty: Counter[int] = Counter()
        self.zero_pfn: int | None = None
        self.before_unmap: Callable[[int, int], None] = lambda start, end: None
        self._next_table = first_table
        self._next_user = _FIRST_USER_PFN

    def alloc_table(self) -> tuple[int, list[int]]:
        """Return (physical address, words) of a fresh zeroed page of KVM's own."""
        pfn = self._next_table
        self._next_table += 1
        return pfn << PAGE_SHIFT, self.memory.page(pfn)

    def free_table(self, hpa: int) -> None:
        """Give back a page of KVM's own."""
        self.page_private.pop(hpa >> PAGE_SHIFT, None)
        self.memory.pages.pop(hpa >> PAGE_SHIFT, None)

    def map_page(self, hva: int, pfn: int | None = None, *, writable: bool = True) -> HostPte:
        """Put a page behind *hva*: frame *pfn*, or a fresh one."""
        if pfn is None:
            pfn = self._next_user
            self._next_user += 1
        pte = self.ptes[hva & ~PAGE_MASK] = HostPte(pfn, writable)
        return pte

    def unmap_page(self, hva: int) -> None:
        """Take the page behind *hva* away, as reclaim does; the next use gets a fresh one.

        A transparent huge page is split first, which takes all of it away for a moment.
        """
        hva &= ~PAGE_MASK
        pte = self.ptes.get(hva)
        if pte and pte.pfn in self.transparent_huge:
            self._split_huge(hva, pte.pfn)
        self.before_unmap(hva, hva + PAGE_SIZE)
        self.ptes.pop(hva, None)

    def _split_huge(self, hva: int, pfn: int) -> None:
        """Make small pages of the transparent huge page around *hva*."""
        first = pfn & ~(PAGES_PER_HUGE - 1)
        start = hva - (pfn - first << PAGE_SHIFT)
        self.before_unmap(start, start + (PAGES_PER_HUGE << PAGE_SHIFT))
        self.transparent_huge.difference_update(range(first, first + PAGES_PER_HUGE))

    def map_huge(self, hva: int, level: int = 2, *, transparent: bool = True) -> None:
        """Put one aligned huge page behind *hva*.

        :param transparent: a transparent huge page (level 2) instead of hugetlbfs
        :raises HostMemoryError: *hva* is not aligned to that size
        """
        pages = kvm_pages_per_hpage(level)
        if hva & ((pages << PAGE_SHIFT) - 1):
            raise HostMemoryError(f"hva {hva:#x} is not aligned to a level-{level} page")
        first = self._next_user = -(-self._next_user // pages) * pages
        self._next_user += pages
        for i in range(pages):
            self.map_page(hva + (i << PAGE_SHIFT), first + i)
            if transparent:
                self.transparent_huge.add(first + i)
                self.compound.add(first + i)
            else:
                self.page_levels[hva + (i << PAGE_SHIFT)] = level

    def lookup(self, hva: int, *, write: bool) -> HostPte:
        """Return the page behind *hva*, as get_user_pages() would fault it in.

        A write to a read-only page breaks copy-on-write: it gets a frame of its own.
        """
        pte = self.ptes.get(hva & ~PAGE_MASK) or self._fault_in(hva, write=write)
        if write and not pte.writable:
            pte = self._break_cow(hva, pte)
        return pte

    def _fault_in(self, hva: int, *, write: bool) -> HostPte:
        """Give *hva* its first page: for a read, the shared zero page if there is one."""
        if write or self.zero_pfn is None:
            return self.map_page(hva)
        return self.map_page(hva, self.zero_pfn, writable=False)

    def host_page_level(self, hva: int) -> int:
        """Return the page-table level of the hugetlbfs page behind *hva*, or 1."""
        return self.page_levels.get(hva & ~PAGE_MASK, 1)

    def make_read_only(self, hva: int) -> HostPte:
        """Write-protect the host's own pte, as fork() or KSM does."""
        pte = self.ptes[hva & ~PAGE_MASK] = replace(self.lookup(hva, write=False), writable=False)
        return pte

    def _break_cow(self, hva: int, old: HostPte) -> HostPte:
        """Give *hva* a private copy of the frame that it shares."""
        self.before_unmap(hva, hva + PAGE_SIZE)
        new = self.map_page(hva)
        self.memory.page(new.pfn)[:] = self.memory.page(old.pfn)
        return new

    def kvm_set_pfn_accessed(self, pfn: int) -> None:
        """Note that the guest used *pfn*."""
        self.accessed[pfn] += 1

    def kvm_set_pfn_dirty(self, pfn: int) -> None:
        """Note that the guest wrote *pfn*."""
        self.dirty[pfn] += 1
