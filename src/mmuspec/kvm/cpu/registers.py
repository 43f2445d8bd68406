"""Changes of control registers, as far as they concern the MMU.

Source: kvm_set_cr0(), kvm_set_cr3(), kvm_set_cr4(), set_efer(),
kvm_mmu_new_cr3() in arch/x86/kvm/x86.c and mmu.c (v3.11).
"""

from ...x86.controls import (
    CR0_CD,
    CR0_NW,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PCIDE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMEP,
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
from .context import kvm_mmu_reset_context, load_pdptrs

CR0_RESETS = CR0_PG | CR0_WP | CR0_CD | CR0_NW
"""A change of one of these bits resets the MMU context."""
CR4_RESETS = CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP
"""So does a change of one of these, and clearing PCIDE."""


def kvm_set_cr3(vcpu: Vcpu, cr3: int) -> None:
    """Load CR3.

    The same value again means "flush": unsync pages are synchronized.  A new
    one drops the root; its shadow stays hashed for the next time.
    """
    if vcpu.kvm.tdp_enabled:
        vcpu.controls = vcpu.controls.with_(cr3=cr3)
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
    changed = vcpu.controls.cr0 ^ cr0
    vcpu.controls = vcpu.controls.with_(cr0=cr0)
    if changed & CR0_RESETS:
        _reset(vcpu)


def kvm_set_cr4(vcpu: Vcpu, cr4: int) -> None:
    """Load CR4."""
    old = vcpu.controls.cr4
    vcpu.controls = vcpu.controls.with_(cr4=cr4)
    if (old ^ cr4) & CR4_RESETS or (old & CR4_PCIDE and not cr4 & CR4_PCIDE):
        _reset(vcpu)


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
