"""Making unsync pages agree with the guest's tables again.

Source: __kvm_sync_page(), kvm_sync_page_transient(), kvm_sync_pages(),
mmu_sync_children(), mmu_sync_roots() (v3.11).
"""

from ..faults.mmio_cache import vcpu_clear_mmio_info
from ..pages.zap import (
    kvm_mmu_commit_zap_page,
    kvm_mmu_prepare_zap_page,
    kvm_unlink_unsync_page,
    mmu_pages_clear_parents,
)
from ..sptes.write_protect import rmap_write_protect
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import INVALID_PAGE, MMIO_GVA_ANY, PT64_ROOT_LEVEL
from ..state.flush import kvm_flush_remote_tlbs, kvm_mmu_flush_tlb
from ..state.page import ShadowPage
from ..state.requests import Request
from ..state.vcpu import Vcpu
from .unsync import mmu_unsync_walk


def kvm_sync_page(
    vcpu: Vcpu, sp: ShadowPage, invalid_list: list[ShadowPage], *, clear_unsync: bool = True
) -> bool:
    """Bring *sp* up to date with its guest table, or zap it (``__kvm_sync_page``).

    :param clear_unsync: also mark it synchronized; a transient sync does not,
        and the guest table stays writable
    :returns: whether the page had to be zapped
    """
    if clear_unsync and sp.role.cr4_pae == vcpu.controls.pae:
        kvm_unlink_unsync_page(vcpu.kvm, sp)
    if sp.role.cr4_pae != vcpu.controls.pae or vcpu.mmu.sync_page(vcpu, sp):
        kvm_mmu_prepare_zap_page(vcpu.kvm, sp, invalid_list)
        return True
    kvm_mmu_flush_tlb(vcpu)
    return False


def kvm_sync_page_transient(vcpu: Vcpu, sp: ShadowPage) -> bool:
    """Refresh *sp* but leave it unsync; return whether it had to be zapped."""
    invalid_list: list[ShadowPage] = []
    zapped = kvm_sync_page(vcpu, sp, invalid_list, clear_unsync=False)
    kvm_mmu_commit_zap_page(vcpu.kvm, invalid_list)
    return zapped


def kvm_sync_pages(vcpu: Vcpu, gfn: int) -> None:
    """Synchronize every unsync page of the guest table in *gfn*."""
    invalid_list: list[ShadowPage] = []
    flush = False
    for sp in vcpu.kvm.for_each_gfn_indirect_valid_sp(gfn):
        if not sp.unsync:
            continue
        kvm_unlink_unsync_page(vcpu.kvm, sp)
        if sp.role.cr4_pae != vcpu.controls.pae or vcpu.mmu.sync_page(vcpu, sp):
            kvm_mmu_prepare_zap_page(vcpu.kvm, sp, invalid_list)
        else:
            flush = True
    kvm_mmu_commit_zap_page(vcpu.kvm, invalid_list)
    if flush:
        kvm_mmu_flush_tlb(vcpu)


def mmu_sync_children(vcpu: Vcpu, parent: ShadowPage, *, can_yield: bool = True) -> bool:
    """Synchronize everything unsync below *parent*.

    The guest tables are write-protected, and TLBs flushed, before they are
    read: a write after the read would otherwise be lost.

    :param can_yield: whether ``mmu_lock`` may be dropped when someone waits for
        it; else the rest is left for the next entry of the guest (since v5.13)
    :returns: whether all was synchronized
    """
    kvm = vcpu.kvm
    invalid_list: list[ShadowPage] = []
    while paths := mmu_unsync_walk(kvm, parent):
        protected = [rmap_write_protect(kvm, path.sp.gfn) for path in paths]
        if any(protected):
            kvm_flush_remote_tlbs(kvm)
        for path in paths:
            kvm_sync_page(vcpu, path.sp, invalid_list)
            mmu_pages_clear_parents(path)
        kvm_mmu_commit_zap_page(kvm, invalid_list)
        if not can_yield and kvm.mmu_lock.contended():
            vcpu.make_request(Request.MMU_SYNC)
            return False
        kvm.mmu_lock.cond_resched_lock()
    return True


def root_pages(vcpu: Vcpu) -> list[ShadowPage]:
    """Return the shadow pages that the vCPU's root, or its four PAE roots, point at."""
    kvm, mmu = vcpu.kvm, vcpu.mmu
    if mmu.root_hpa == INVALID_PAGE:
        return []
    if mmu.shadow_root_level == PT64_ROOT_LEVEL:
        return [kvm.page_header(mmu.root_hpa)]
    entries = (kvm.spte_at(mmu.root_hpa + 8 * i) for i in range(4))
    return [kvm.page_header(entry & PT64_BASE_ADDR_MASK) for entry in entries if entry]


def mmu_sync_roots(vcpu: Vcpu) -> None:
    """Synchronize everything below the current roots; ``mmu_lock`` is held."""
    if vcpu.mmu.direct_map or vcpu.mmu.root_hpa == INVALID_PAGE:
        return
    vcpu_clear_mmio_info(vcpu, MMIO_GVA_ANY)
    for sp in root_pages(vcpu):
        mmu_sync_children(vcpu, sp)


def kvm_mmu_sync_roots(vcpu: Vcpu) -> None:
    """Synchronize everything below the current roots."""
    with vcpu.kvm.mmu_lock():
        mmu_sync_roots(vcpu)
