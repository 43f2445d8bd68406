"""A VM at rest, read once for all checks."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from ..kvm.pages.zap import is_obsolete_sp
from ..kvm.rmaps.pte_list import PteList, pte_list_iterate
from ..kvm.slots.memslot import MemSlot
from ..kvm.sptes.spte import is_last_spte
from ..kvm.state.address import PT64_BASE_ADDR_MASK
from ..kvm.state.constants import INVALID_PAGE
from ..kvm.state.host import HostPte
from ..kvm.state.page import ShadowPage
from ..kvm.state.requests import Request
from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Kvm
from ..x86.entry import PAGE_SHIFT


class Entry(NamedTuple):
    """One spte that is not zero, and where it stands."""

    sp: ShadowPage
    place: int
    spte: int

    @property
    def sptep(self) -> int:
        """Address of the spte."""
        return self.sp.sptep(self.place)

    @property
    def gfn(self) -> int:
        """Guest frame that the spte is about."""
        return self.sp.gfn_of(self.place)

    def __str__(self) -> str:
        """Say which spte of which page, and its value."""
        return f"spte {self.place} of {self.sp}, {self.spte:#x},"


class RmapEntry(NamedTuple):
    """One spte address in a reverse map."""

    slot: MemSlot
    level: int
    place: int
    sptep: int


class Snapshot:
    """What several checks ask for, computed once.

    :param kvm: the VM, with ``mmu_lock`` free
    """

    def __init__(self, kvm: Kvm) -> None:
        self.kvm = kvm
        self.pages = [*kvm.active_mmu_pages, *kvm.zapped_obsolete_pages]

    @cached_property
    def hashed(self) -> list[ShadowPage]:
        """Every page of every hash bucket, as often as it is in one."""
        return [sp for bucket in self.kvm.mmu_page_hash.values() for sp in bucket]

    @cached_property
    def valid(self) -> list[ShadowPage]:
        """Pages that are not invalid; obsolete ones are among them."""
        return [sp for sp in self.pages if not sp.role.invalid]

    @cached_property
    def current(self) -> list[ShadowPage]:
        """Pages that are neither invalid nor obsolete: those that vCPUs may use."""
        return [sp for sp in self.valid if not is_obsolete_sp(self.kvm, sp)]

    @cached_property
    def shadows(self) -> list[ShadowPage]:
        """Valid pages that shadow a guest table."""
        return [sp for sp in self.valid if not sp.role.direct]

    @cached_property
    def entries(self) -> list[Entry]:
        """Every spte that is not zero."""
        return [
            Entry(sp, index, spte)
            for sp in self.pages
            if any(sp.spt)
            for index, spte in enumerate(sp.spt)
            if spte
        ]

    @cached_property
    def present(self) -> list[Entry]:
        """Every spte that maps or links something."""
        is_present = self.kvm.masks.is_shadow_present_pte
        return [entry for entry in self.entries if is_present(entry.spte)]

    @cached_property
    def present_of(self) -> dict[ShadowPage, list[Entry]]:
        """The same, page by page."""
        found: dict[ShadowPage, list[Entry]] = defaultdict(list)
        for entry in self.present:
            found[entry.sp].append(entry)
        return found

    @cached_property
    def leaves(self) -> list[Entry]:
        """Every spte that maps a page."""
        return [e for e in self.present if is_last_spte(e.spte, e.sp.role.level)]

    @cached_property
    def links(self) -> list[Entry]:
        """Every spte that points at a shadow page."""
        return [e for e in self.present if not is_last_spte(e.spte, e.sp.role.level)]

    @cached_property
    def mmio(self) -> list[Entry]:
        """Every MMIO spte."""
        return [entry for entry in self.entries if self.kvm.masks.is_mmio_spte(entry.spte)]

    @cached_property
    def rmap(self) -> list[RmapEntry]:
        """Every entry of every reverse map."""
        return [
            RmapEntry(slot, level, index, sptep)
            for slot in self.kvm.memslots.slots.values()
            for (level, index), head in slot.rmap.items()
            for sptep in pte_list_iterate(self.kvm.descs, head)
        ]

    @cached_property
    def parents(self) -> dict[ShadowPage, list[int]]:
        """The parent sptes that each page knows of."""
        return {sp: list(pte_list_iterate(self.kvm.descs, sp.parent_ptes)) for sp in self.pages}

    def lists(self) -> Iterator[tuple[str, PteList]]:
        """Yield (name, head) of every ``pte_list``."""
        for slot in self.kvm.memslots.slots.values():
            for (level, index), head in slot.rmap.items():
                yield f"rmap {index:#x} at level {level} of slot {slot.id}", head
        for sp in self.pages:
            yield f"parent_ptes of {sp}", sp.parent_ptes

    def child(self, entry: Entry) -> ShadowPage | None:
        """Return the page that a link points at, or None if there is no page."""
        return self.kvm.host.page_private.get((entry.spte & PT64_BASE_ADDR_MASK) >> PAGE_SHIFT)

    def page_at(self, sptep: int) -> ShadowPage | None:
        """Return the page that holds the spte at *sptep*, or None."""
        return self.kvm.host.page_private.get(sptep >> PAGE_SHIFT)


def host_page(kvm: Kvm, gfn: int) -> HostPte | None:
    """Return the host page behind *gfn* if a slot and the host have one; nothing is faulted in."""
    slot = kvm.memslots.gfn_to_memslot(gfn)
    return kvm.host.ptes.get(slot.hva(gfn)) if slot else None


def will_flush(vcpu: Vcpu) -> bool:
    """Whether *vcpu* empties its TLB before it runs again."""
    asked = {Request.TLB_FLUSH, Request.MMU_RELOAD} & vcpu.requests
    return bool(asked) or vcpu.mmu.root_hpa == INVALID_PAGE
