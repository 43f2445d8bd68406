"""Faults of shadow paging: the guest's tables are walked, then shadowed.

Source: FNAME(page_fault), FNAME(fetch), FNAME(gpte_changed),
FNAME(is_self_change_mapping), validate_direct_spte() (v3.11).
"""

from dataclasses import replace

from ...x86.entry import PAGE_SHIFT
from ...x86.pferr import Pferr
from ..guest.memory import gpa_to_hpa, kvm_read_guest
from ..guest.walk_addr import GuestWalker, WalkFailed, walk_addr
from ..pages.lookup import kvm_mmu_get_page, kvm_mmu_put_page, link_shadow_page
from ..pages.recycle import make_mmu_pages_available
from ..pages.shadow_walk import ShadowStep, for_each_shadow_entry
from ..rmaps.rmap import drop_large_spte, drop_parent_pte
from ..sptes.set_spte import mmu_set_spte
from ..sptes.spte import is_large_pte
from ..state.address import PT64_BASE_ADDR_MASK, gfn_to_lpage_base, kvm_pages_per_hpage
from ..state.constants import (
    PT32_ROOT_LEVEL,
    PT32E_ROOT_LEVEL,
    PT_DIRECTORY_LEVEL,
    PT_PAGE_TABLE_LEVEL,
    PTE_PREFETCH_NUM,
)
from ..state.flush import kvm_flush_remote_tlbs
from ..state.page import ShadowPage
from ..state.role import Acc
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from ..sync.sync_children import mmu_sync_children
from .fault_result import Fault
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
    trace_spte_requested,
)
from .mmio import RetMmioPf, handle_mmio_page_fault_common
from .pfn import Pfn
from .prefetch import pte_prefetch


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
        emulate = fetch(vcpu, addr, walker, pfn, level, write=bool(error_code & Pferr.W))
        if emulate is not None or kvm.has("QUIRK-3"):
            kvm.stats.pf_fixed += 1
        return Fault.EMULATE if emulate else Fault.RESUME


def is_tracked_write(vcpu: Vcpu, gfn: int, error_code: int) -> bool:
    """Whether the fault is a write to an upper-level guest table (none is tracked in v3.11)."""
    present_write = Pferr.P | Pferr.W
    return error_code & present_write == present_write and is_write_tracked(vcpu.kvm, gfn)


def shadow_page_table_clear_flood(vcpu: Vcpu, addr: int) -> None:
    """Note that every table on the way to *addr* is in use."""
    for step in for_each_shadow_entry(vcpu, addr):
        clear_sp_write_flooding_count(vcpu, step.sptep)


def clear_sp_write_flooding_count(vcpu: Vcpu, sptep: int) -> None:
    """Note that the guest table shadowed by the page of *sptep* is really in use."""
    vcpu.kvm.page_header(sptep).write_flooding_count = 0


def fetch(
    vcpu: Vcpu, addr: int, walker: GuestWalker, pfn: Pfn, level: int, *, write: bool
) -> bool | None:
    """Link shadow pages down to *level* and map the page there.

    :returns: whether the instruction must be emulated; None if the guest's
        tables changed since the walk, so that nothing was mapped
    """
    kvm = vcpu.kvm
    root_level = vcpu.mmu.root_level
    top = PT32_ROOT_LEVEL if root_level == PT32E_ROOT_LEVEL else root_level
    gptes = gpte_changed(vcpu, walker, top)
    if gptes is None:
        return None
    requested = False
    for step in for_each_shadow_entry(vcpu, addr):
        if step.level <= walker.level and not requested:
            requested = True
            _trace_requested(kvm, addr, walker, pfn, level)
        clear_sp_write_flooding_count(vcpu, step.sptep)
        if step.level > walker.level:
            gptes = _link_indirect(vcpu, addr, walker, step)
            if gptes is None:
                return None
        elif step.level > level:
            _link_direct(vcpu, addr, walker, step)
        else:
            break
    for observer in kvm.observers:
        observer.fetched(vcpu, addr)
    emulate = mmu_set_spte(
        vcpu, step.sptep, walker.pte_access, level, walker.gfn, pfn, write_fault=write
    )
    pte_prefetch(vcpu, step.sptep, gptes)
    return emulate


def _trace_requested(kvm: Kvm, addr: int, walker: GuestWalker, pfn: Pfn, level: int) -> None:
    """Report what is about to be mapped, or, as v5.10 does, what the guest's walk found."""
    if kvm.epoch.spte_requested_shows_walk:
        trace_spte_requested(kvm, addr >> PAGE_SHIFT, pfn, walker.level)
    else:
        trace_spte_requested(kvm, walker.gfn, pfn, level)


def gpte_changed(vcpu: Vcpu, walker: GuestWalker, level: int) -> list[int] | None:
    """Read the guest entry of *level* again.

    :returns: None if it is not what the walk saw; else, at level 1, the
        entries of the prefetch window around it
    """
    kvm, size = vcpu.kvm, vcpu.mmu.guest_mode.entry_size
    gpa = walker.pte_gpa[level]
    if kvm_read_guest(kvm, gpa, size) != walker.ptes[level]:
        return None
    if level > PT_PAGE_TABLE_LEVEL:
        return []
    base = gpa_to_hpa(kvm, gpa & ~(PTE_PREFETCH_NUM * size - 1))
    return [kvm.host.memory.read(base + i * size, size) for i in range(PTE_PREFETCH_NUM)]


def _link_indirect(
    vcpu: Vcpu, addr: int, walker: GuestWalker, step: ShadowStep
) -> list[int] | None:
    """Make sure that *step* links the shadow of the guest's next table.

    Once that page exists its guest table is write-protected; only then is the
    entry read again, so a change cannot be missed.
    """
    kvm = vcpu.kvm
    drop_large_spte(kvm, step.sptep)
    sp: ShadowPage | None = None
    if not kvm.masks.is_shadow_present_pte(kvm.spte_at(step.sptep)):
        sp = kvm_mmu_get_page(
            vcpu,
            walker.table_gfn[step.level - 1],
            addr,
            step.level - 1,
            direct=False,
            access=walker.access_for_child(step.level, shared=kvm.has("BUG-4")),
            parent_sptep=step.sptep,
        )
    if sp and sp.unsync_children and kvm.epoch.syncs_before_linking:
        mmu_sync_children(vcpu, sp)
    gptes = gpte_changed(vcpu, walker, step.level - 1)
    if sp and gptes is None:
        kvm_mmu_put_page(kvm, sp, step.sptep)
    elif sp:
        link_shadow_page(kvm, step.sptep, sp)
    return gptes


def _link_direct(vcpu: Vcpu, addr: int, walker: GuestWalker, step: ShadowStep) -> None:
    """Below a large guest page: make sure that *step* links a direct page."""
    kvm = vcpu.kvm
    validate_direct_spte(vcpu, step.sptep, walker.pte_access)
    drop_large_spte(kvm, step.sptep)
    if kvm.masks.is_shadow_present_pte(kvm.spte_at(step.sptep)):
        return
    sp = kvm_mmu_get_page(
        vcpu,
        gfn_to_lpage_base(walker.gfn, step.level),
        addr,
        step.level - 1,
        direct=True,
        access=walker.pte_access,
        parent_sptep=step.sptep,
    )
    link_shadow_page(kvm, step.sptep, sp)


def validate_direct_spte(vcpu: Vcpu, sptep: int, direct_access: int) -> None:
    """Unlink a direct page that was made for other rights than *direct_access*."""
    kvm = vcpu.kvm
    spte = kvm.spte_at(sptep)
    if not kvm.masks.is_shadow_present_pte(spte) or is_large_pte(spte):
        return
    child = kvm.page_header(spte & PT64_BASE_ADDR_MASK)
    if child.role.access == direct_access:
        return
    drop_parent_pte(kvm, child, sptep)
    kvm_flush_remote_tlbs(kvm)
