"""Entering the guest: what was asked of the vCPU is done first.

Source: vcpu_enter_guest() in arch/x86/kvm/x86.c (v3.11).
"""

from ...x86.tlb import FLUSH
from ..pages.previous_roots import (
    kvm_mmu_free_obsolete_roots,
    kvm_mmu_sync_prev_roots,
    kvm_mmu_unload,
)
from ..pages.roots import kvm_mmu_reload
from ..state.requests import Request, VcpuMode
from ..state.vcpu import Vcpu
from ..sync.sync_children import kvm_mmu_sync_roots


class TripleFault(Exception):
    """The guest cannot go on: its root table is not in memory."""


def vcpu_enter_guest(vcpu: Vcpu) -> None:
    """Serve requests in the kernel's order, make sure of a root, and enter.

    :raises TripleFault: userspace gets KVM_EXIT_SHUTDOWN
    """
    if vcpu.check_request(Request.MMU_RELOAD):
        _reload(vcpu)
    if vcpu.check_request(Request.MMU_SYNC):
        kvm_mmu_sync_roots(vcpu)
    if vcpu.check_request(Request.TLB_FLUSH_GUEST):
        _flush_tlb_guest(vcpu)
    _flush_tlb(vcpu)
    if vcpu.check_request(Request.TRIPLE_FAULT) or not kvm_mmu_reload(vcpu):
        raise TripleFault(f"vCPU {vcpu.vcpu_id}: the table at CR3 is not in memory")
    _flush_tlb(vcpu)
    vcpu.mode = VcpuMode.IN_GUEST_MODE


def _reload(vcpu: Vcpu) -> None:
    """Drop the roots that must not be used any more."""
    if vcpu.kvm.epoch.reloads_only_obsolete_roots:
        kvm_mmu_free_obsolete_roots(vcpu)
    else:
        kvm_mmu_unload(vcpu)


def _flush_tlb_guest(vcpu: Vcpu) -> None:
    """Flush as the guest asked for: what the shadow tables hold back must go, too.

    Source: kvm_vcpu_flush_tlb_guest() (v6.1).
    """
    if not vcpu.kvm.tdp_enabled:
        kvm_mmu_sync_roots(vcpu)
        kvm_mmu_sync_prev_roots(vcpu)
    vcpu.make_request(Request.TLB_FLUSH)


def _flush_tlb(vcpu: Vcpu) -> None:
    """Empty the TLB if that was asked for."""
    if vcpu.check_request(Request.TLB_FLUSH):
        vcpu.tlb.forget(FLUSH)


def vcpu_exit_guest(vcpu: Vcpu) -> None:
    """Leave the guest."""
    vcpu.mode = VcpuMode.OUTSIDE_GUEST_MODE
    if not vcpu.kvm.host.processor.tlb_survives_exit:
        vcpu.tlb.forget(FLUSH)
