"""INVLPG: one translation is read from the guest's tables again.

Source: kvm_mmu_invlpg(), FNAME(invlpg) (v3.11).
"""

from ..faults.mmio_cache import vcpu_clear_mmio_info
from ..faults.prefetch import level1_sp_gpa, prefetch_gpte
from ..guest.memory import kvm_read_guest
from ..pages.shadow_walk import for_each_shadow_entry
from ..pages.zap import mmu_page_zap_pte
from ..sptes.spte import is_last_spte
from ..state.constants import PT_PAGE_TABLE_LEVEL
from ..state.flush import kvm_flush_remote_tlbs, kvm_mmu_flush_tlb
from ..state.vcpu import Vcpu


def kvm_mmu_invlpg(vcpu: Vcpu, gva: int) -> None:
    """Emulate INVLPG for the page of *gva*."""
    vcpu.mmu.invlpg(vcpu, gva, None)
    for _, root_hpa in vcpu.mmu.prev_roots:
        vcpu.mmu.invlpg(vcpu, gva, root_hpa)
    kvm_mmu_flush_tlb(vcpu)
    vcpu.kvm.stats.invlpg += 1


def paging_invlpg(vcpu: Vcpu, gva: int, root_hpa: int | None) -> None:
    """Zap the leaf spte of *gva* if its page is unsync, and read its guest entry again.

    A synchronized page needs nothing: its guest table cannot have changed.

    :param root_hpa: a kept root; None for the current one
    """
    kvm = vcpu.kvm
    vcpu_clear_mmio_info(vcpu, gva)
    with kvm.mmu_lock():
        for step in for_each_shadow_entry(vcpu, gva, root_hpa):
            sp = kvm.page_header(step.sptep)
            if is_last_spte(step.spte, step.level):
                if sp.unsync:
                    _refresh(vcpu, step.sptep)
                break
            if not kvm.masks.is_shadow_present_pte(step.spte) or not sp.unsync_children:
                break


def _refresh(vcpu: Vcpu, sptep: int) -> None:
    """Zap one spte of an unsync page and install what the guest entry says now."""
    kvm = vcpu.kvm
    sp = kvm.page_header(sptep)
    if mmu_page_zap_pte(kvm, sp, sptep):
        kvm_flush_remote_tlbs(kvm)
    if sp.role.level != PT_PAGE_TABLE_LEVEL or kvm.memslots.visible(sp.gfn) is None:
        return
    size = vcpu.mmu.guest_mode.entry_size
    gpte = kvm_read_guest(kvm, level1_sp_gpa(vcpu, sp) + sp.index_of(sptep) * size, size)
    prefetch_gpte(vcpu, sp, sptep, gpte, no_dirty_log=False)


def nonpaging_invlpg(vcpu: Vcpu, gva: int, root_hpa: int | None) -> None:
    """Do nothing: a direct context translates no guest-virtual address."""
