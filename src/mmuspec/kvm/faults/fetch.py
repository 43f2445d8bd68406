"""Shadowing a walk of the guest's tables: linking pages down to the leaf.

Source: FNAME(fetch), FNAME(gpte_changed), validate_direct_spte() (v3.11).
"""

from ...x86.entry import PAGE_SHIFT
from ..guest.memory import gpa_to_hpa, kvm_read_guest
from ..guest.walk_addr import GuestWalker
from ..pages.lookup import kvm_mmu_get_page, kvm_mmu_put_page, link_shadow_page, page_role
from ..pages.shadow_walk import ShadowStep, for_each_shadow_entry
from ..pages.zap import mmu_page_zap_pte
from ..rmaps.rmap import drop_large_spte, drop_parent_pte
from ..sptes.set_spte import mmu_set_spte
from ..sptes.spte import is_large_pte
from ..state.address import PT64_BASE_ADDR_MASK, gfn_to_lpage_base
from ..state.constants import (
    PT32_ROOT_LEVEL,
    PT32E_ROOT_LEVEL,
    PT_PAGE_TABLE_LEVEL,
    PTE_PREFETCH_NUM,
)
from ..state.flush import kvm_flush_remote_tlbs
from ..state.page import ShadowPage
from ..state.role import Role
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from ..sync.sync_children import mmu_sync_children
from .fault_result import Fault
from .map_pfn import (
    trace_spte_requested,
)
from .pfn import Pfn
from .prefetch import pte_prefetch


def shadow_page_table_clear_flood(vcpu: Vcpu, addr: int) -> None:
    """Note that every table on the way to *addr* is in use."""
    for step in for_each_shadow_entry(vcpu, addr):
        clear_sp_write_flooding_count(vcpu, step.sptep)


def clear_sp_write_flooding_count(vcpu: Vcpu, sptep: int) -> None:
    """Note that the guest table shadowed by the page of *sptep* is really in use."""
    vcpu.kvm.page_header(sptep).write_flooding_count = 0


def fetch(
    vcpu: Vcpu, addr: int, walker: GuestWalker, pfn: Pfn, level: int, *, write: bool
) -> Fault:
    """Link shadow pages down to *level* and map the page there.

    :returns: ``Fault.RESUME`` if the guest's tables changed since the walk, so
        that nothing was mapped
    """
    kvm = vcpu.kvm
    root_level = vcpu.mmu.root_level
    top = PT32_ROOT_LEVEL if root_level == PT32E_ROOT_LEVEL else root_level
    gptes = gpte_changed(vcpu, walker, top)
    if gptes is None:
        return Fault.RESUME
    requested = False
    for step in for_each_shadow_entry(vcpu, addr):
        if step.level <= walker.level and not requested:
            requested = True
            _trace_requested(kvm, addr, walker, pfn, level)
        clear_sp_write_flooding_count(vcpu, step.sptep)
        if step.level > walker.level:
            gptes = _link_indirect(vcpu, addr, walker, step)
            if gptes is None:
                return Fault.RESUME
        elif step.level > level:
            _link_direct(vcpu, addr, walker, step)
        else:
            break
    for observer in kvm.observers:
        observer.fetched(vcpu, addr)
    result = mmu_set_spte(
        vcpu, step.sptep, walker.pte_access, level, walker.gfn, pfn, write_fault=write
    )
    if result is not Fault.SPURIOUS:
        pte_prefetch(vcpu, step.sptep, gptes)
    return result


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
    gfn = walker.table_gfn[step.level - 1]
    access = walker.access_for_child(step.level, shared=kvm.has("BUG-4"))
    role = page_role(vcpu, addr, step.level - 1, direct=False, access=access)
    sp: ShadowPage | None = None
    if not _links(kvm, step.sptep, gfn, role):
        sp = kvm_mmu_get_page(
            vcpu,
            gfn,
            addr,
            step.level - 1,
            direct=False,
            access=access,
            parent_sptep=step.sptep,
        )
    gptes = None
    if sp is None or _synchronized(vcpu, sp):
        gptes = gpte_changed(vcpu, walker, step.level - 1)
    if sp and gptes is None:
        kvm_mmu_put_page(kvm, sp, step.sptep)
    elif sp:
        _replace(kvm, step.sptep, sp)
    return gptes


def _links(kvm: Kvm, sptep: int, gfn: int, role: Role) -> bool:
    """Whether *sptep* links a page that will do.

    Any will do to kernels which trust that a write to a guest entry always
    unlinks what the entry linked.  It does not, for one, when a PAE guest
    writes 4 bytes that are part of two entries: only the first is looked at.

    Source: FNAME(fetch) (v3.11), kvm_mmu_get_child_sp() (v6.1).
    """
    spte = kvm.spte_at(sptep)
    if not kvm.masks.is_shadow_present_pte(spte):
        return False
    child = kvm.page_header(spte & PT64_BASE_ADDR_MASK)
    wanted = child.gfn == gfn and child.role == role
    return wanted or not kvm.epoch.replaces_stale_children


def _replace(kvm: Kvm, sptep: int, sp: ShadowPage) -> None:
    """Link *sp*, instead of a stale page if there is one."""
    if kvm.masks.is_shadow_present_pte(kvm.spte_at(sptep)):
        mmu_page_zap_pte(kvm, kvm.page_header(sptep), sptep)
        kvm_flush_remote_tlbs(kvm)
    link_shadow_page(kvm, sptep, sp)


def _synchronized(vcpu: Vcpu, sp: ShadowPage) -> bool:
    """Whether what is below *sp* may be used: since v5.13 it is synchronized first."""
    if not sp.unsync_children or not vcpu.kvm.epoch.syncs_before_linking:
        return True
    return mmu_sync_children(vcpu, sp, can_yield=False)


def _link_direct(vcpu: Vcpu, addr: int, walker: GuestWalker, step: ShadowStep) -> None:
    """Below a large guest page: make sure that *step* links a direct page."""
    kvm = vcpu.kvm
    validate_direct_spte(vcpu, step.sptep, walker.pte_access)
    drop_large_spte(kvm, step.sptep)
    gfn = gfn_to_lpage_base(walker.gfn, step.level)
    role = page_role(vcpu, addr, step.level - 1, direct=True, access=walker.pte_access)
    if _links(kvm, step.sptep, gfn, role):
        return
    sp = kvm_mmu_get_page(
        vcpu,
        gfn,
        addr,
        step.level - 1,
        direct=True,
        access=walker.pte_access,
        parent_sptep=step.sptep,
    )
    _replace(kvm, step.sptep, sp)


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
