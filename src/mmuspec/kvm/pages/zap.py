"""Zapping a shadow page: prepare under the lock, commit after a flush.

Source: kvm_mmu_prepare_zap_page(), kvm_mmu_commit_zap_page(),
mmu_page_zap_pte(), mmu_zap_unsync_children() (v3.11).
"""

from ...epochs import ZapGeneration
from ..faults.large_pages import unaccount_shadowed
from ..rmaps.pte_list import pte_list_first
from ..rmaps.rmap import drop_parent_pte, drop_spte
from ..sptes.spte import is_large_pte, is_last_spte
from ..sptes.store import mmu_spte_clear_no_track
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.errors import ModelError
from ..state.flush import kvm_flush_remote_tlbs, kvm_reload_remote_mmus
from ..state.page import ShadowPage
from ..state.vm import Kvm
from ..sync.unsync import PagePath, clear_unsync_child_bit, mmu_unsync_walk
from .report import trace_prepare_zap_page, trace_sync_page


def is_obsolete_sp(kvm: Kvm, sp: ShadowPage) -> bool:
    """Whether *sp* was created before the last zap of all pages; v3.10 has no such notion."""
    counted = kvm.epoch.zap_generation is not ZapGeneration.NONE
    return counted and sp.mmu_valid_gen != kvm.mmu_valid_gen


def kvm_unlink_unsync_page(kvm: Kvm, sp: ShadowPage) -> None:
    """Mark *sp* synchronized."""
    trace_sync_page(kvm, sp)
    sp.unsync = False
    kvm.stats.mmu_unsync -= 1


def mmu_page_zap_pte(kvm: Kvm, sp: ShadowPage, sptep: int) -> bool:
    """Clear one spte of *sp*; return whether it was present."""
    spte = kvm.spte_at(sptep)
    if kvm.masks.is_shadow_present_pte(spte):
        if is_last_spte(spte, sp.role.level):
            drop_spte(kvm, sptep)
            if is_large_pte(spte):
                kvm.stats.largepages -= 1
        else:
            drop_parent_pte(kvm, kvm.page_header(spte & PT64_BASE_ADDR_MASK), sptep)
        return True
    if kvm.masks.is_mmio_spte(spte):
        mmu_spte_clear_no_track(kvm, sptep)
    return False


def kvm_mmu_prepare_zap_page(kvm: Kvm, sp: ShadowPage, invalid_list: list[ShadowPage]) -> int:
    """Unlink *sp* from everything and move it to *invalid_list*.

    A page pinned as a root stays active, marked invalid, until the last root
    lets go of it; the vCPUs are asked to reload unless they were already.

    :returns: how many pages moved to *invalid_list*
    """
    kvm.mmu_lock.assert_held(f"{sp} is zapped")
    trace_prepare_zap_page(kvm, sp)
    kvm.stats.mmu_shadow_zapped += 1
    zapped = _zap_unsync_children(kvm, sp, invalid_list)
    _unlink(kvm, sp)
    if not sp.role.invalid and not sp.role.direct:
        unaccount_shadowed(kvm, sp)
    if sp.unsync:
        kvm_unlink_unsync_page(kvm, sp)
    kvm.active_mmu_pages.pop(sp, None)
    if not sp.root_count:
        zapped += 1
        invalid_list.append(sp)
        kvm.n_used_mmu_pages -= 1
    else:
        if not kvm.epoch.unlists_pinned_roots:
            kvm.active_mmu_pages[sp] = None
        if not sp.role.invalid and not is_obsolete_sp(kvm, sp):
            kvm_reload_remote_mmus(kvm)
    sp.role = sp.role.with_(invalid=True)
    return zapped


def _unlink(kvm: Kvm, sp: ShadowPage) -> None:
    """Clear the 512 sptes of *sp*, then every spte that points at it."""
    kvm.mmu_lock.count(len(sp.spt))
    for index, spte in enumerate(sp.spt):
        if spte:
            mmu_page_zap_pte(kvm, sp, sp.sptep(index))
    while parent_sptep := pte_list_first(kvm.descs, sp.parent_ptes):
        drop_parent_pte(kvm, sp, parent_sptep)


def _zap_unsync_children(kvm: Kvm, sp: ShadowPage, invalid_list: list[ShadowPage]) -> int:
    """Zap every unsync page below *sp* (``mmu_zap_unsync_children``)."""
    zapped = 0
    while sp.role.level > 1 and (paths := mmu_unsync_walk(kvm, sp)):
        for path in paths:
            zapped += kvm_mmu_prepare_zap_page(kvm, path.sp, invalid_list)
            mmu_pages_clear_parents(path)
    return zapped


def mmu_pages_clear_parents(path: PagePath) -> None:
    """Take back the flags that led to *path*, upwards until one still leads elsewhere."""
    for sp, index in reversed(path.above):
        if sp.unsync_child_bitmap >> index & 1:
            clear_unsync_child_bit(sp, index)
        if sp.unsync_children:
            return


def kvm_mmu_commit_zap_page(kvm: Kvm, invalid_list: list[ShadowPage]) -> None:
    """Free zapped pages, once no CPU can still be walking them.

    The flush waits for vCPUs in guest mode and for lockless walkers; the
    stores that unlinked the pages are visible before any vCPU's mode is read.

    :raises ModelError: a page is still a root, or was not zapped
    """
    if not invalid_list:
        return
    kvm_flush_remote_tlbs(kvm)
    for sp in invalid_list:
        if sp.root_count or not sp.role.invalid:
            raise ModelError(f"{sp} is freed while root_count is {sp.root_count}")
        for observer in kvm.observers:
            observer.freed(sp)
        kvm.hash_del(sp)
        kvm.host.free_table(sp.hpa)
    invalid_list.clear()
