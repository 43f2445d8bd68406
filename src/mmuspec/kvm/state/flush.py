"""Asking other vCPUs to flush, to reload, or to wait.

Source: make_all_cpus_request(), kvm_flush_remote_tlbs(),
kvm_reload_remote_mmus() (v3.11).
"""

from .requests import Request, VcpuMode
from .vcpu import Vcpu
from .vm import Kvm


def make_all_cpus_request(kvm: Kvm, request: Request) -> bool:
    """Make *request* of every vCPU; return whether a CPU had to be interrupted.

    A vCPU in guest mode is forced out; one that walks shadow tables without
    the lock is waited for.  One outside needs no interrupt: it looks at its
    requests before it enters.
    """
    interrupted = False
    for observer in kvm.observers:
        observer.requested(request)
    for vcpu in kvm.vcpus:
        vcpu.make_request(request)
        interrupted |= vcpu.mode is not VcpuMode.OUTSIDE_GUEST_MODE
        if vcpu.mode is VcpuMode.IN_GUEST_MODE:
            vcpu.mode = VcpuMode.EXITING_GUEST_MODE
    return interrupted


def kvm_flush_remote_tlbs(kvm: Kvm) -> None:
    """Make sure that no TLB keeps a translation that the tables no longer have.

    ``tlbs_dirty`` is cleared only if it did not move meanwhile; nothing runs
    meanwhile in the model.
    """
    if make_all_cpus_request(kvm, Request.TLB_FLUSH):
        kvm.stats.remote_tlb_flush += 1
    kvm.tlbs_dirty = 0


def kvm_reload_remote_mmus(kvm: Kvm) -> None:
    """Make every vCPU drop its roots and build new ones before it enters."""
    make_all_cpus_request(kvm, Request.MMU_RELOAD)


def kvm_mmu_flush_tlb(vcpu: Vcpu) -> None:
    """Request a flush of this vCPU's own TLB."""
    vcpu.kvm.stats.tlb_flush += 1
    vcpu.make_request(Request.TLB_FLUSH)
