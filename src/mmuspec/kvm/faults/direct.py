"""Faults of direct contexts: two-dimensional paging, and shadowing a guest without paging.

Source: tdp_page_fault(), nonpaging_page_fault(), nonpaging_map(),
__direct_map() (v3.11).
"""

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ...x86.pferr import Pferr
from ..pages.lookup import kvm_mmu_get_page, link_shadow_page
from ..pages.recycle import make_mmu_pages_available
from ..pages.shadow_walk import for_each_shadow_entry
from ..rmaps.rmap import drop_large_spte
from ..sptes.set_spte import mmu_set_spte
from ..sptes.spte import is_large_pte
from ..state.address import gfn_to_lpage_base
from ..state.constants import PT_DIRECTORY_LEVEL, PT_PAGE_TABLE_LEVEL, PT_PDPE_LEVEL
from ..state.role import Acc
from ..state.vcpu import Vcpu
from .count import count_mapped
from .fast_page_fault import fast_page_fault
from .fault_result import Fault
from .large_pages import forces_small_pages, mapping_level, transparent_hugepage_adjust
from .map_pfn import fetch_pfn, handle_abnormal_pfn, mmu_notifier_retry, trace_spte_requested
from .mmio import RetMmioPf, handle_mmio_page_fault_common
from .pfn import Pfn
from .prefetch import direct_pte_prefetch


def tdp_page_fault(vcpu: Vcpu, gpa: int, error_code: int, prefault: bool = False) -> int:
    """Handle an NPT fault or EPT violation at *gpa*."""
    return _direct_page_fault(vcpu, gpa, error_code, gva=0, largest=PT_PDPE_LEVEL)


def nonpaging_page_fault(vcpu: Vcpu, gva: int, error_code: int, prefault: bool = False) -> int:
    """Handle a fault of a guest that has paging off: *gva* is the gpa."""
    if vcpu.kvm.epoch.nonpaging_fault_drops_offset:
        gva &= ~PAGE_MASK
    return _direct_page_fault(vcpu, gva, error_code, gva=gva, largest=PT_DIRECTORY_LEVEL)


def _direct_page_fault(vcpu: Vcpu, gpa: int, error_code: int, *, gva: int, largest: int) -> int:
    """Answer from an MMIO spte, without the lock, or map the page, in that order.

    :param gva: what the vCPU's MMIO cache remembers; 0 where no gva is known
    :param largest: largest level to map
    """
    if error_code & Pferr.RSVD:
        result = handle_mmio_page_fault_common(vcpu, gpa, direct=True)
        if result is not RetMmioPf.INVALID:
            return result
    gfn = gpa >> PAGE_SHIFT
    force_small = forces_small_pages(vcpu.kvm, gfn)
    level = PT_PAGE_TABLE_LEVEL if force_small else min(largest, mapping_level(vcpu.kvm, gfn))
    gfn = gfn_to_lpage_base(gfn, level)
    if fast := fast_page_fault(vcpu, gpa, level, error_code):
        return fast
    write = bool(error_code & Pferr.W)
    fetched = fetch_pfn(vcpu, gfn, write=write)
    if handle_abnormal_pfn(vcpu, gva, gfn, fetched.pfn, Acc.ALL):
        return Fault.EMULATE
    with vcpu.kvm.mmu_lock():
        if mmu_notifier_retry(vcpu.kvm, fetched.mmu_seq):
            return Fault.RESUME
        make_mmu_pages_available(vcpu.kvm)
        return _map(vcpu, gfn, fetched.pfn, level, write=write, force_small=force_small)


def _map(vcpu: Vcpu, gfn: int, pfn: Pfn, level: int, *, write: bool, force_small: bool) -> int:
    """Widen the mapping inside a transparent huge page, then make it."""
    if not force_small and not pfn.noslot:
        gfn, number, level = transparent_hugepage_adjust(vcpu.kvm, gfn, pfn.number, level)
        pfn = Pfn(number, pfn.writable)
    return direct_map(vcpu, gfn, pfn, level, write=write)


def direct_map(vcpu: Vcpu, gfn: int, pfn: Pfn, level: int, *, write: bool) -> Fault:
    """Map *gfn* at *level*, making the direct pages above it."""
    kvm = vcpu.kvm
    trace_spte_requested(kvm, gfn, pfn, level)
    result = Fault.RESUME
    for step in for_each_shadow_entry(vcpu, gfn << PAGE_SHIFT):
        if step.level == level:
            result = mmu_set_spte(vcpu, step.sptep, Acc.ALL, level, gfn, pfn, write_fault=write)
            if result is not Fault.SPURIOUS:
                direct_pte_prefetch(vcpu, step.sptep)
                count_mapped(kvm)
            break
        _link_direct(vcpu, step.sptep, gfn, step.level)
    return result


def _link_direct(vcpu: Vcpu, sptep: int, gfn: int, level: int) -> None:
    """Make sure that the entry at *sptep* links a direct page.

    A large spte in the way is not dropped in v3.11, so the walk ends there [BUG-6].
    """
    kvm = vcpu.kvm
    if is_large_pte(kvm.spte_at(sptep)) and not kvm.has("BUG-6"):
        drop_large_spte(kvm, sptep)
    if kvm.masks.is_shadow_present_pte(kvm.spte_at(sptep)):
        return
    sp = kvm_mmu_get_page(
        vcpu,
        gfn_to_lpage_base(gfn, level),
        gfn << PAGE_SHIFT,
        level - 1,
        direct=True,
        access=Acc.ALL,
        parent_sptep=sptep,
    )
    link_shadow_page(kvm, sptep, sp)
