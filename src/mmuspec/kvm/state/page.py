"""``struct kvm_mmu_page``: one shadow page."""

from dataclasses import dataclass, field

from ...x86.entry import PAGE_SHIFT
from ..rmaps.pte_list import PteList
from .role import Role


@dataclass(eq=False)
class ShadowPage:
    """A table of 512 sptes and what KVM knows about it.

    :param gfn: indirect page: frame of the guest table it shadows; direct page:
        first frame of the linear range it maps
    :param spt: the 512 sptes; the same words that the processor walks
    :param hpa: host-physical address of *spt*
    :param gfns: guest frame behind each spte; indirect pages only
    :param unsync: the guest table may have changed without KVM's knowledge
    :param root_count: vCPU roots that hold this page, which pin it
    :param unsync_child_bitmap: bit *i*: spte *i* may lead to an unsync page
    :param mmu_valid_gen: the VM's page generation when this page was created
    :param clear_spte_count: sptes cleared so far; kept on 32-bit hosts only
    :param write_flooding_count: emulated writes to the guest table since it was
        last used as one
    """

    gfn: int
    role: Role
    spt: list[int]
    hpa: int
    gfns: list[int] | None = None
    unsync: bool = False
    root_count: int = 0
    unsync_children: int = 0
    unsync_child_bitmap: int = 0
    parent_ptes: PteList = field(default_factory=PteList)
    mmu_valid_gen: int = 0
    clear_spte_count: int = 0
    write_flooding_count: int = 0

    def sptep(self, index: int) -> int:
        """Return the address of spte *index*."""
        return self.hpa + 8 * index

    def index_of(self, sptep: int) -> int:
        """Return which spte of this page is at address *sptep*."""
        return (sptep - self.hpa) // 8

    def gfn_of(self, index: int) -> int:
        """Return the guest frame that spte *index* is about (``kvm_mmu_page_get_gfn``)."""
        if self.gfns is not None:
            return self.gfns[index]
        return self.gfn + (index << 9 * (self.role.level - 1))

    def __repr__(self) -> str:
        """Name the page the way a trace line does."""
        kind = "direct" if self.role.direct else "indirect"
        return f"<sp gfn {self.gfn:x} level {self.role.level} {kind} at {self.hpa >> PAGE_SHIFT:x}>"
