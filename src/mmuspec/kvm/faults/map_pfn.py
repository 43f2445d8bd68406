"""From a guest frame to a page that may be mapped: what both fault handlers share.

Source: try_async_pf(), handle_abnormal_pfn(), mmu_notifier_retry() (v3.11).
Asynchronous page faults are not modelled: the host always has the page.
"""

from dataclasses import dataclass

from ...events import SpteRequested
from ..state.address import kvm_pages_per_hpage
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from .mmio_cache import vcpu_cache_mmio_info
from .pfn import Pfn, gfn_to_pfn_prot


@dataclass(frozen=True)
class FetchedPfn:
    """A page and the notifier sequence that was read before it was asked for."""

    pfn: Pfn
    mmu_seq: int


def fetch_pfn(vcpu: Vcpu, gfn: int, *, write: bool) -> FetchedPfn:
    """Ask the host for the page of *gfn*; the sequence number is read first."""
    seq = vcpu.kvm.mmu_notifier_seq
    return FetchedPfn(gfn_to_pfn_prot(vcpu.kvm, gfn, write=write), seq)


def trace_spte_requested(kvm: Kvm, gfn: int, pfn: Pfn, level: int) -> None:
    """Report what a fault is about to map, in versions that do."""
    number = pfn.number
    if kvm.epoch.spte_requested_shows_walk:
        number |= gfn & (kvm_pages_per_hpage(level) - 1)
    if kvm.epoch.reports_spte_requested:
        kvm.trace(SpteRequested(gfn=gfn, pfn=number, level=level))


def mmu_notifier_retry(kvm: Kvm, mmu_seq: int) -> bool:
    """Whether the page may have been taken back since *mmu_seq* was read."""
    return kvm.mmu_notifier_count > 0 or kvm.mmu_notifier_seq != mmu_seq


def handle_abnormal_pfn(vcpu: Vcpu, gva: int, gfn: int, pfn: Pfn, access: int) -> bool:
    """Deal with a gfn that has no page; return whether the fault ends in emulation.

    Nothing is cached for a write to a read-only slot, so that a later read of
    it is not taken for MMIO.  Where no MMIO spte can be made (since v5.15: a
    host with 52 address bits), every MMIO access ends here.
    """
    if pfn.read_only_fault:
        return True
    if pfn.noslot:
        vcpu_cache_mmio_info(vcpu, gva, gfn, access)
    return pfn.noslot and not vcpu.kvm.masks.mmio_value
