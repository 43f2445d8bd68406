"""Changes of control registers, as far as they concern the MMU.

Source: kvm_set_cr0(), kvm_set_cr3(), kvm_set_cr4(), set_efer(),
kvm_mmu_new_cr3() in arch/x86/kvm/x86.c and mmu.c (v3.11).
"""

from ...x86.controls import (
    CR0_WP,
    CR4_PCIDE,
    CR4_PGE,
    EFER_NX,
)
from ...x86.mode import PAE
from ...x86.tlb import FLUSH, MOV_CR3
from ..pages.previous_roots import kvm_mmu_new_pgd
from ..pages.roots import mmu_free_roots
from ..state.flush import kvm_mmu_flush_tlb
from ..state.requests import Request
from ..state.vcpu import Vcpu
from ..sync.sync_children import kvm_mmu_sync_roots
from .context import init_kvm_mmu, kvm_mmu_reset_context, load_pdptrs


def kvm_set_cr3(vcpu: Vcpu, cr3: int) -> None:
    """Load CR3.

    The same value again means "flush": unsync pages are synchronized.  A new
    one drops the root; its shadow stays hashed for the next time.
    """
    if vcpu.kvm.tdp_enabled:
        vcpu.controls = vcpu.controls.with_(cr3=cr3)
        if vcpu.mmu.guest_mode is PAE:
            load_pdptrs(vcpu)
        vcpu.tlb.forget(MOV_CR3)
        return
    old_pdptrs, same = vcpu.mmu.pdptrs, cr3 == vcpu.controls.cr3
    vcpu.controls = vcpu.controls.with_(cr3=cr3)
    if vcpu.mmu.guest_mode is PAE:
        load_pdptrs(vcpu)
    if not same or old_pdptrs != vcpu.mmu.pdptrs:
        kvm_mmu_new_cr3(vcpu)
    elif not vcpu.kvm.epoch.syncs_cr3_by_request:
        kvm_mmu_sync_roots(vcpu)
        kvm_mmu_flush_tlb(vcpu)
    if vcpu.kvm.epoch.syncs_cr3_by_request:
        vcpu.make_request(Request.MMU_SYNC)
        vcpu.make_request(Request.TLB_FLUSH)


def kvm_mmu_new_cr3(vcpu: Vcpu) -> None:
    """Let go of the roots of the old CR3, or change to roots kept for the new one."""
    if vcpu.kvm.epoch.previous_roots:
        kvm_mmu_new_pgd(vcpu, vcpu.controls.cr3)
    else:
        mmu_free_roots(vcpu)


def kvm_set_cr0(vcpu: Vcpu, cr0: int) -> None:
    """Load CR0."""
    epoch, changed = vcpu.kvm.epoch, vcpu.controls.cr0 ^ cr0
    vcpu.controls = vcpu.controls.with_(cr0=cr0)
    if vcpu.kvm.tdp_enabled and changed == CR0_WP and epoch.tdp_keeps_roots_over_wp:
        init_kvm_mmu(vcpu)
    elif changed & epoch.cr0_resets:
        _reset(vcpu)


def kvm_set_cr4(vcpu: Vcpu, cr4: int) -> None:
    """Load CR4."""
    epoch, old = vcpu.kvm.epoch, vcpu.controls.cr4
    vcpu.controls = vcpu.controls.with_(cr4=cr4)
    pcide_cleared = bool(old & CR4_PCIDE and not cr4 & CR4_PCIDE)
    if (old ^ cr4) & epoch.cr4_resets or (pcide_cleared and not epoch.cr4_flush_syncs):
        _reset(vcpu)
    if epoch.cr4_flush_syncs and (pcide_cleared or (old ^ cr4) & CR4_PGE):
        vcpu.make_request(Request.TLB_FLUSH_GUEST)


def set_efer(vcpu: Vcpu, efer: int) -> None:
    """Write EFER; only NX concerns the tables."""
    changed = vcpu.controls.efer ^ efer
    vcpu.controls = vcpu.controls.with_(efer=efer)
    if changed & EFER_NX:
        _reset(vcpu)


def _reset(vcpu: Vcpu) -> None:
    """Start over with another way of translating."""
    kvm_mmu_reset_context(vcpu)
    vcpu.tlb.forget(FLUSH)
