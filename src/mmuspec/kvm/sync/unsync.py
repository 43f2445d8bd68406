"""Letting a leaf table go out of sync, and finding such tables again.

Source: mark_unsync(), kvm_mmu_mark_parents_unsync(), kvm_unsync_pages(),
mmu_need_write_protect(), mmu_unsync_walk() (v3.11).
"""

from dataclasses import dataclass, field

from ..pages.report import trace_unsync_page
from ..rmaps.rmap import parent_sptes
from ..sptes.spte import is_large_pte
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import KVM_PAGE_ARRAY_NR, PT_PAGE_TABLE_LEVEL
from ..state.page import ShadowPage
from ..state.vm import Kvm


def kvm_mmu_mark_parents_unsync(kvm: Kvm, sp: ShadowPage) -> None:
    """Tell every page above *sp* that something below it is unsync."""
    for sptep in parent_sptes(kvm, sp):
        _mark_unsync(kvm, sptep)


def _mark_unsync(kvm: Kvm, sptep: int) -> None:
    """Flag one parent spte; go on upwards where the parent had no flag yet."""
    sp = kvm.page_header(sptep)
    bit = 1 << sp.index_of(sptep)
    if sp.unsync_child_bitmap & bit:
        return
    sp.unsync_child_bitmap |= bit
    sp.unsync_children += 1
    if sp.unsync_children == 1:
        kvm_mmu_mark_parents_unsync(kvm, sp)


def clear_unsync_child_bit(sp: ShadowPage, index: int) -> None:
    """Take back the flag of spte *index*."""
    sp.unsync_children -= 1
    sp.unsync_child_bitmap &= ~(1 << index)


def kvm_unsync_page(kvm: Kvm, sp: ShadowPage) -> None:
    """Let *sp* go out of sync (``__kvm_unsync_page``)."""
    trace_unsync_page(kvm, sp)
    kvm.stats.mmu_unsync += 1
    sp.unsync = True
    kvm_mmu_mark_parents_unsync(kvm, sp)


def mmu_need_write_protect(
    kvm: Kvm, gfn: int, *, can_unsync: bool, speculative: bool = False
) -> bool:
    """Whether a new spte for *gfn* must be read-only because *gfn* is a shadowed table.

    Only leaf tables may go unsync instead; a page already unsync asks for nothing.

    :param can_unsync: a leaf table in *gfn* may go unsync now
    :param speculative: nobody has asked for the mapping: since v5.15 that is no
        reason to let a table go unsync
    """
    to_unsync = []
    for sp in kvm.for_each_gfn_indirect_valid_sp(gfn):
        if not can_unsync:
            return True
        if sp.role.level != PT_PAGE_TABLE_LEVEL:
            return True
        if not sp.unsync:
            if speculative and not kvm.epoch.prefetch_may_unsync:
                return True
            to_unsync.append(sp)
    for sp in to_unsync:
        kvm_unsync_page(kvm, sp)
    return False


@dataclass
class PagePath:
    """An unsync page and the way down to it: (page, index of the spte taken) from the top."""

    sp: ShadowPage
    above: list[tuple[ShadowPage, int]] = field(default_factory=list)


def mmu_unsync_walk(kvm: Kvm, sp: ShadowPage) -> list[PagePath]:
    """Return up to ``KVM_PAGE_ARRAY_NR`` unsync pages below *sp*.

    Flags that lead nowhere are cleared on the way.
    """
    found: list[PagePath] = []
    if sp.unsync_children:
        _unsync_walk(kvm, sp, [], found)
    return found


def _unsync_walk(
    kvm: Kvm, sp: ShadowPage, above: list[tuple[ShadowPage, int]], found: list[PagePath]
) -> bool:
    """Collect below *sp*, depth first; return whether anything unsync is there."""
    any_unsync = False
    for index in _set_bits(sp.unsync_child_bitmap):
        if _entries(found) >= KVM_PAGE_ARRAY_NR:
            return True
        child = _child(kvm, sp.spt[index])
        here = [*above, (sp, index)]
        if child and child.unsync_children and _unsync_walk(kvm, child, here, found):
            any_unsync = True
        elif child and child.unsync:
            any_unsync = True
            if all(path.sp is not child for path in found):
                found.append(PagePath(child, here))
        else:
            clear_unsync_child_bit(sp, index)
    return any_unsync


def _entries(found: list[PagePath]) -> int:
    """Count the places that the kernel's vector would have used."""
    inner = {(sp, index) for path in found for sp, index in path.above}
    return len(found) + len(inner)


def _child(kvm: Kvm, spte: int) -> ShadowPage | None:
    """Return the page that *spte* links, if it links one."""
    if not kvm.masks.is_shadow_present_pte(spte) or is_large_pte(spte):
        return None
    return kvm.page_header(spte & PT64_BASE_ADDR_MASK)


def _set_bits(bitmap: int) -> list[int]:
    """Return the positions of the ones in *bitmap*, lowest first."""
    return [i for i in range(bitmap.bit_length()) if bitmap >> i & 1]
