"""Keeping the number of shadow pages within its budget.

Source: make_mmu_pages_available(), prepare_zap_oldest_mmu_page(),
kvm_mmu_change_mmu_pages(), kvm_mmu_calculate_mmu_pages(), mmu_shrink() (v3.11).
"""

from collections.abc import Iterable

from ..state.constants import (
    KVM_MIN_ALLOC_MMU_PAGES,
    KVM_MIN_FREE_MMU_PAGES,
    KVM_PERMILLE_MMU_PAGES,
    KVM_REFILL_PAGES,
)
from ..state.errors import ModelError
from ..state.page import ShadowPage
from ..state.vm import Kvm
from .zap import kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page


def kvm_mmu_available_pages(kvm: Kvm) -> int:
    """Return how many pages may still be created."""
    return max(kvm.n_max_mmu_pages - kvm.n_used_mmu_pages, 0)


def prepare_zap_oldest_mmu_page(kvm: Kvm, invalid_list: list[ShadowPage]) -> bool:
    """Zap the oldest active page, even a root in use [QUIRK-4].

    :returns: False if there is no page to zap
    """
    pinned = not kvm.has("QUIRK-4")
    oldest = next((sp for sp in kvm.active_mmu_pages if not (pinned and sp.root_count)), None)
    if oldest is None:
        return False
    zapped = kvm_mmu_prepare_zap_page(kvm, oldest, invalid_list)
    if kvm.epoch.counts_all_recycled:
        kvm.stats.mmu_recycled += zapped
    return True


def make_mmu_pages_available(kvm: Kvm) -> None:
    """Make room before a fault creates pages."""
    if kvm_mmu_available_pages(kvm) < KVM_MIN_FREE_MMU_PAGES:
        _recycle(kvm)
    for observer in kvm.observers:
        observer.room_made()


def _recycle(kvm: Kvm) -> None:
    """Zap the oldest pages until there is room again."""
    invalid_list: list[ShadowPage] = []
    while kvm_mmu_available_pages(kvm) < KVM_REFILL_PAGES:
        if not prepare_zap_oldest_mmu_page(kvm, invalid_list):
            break
        kvm.stats.mmu_recycled += not kvm.epoch.counts_all_recycled
    kvm_mmu_commit_zap_page(kvm, invalid_list)


def kvm_mmu_change_mmu_pages(kvm: Kvm, goal: int) -> None:
    """Set the budget to *goal* pages, zapping the oldest ones above it.

    :raises ModelError: *goal* is negative
    """
    if goal < 0:
        raise ModelError(f"a budget of {goal} shadow pages; it must not be negative")
    invalid_list: list[ShadowPage] = []
    with kvm.mmu_lock():
        if kvm.n_used_mmu_pages > goal:
            while kvm.n_used_mmu_pages > goal and prepare_zap_oldest_mmu_page(kvm, invalid_list):
                pass
            kvm_mmu_commit_zap_page(kvm, invalid_list)
            goal = kvm.n_used_mmu_pages
        kvm.n_max_mmu_pages = goal


def kvm_mmu_calculate_mmu_pages(kvm: Kvm) -> int:
    """Return the default budget: 20 pages for each 1000 guest frames, at least 64."""
    frames = sum(slot.npages for slot in kvm.memslots.slots.values())
    return max(KVM_MIN_ALLOC_MMU_PAGES, frames * KVM_PERMILLE_MMU_PAGES // 1000)


def mmu_shrink(vm_list: list[Kvm], nr_to_scan: int) -> int:
    """Free a little from one VM when the host is short of memory.

    Pages that a zap of everything has parked are freed first; else the oldest
    page goes.  That VM then moves to the end of *vm_list*.

    :param nr_to_scan: VMs to look at; 0 only counts
    :returns: shadow pages in use over all VMs
    """
    for kvm in vm_list[:nr_to_scan]:
        if kvm.n_used_mmu_pages or kvm.zapped_obsolete_pages:
            _shrink_one(kvm)
            vm_list.remove(kvm)
            vm_list.append(kvm)
            break
    return total_used_mmu_pages(vm_list)


def _shrink_one(kvm: Kvm) -> None:
    with kvm.mmu_lock():
        if kvm.zapped_obsolete_pages:
            kvm_mmu_commit_zap_page(kvm, kvm.zapped_obsolete_pages)
            return
        invalid_list: list[ShadowPage] = []
        prepare_zap_oldest_mmu_page(kvm, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)


def total_used_mmu_pages(vms: Iterable[Kvm]) -> int:
    """Return the shrinker's count over *vms* (``kvm_total_used_mmu_pages``)."""
    return sum(kvm.n_used_mmu_pages for kvm in vms)
