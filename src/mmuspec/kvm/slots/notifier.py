"""MMU notifiers: the host takes a page back, replaces it, or asks whether it was used.

Source: kvm_mmu_notifier_*() in virt/kvm/kvm_main.c, kvm_handle_hva_range(),
kvm_set_pte_rmapp(), kvm_age_rmapp() (v3.11).
"""

from collections.abc import Callable, Iterator

from ...x86.entry import PAGE_SHIFT
from ..pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from ..rmaps.pte_list import PteList, pte_list_iterate
from ..rmaps.rmap import drop_spte, kvm_unmap_rmapp
from ..sptes.spte import PT_WRITABLE_MASK
from ..sptes.store import mmu_spte_clear_track_bits, mmu_spte_set
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import KVM_NR_PAGE_SIZES
from ..state.flush import kvm_flush_remote_tlbs
from ..state.vm import Kvm
from .memslot import MemSlot


def _slots_in(kvm: Kvm, start: int, end: int) -> Iterator[tuple[MemSlot, int, int]]:
    """Yield (slot, first gfn, last gfn) for each slot that overlaps [start, end)."""
    for slot in kvm.memslots.slots.values():
        low = max(start, slot.userspace_addr)
        high = min(end, slot.userspace_addr + (slot.npages << PAGE_SHIFT))
        if low < high:
            first = slot.base_gfn + ((low - slot.userspace_addr) >> PAGE_SHIFT)
            last = slot.base_gfn + ((high - 1 - slot.userspace_addr) >> PAGE_SHIFT)
            yield slot, first, last


def kvm_handle_hva_range(
    kvm: Kvm, start: int, end: int, handler: Callable[[Kvm, PteList], bool]
) -> bool:
    """Call *handler* for every reverse map in use of the pages in [start, end)."""
    result = False
    for slot, first, last in _slots_in(kvm, start, end):
        for level in range(1, KVM_NR_PAGE_SIZES + 1):
            for rmapp in list(slot.rmaps(level, first, last)):
                result |= handler(kvm, rmapp)
    return result


def _unmap_and_flush(kvm: Kvm, start: int, end: int) -> None:
    """Unmap a range; flush if a TLB may still have any of it."""
    if kvm_handle_hva_range(kvm, start, end, kvm_unmap_rmapp) or kvm.tlbs_dirty:
        kvm_flush_remote_tlbs(kvm)


def kvm_mmu_notifier_invalidate_page(kvm: Kvm, hva: int) -> None:
    """Stop using the page behind *hva* before this returns."""
    with kvm.mmu_lock():
        kvm.mmu_notifier_seq += 1
        _unmap_and_flush(kvm, hva, hva + 1)


def kvm_mmu_notifier_invalidate_range_start(kvm: Kvm, start: int, end: int) -> None:
    """Stop using a range, and map nothing until the matching end."""
    with kvm.mmu_lock():
        kvm.mmu_notifier_count += 1
        _unmap_and_flush(kvm, start, end)


def kvm_mmu_notifier_invalidate_range_end(kvm: Kvm) -> None:
    """Allow mapping again; whoever asked the host before this must ask again."""
    with kvm.mmu_lock():
        kvm.mmu_notifier_seq += 1
        kvm.mmu_notifier_count -= 1


def kvm_mmu_notifier_change_pte(kvm: Kvm, hva: int, pfn: int, *, writable: bool) -> None:
    """The host now has frame *pfn* behind *hva*."""
    with kvm.mmu_lock():
        kvm.mmu_notifier_seq += 1
        flush = kvm_handle_hva_range(
            kvm, hva, hva + 1, lambda vm, rmapp: kvm_set_pte_rmapp(vm, rmapp, pfn, writable)
        )
        if flush:
            kvm_flush_remote_tlbs(kvm)


def kvm_set_pte_rmapp(kvm: Kvm, rmapp: PteList, pfn: int, writable: bool) -> bool:
    """Point every spte of *rmapp* at *pfn*, read-only; drop them if it is writable.

    Each spte goes through not-present, without a flush in between: one flush
    at the end serves them all.  W and H go, M stays [QUIRK-6].

    :returns: whether the caller owes the flush; v3.11 does it here and says no [QUIRK-8]
    """
    sptes = list(pte_list_iterate(kvm.descs, rmapp))
    for sptep in sptes:
        if writable:
            drop_spte(kvm, sptep)
            continue
        spte = kvm.spte_at(sptep) & ~PT64_BASE_ADDR_MASK | pfn << PAGE_SHIFT
        spte &= ~(PT_WRITABLE_MASK | kvm.masks.host_writeable | kvm.masks.accessed)
        if not kvm.has("QUIRK-6"):
            spte &= ~kvm.masks.mmu_writeable
        mmu_spte_clear_track_bits(kvm, sptep)
        mmu_spte_set(kvm, sptep, spte)
    if sptes and kvm.has("QUIRK-8"):
        kvm_flush_remote_tlbs(kvm)
        return False
    return bool(sptes)


def kvm_mmu_notifier_clear_flush_young(kvm: Kvm, hva: int) -> bool:
    """Whether the page was used since the last call; forget that it was."""
    with kvm.mmu_lock():
        young = kvm_handle_hva_range(kvm, hva, hva + 1, kvm_age_rmapp)
        if young:
            kvm_flush_remote_tlbs(kvm)
    return young


def kvm_age_rmapp(kvm: Kvm, rmapp: PteList) -> bool:
    """Clear A in every spte; without an A bit, unmap them to see the next use."""
    if not kvm.masks.accessed:
        return kvm_unmap_rmapp(kvm, rmapp)
    young = kvm_test_age_rmapp(kvm, rmapp)
    for sptep in pte_list_iterate(kvm.descs, rmapp):
        sp = kvm.page_header(sptep)
        sp.spt[sp.index_of(sptep)] &= ~kvm.masks.accessed
    return young


def kvm_mmu_notifier_test_young(kvm: Kvm, hva: int) -> bool:
    """Whether the page was used, without forgetting it."""
    with kvm.mmu_lock():
        return kvm_handle_hva_range(kvm, hva, hva + 1, kvm_test_age_rmapp)


def kvm_test_age_rmapp(kvm: Kvm, rmapp: PteList) -> bool:
    """Whether any spte has A set; never without an A bit."""
    accessed = kvm.masks.accessed
    return any(kvm.spte_at(sptep) & accessed for sptep in pte_list_iterate(kvm.descs, rmapp))


def kvm_mmu_notifier_release(kvm: Kvm) -> None:
    """The process goes away: stop using all of its pages."""
    kvm_mmu_invalidate_zap_all_pages(kvm)


def register_mmu_notifier(kvm: Kvm) -> None:
    """Have the host tell *kvm* before it takes pages away."""

    def before_unmap(start: int, end: int) -> None:
        kvm_mmu_notifier_invalidate_range_start(kvm, start, end)
        kvm_mmu_notifier_invalidate_range_end(kvm)

    kvm.host.before_unmap = before_unmap
