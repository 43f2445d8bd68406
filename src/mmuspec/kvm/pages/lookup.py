"""Finding the shadow page for a guest table, or making one.

Source: kvm_mmu_get_page(), kvm_mmu_alloc_page(), link_shadow_page(),
kvm_mmu_put_page() (v3.11).
"""

from ...x86.entry import PAGE_SHIFT
from ..faults.large_pages import account_shadowed
from ..rmaps.rmap import mmu_page_add_parent_pte, mmu_page_remove_parent_pte
from ..sptes.spte import PT_PRESENT_MASK, PT_WRITABLE_MASK
from ..sptes.store import mmu_spte_set
from ..sptes.write_protect import rmap_write_protect
from ..state.constants import PT32_ROOT_LEVEL, PT_PAGE_TABLE_LEVEL
from ..state.flush import kvm_flush_remote_tlbs
from ..state.page import ShadowPage
from ..state.requests import Request
from ..state.role import Role
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from ..sync.sync_children import kvm_sync_page_transient, kvm_sync_pages
from ..sync.unsync import kvm_mmu_mark_parents_unsync
from .report import trace_get_page
from .zap import is_obsolete_sp, kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page


def page_role(vcpu: Vcpu, gaddr: int, level: int, *, direct: bool, access: int) -> Role:
    """Return the role of the page that translates *gaddr* at *level*.

    A guest table of 1024 4-byte entries needs several shadow pages; the
    quadrant says which part of it this one shadows.
    """
    mmu = vcpu.mmu
    role = mmu.base_role.with_(level=level, direct=direct, access=access)
    if direct and (fixed := vcpu.kvm.epoch.direct_role_cr4_pae) is not None:
        role = role.with_(cr4_pae=fixed)
    if not mmu.direct_map and mmu.root_level == PT32_ROOT_LEVEL:
        quadrant = gaddr >> (PAGE_SHIFT + 9 * level) & ((1 << level) - 1)
        role = role.with_(quadrant=quadrant)
    return role


def kvm_mmu_get_page(
    vcpu: Vcpu,
    gfn: int,
    gaddr: int,
    level: int,
    *,
    direct: bool,
    access: int,
    parent_sptep: int = 0,
) -> ShadowPage:
    """Return the shadow page of *gfn* for this vCPU's role, creating it if need be.

    :param gfn: frame of the guest table, or first frame of a direct page's range
    :param gaddr: an address that the page translates
    :param parent_sptep: address of the spte that will point at the page; 0 for a root
    """
    kvm = vcpu.kvm
    kvm.mmu_lock.assert_held(f"a shadow page of gfn {gfn:#x} is looked up")
    role = page_role(vcpu, gaddr, level, direct=direct, access=access)
    need_sync = False
    for sp in kvm.for_each_gfn_sp(gfn):
        if is_obsolete_sp(kvm, sp):
            continue
        if sp.role != role:
            need_sync |= _other_role(kvm, sp, level)
            continue
        if sp.unsync and kvm_sync_page_transient(vcpu, sp):
            break
        return _reuse(vcpu, sp, parent_sptep)
    return _create(vcpu, gfn, role, parent_sptep, need_sync=need_sync)


def _other_role(kvm: Kvm, sp: ShadowPage, level: int) -> bool:
    """Meet a page of the same gfn with another role; return whether it is unsync.

    An unsync page means that the gfn is writable, which a page above level 1
    cannot stand: it will be synchronized, or since v5.15 is zapped here.
    """
    if level > PT_PAGE_TABLE_LEVEL and sp.unsync and kvm.epoch.zaps_unsync_at_lookup:
        invalid_list: list[ShadowPage] = []
        kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)
        return False
    return sp.unsync


def _reuse(vcpu: Vcpu, sp: ShadowPage, parent_sptep: int) -> ShadowPage:
    """Give *sp* one more parent; it is in use, so it is not being flooded."""
    kvm = vcpu.kvm
    if kvm.epoch.registers_parent_at_lookup:
        mmu_page_add_parent_pte(kvm, sp, parent_sptep)
    if sp.unsync_children:
        if not kvm.epoch.syncs_before_linking:
            vcpu.make_request(Request.MMU_SYNC)
        kvm_mmu_mark_parents_unsync(kvm, sp)
    elif sp.unsync:
        kvm_mmu_mark_parents_unsync(kvm, sp)
    sp.write_flooding_count = 0
    trace_get_page(kvm, sp, created=False)
    return sp


def _create(vcpu: Vcpu, gfn: int, role: Role, parent_sptep: int, *, need_sync: bool) -> ShadowPage:
    """Make a page, and keep the guest from changing the table that it shadows."""
    kvm = vcpu.kvm
    kvm.stats.mmu_cache_miss += 1
    sp = kvm_mmu_alloc_page(kvm, gfn, role)
    if kvm.epoch.registers_parent_at_lookup:
        mmu_page_add_parent_pte(kvm, sp, parent_sptep)
    kvm.hash_add(sp)
    if not role.direct:
        if rmap_write_protect(kvm, gfn):
            kvm_flush_remote_tlbs(kvm)
        if role.level > PT_PAGE_TABLE_LEVEL and need_sync:
            kvm_sync_pages(vcpu, gfn)
        account_shadowed(kvm, sp)
    sp.mmu_valid_gen = kvm.mmu_valid_gen
    trace_get_page(kvm, sp, created=True)
    return sp


def kvm_mmu_alloc_page(kvm: Kvm, gfn: int, role: Role) -> ShadowPage:
    """Return a new page of 512 zero sptes at the head of the active list."""
    hpa, words = kvm.host.alloc_table()
    gfns = None if role.direct else [0] * len(words)
    sp = ShadowPage(gfn=gfn, role=role, spt=words, hpa=hpa, gfns=gfns)
    kvm.host.page_private[hpa >> PAGE_SHIFT] = sp
    kvm.active_mmu_pages[sp] = None
    kvm.n_used_mmu_pages += 1
    return sp


def link_shadow_page(kvm: Kvm, sptep: int, sp: ShadowPage) -> None:
    """Make the spte at *sptep* point at *sp*, with every permission.

    What may really be done is in the page's role and in the leaf.
    """
    masks = kvm.masks
    spte = sp.hpa | PT_PRESENT_MASK | PT_WRITABLE_MASK | masks.mmu_present
    mmu_spte_set(kvm, sptep, spte | masks.user | masks.x | masks.accessed)
    if not kvm.epoch.registers_parent_at_lookup:
        mmu_page_add_parent_pte(kvm, sp, sptep)
        if sp.unsync or sp.unsync_children:
            kvm_mmu_mark_parents_unsync(kvm, sp)


def kvm_mmu_put_page(kvm: Kvm, sp: ShadowPage, parent_sptep: int) -> None:
    """Undo the link that a lookup registered, when it will not be made after all."""
    if kvm.epoch.registers_parent_at_lookup:
        mmu_page_remove_parent_pte(kvm, sp, parent_sptep)
