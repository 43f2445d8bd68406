"""Faults of shadow paging: the guest's tables are walked, then shadowed.

Source: FNAME(page_fault), FNAME(is_self_change_mapping) (v3.11).
"""

from dataclasses import replace

from ...x86.pferr import Pferr
from ..guest.walk_addr import GuestWalker, WalkFailed, walk_addr
from ..pages.recycle import make_mmu_pages_available
from ..state.address import gfn_to_lpage_base, kvm_pages_per_hpage
from ..state.constants import (
    PT_DIRECTORY_LEVEL,
    PT_PAGE_TABLE_LEVEL,
)
from ..state.role import Acc
from ..state.vcpu import Vcpu
from .count import count_mapped
from .fault_result import Fault
from .fetch import fetch, shadow_page_table_clear_flood
from .large_pages import (
    forces_small_pages,
    is_write_tracked,
    mapping_level,
    transparent_hugepage_adjust,
)
from .map_pfn import (
    FetchedPfn,
    fetch_pfn,
    handle_abnormal_pfn,
    mmu_notifier_retry,
)
from .mmio import RetMmioPf, handle_mmio_page_fault_common
from .pfn import Pfn


def paging_page_fault(vcpu: Vcpu, addr: int, error_code: int, prefault: bool = False) -> int:
    """Handle a fault of a guest with paging on, at guest-virtual *addr*."""
    if error_code & Pferr.RSVD:
        result = handle_mmio_page_fault_common(vcpu, addr, direct=False)
        if result is not RetMmioPf.INVALID:
            return result
    try:
        walker = walk_addr(vcpu, addr, error_code & ~vcpu.kvm.epoch.walk_ignores)
    except WalkFailed as failed:
        if not prefault:
            vcpu.exception = failed.fault
        return Fault.RESUME
    if is_tracked_write(vcpu, walker.gfn, error_code):
        shadow_page_table_clear_flood(vcpu, addr)
        return Fault.EMULATE
    force_small = _force_pt_level(vcpu, walker, error_code)
    level = PT_PAGE_TABLE_LEVEL
    if not force_small:
        level = min(walker.level, mapping_level(vcpu.kvm, walker.gfn))
        walker.gfn = gfn_to_lpage_base(walker.gfn, level)
    fetched = fetch_pfn(vcpu, walker.gfn, write=bool(error_code & Pferr.W))
    if handle_abnormal_pfn(vcpu, addr, walker.gfn, fetched.pfn, walker.pte_access):
        return Fault.EMULATE
    _emulate_cr0_wp(vcpu, walker, fetched.pfn, error_code)
    return _map_under_lock(vcpu, addr, error_code, walker, fetched, level, force_small)


def _force_pt_level(vcpu: Vcpu, walker: GuestWalker, error_code: int) -> bool:
    """Whether the page must be mapped small."""
    self_changed = is_self_change_mapping(vcpu, walker, user=bool(error_code & Pferr.U))
    if walker.level < PT_DIRECTORY_LEVEL:
        return True
    return forces_small_pages(vcpu.kvm, walker.gfn) or self_changed


def is_self_change_mapping(vcpu: Vcpu, walker: GuestWalker, *, user: bool) -> bool:
    """Whether the mapping can write one of the tables that translate it.

    Also notes in ``write_fault_to_shadow_pgtable`` whether the faulting frame
    is such a table.
    """
    vcpu.write_fault_to_shadow_pgtable = False
    writable = walker.pte_access & Acc.WRITE or (not vcpu.controls.wp and not user)
    if not writable:
        return False
    inside = kvm_pages_per_hpage(walker.level) - 1
    distances = [walker.gfn ^ gfn for gfn in walker.table_gfn.values()]
    vcpu.write_fault_to_shadow_pgtable = 0 in distances
    return any(not distance & ~inside for distance in distances)


def _emulate_cr0_wp(vcpu: Vcpu, walker: GuestWalker, pfn: Pfn, error_code: int) -> None:
    """Let the supervisor write a read-only page while CR0.WP is 0.

    No spte says "the kernel may write, the user may read", so the entry turns
    into a supervisor one; with SMEP it must then not be executable either.
    """
    fault = Pferr(error_code)
    needed = (
        fault & Pferr.W
        and not fault & Pferr.U
        and not walker.pte_access & Acc.WRITE
        and not vcpu.controls.wp
        and not pfn.noslot
    )
    if needed:
        walker.pte_access |= Acc.WRITE
        walker.pte_access &= ~Acc.USER
        if vcpu.controls.smep:
            walker.pte_access &= ~Acc.EXEC


def _map_under_lock(
    vcpu: Vcpu,
    addr: int,
    error_code: int,
    walker: GuestWalker,
    fetched: FetchedPfn,
    level: int,
    force_small: bool,
) -> int:
    """Build the shadow of the walk, unless the page may have gone meanwhile."""
    kvm = vcpu.kvm
    with kvm.mmu_lock():
        if mmu_notifier_retry(kvm, fetched.mmu_seq):
            return Fault.RESUME
        make_mmu_pages_available(kvm)
        pfn = fetched.pfn
        if not force_small and not pfn.noslot:
            walker.gfn, number, level = transparent_hugepage_adjust(
                kvm, walker.gfn, pfn.number, level
            )
            pfn = replace(pfn, number=number)
        result = fetch(vcpu, addr, walker, pfn, level, write=bool(error_code & Pferr.W))
        if result in (Fault.EMULATE, Fault.FIXED) or kvm.has("QUIRK-3"):
            count_mapped(kvm)
        return result


def is_tracked_write(vcpu: Vcpu, gfn: int, error_code: int) -> bool:
    """Whether the fault is a write to an upper-level guest table (none is tracked in v3.11)."""
    present_write = Pferr.P | Pferr.W
    return error_code & present_write == present_write and is_write_tracked(vcpu.kvm, gfn)
