"""Reverse maps: from a guest frame to the sptes that map it, from a page to its parents.

Source: rmap_add(), rmap_remove(), drop_spte(), drop_large_spte(),
mmu_page_add_parent_pte(), drop_parent_pte(), rmap_recycle() (v3.11).
"""

from collections.abc import Iterator

from ..sptes.spte import is_large_pte
from ..sptes.store import mmu_spte_clear_no_track, mmu_spte_clear_track_bits
from ..state.constants import KVM_NR_PAGE_SIZES, RMAP_RECYCLE_THRESHOLD
from ..state.errors import SlotError
from ..state.flush import kvm_flush_remote_tlbs
from ..state.page import ShadowPage
from ..state.vm import Kvm
from .pte_list import PteList, pte_list_add, pte_list_first, pte_list_iterate, pte_list_remove


def gfn_to_rmap(kvm: Kvm, gfn: int, level: int) -> PteList:
    """Return the reverse map of *gfn* at *level*.

    :raises SlotError: no memory slot holds *gfn*
    """
    slot = kvm.memslots.gfn_to_memslot(gfn)
    if slot is None:
        raise SlotError(f"gfn {gfn:#x} is in no memory slot, so it has no reverse map")
    return slot.gfn_to_rmap(gfn, level)


def rmap_add(kvm: Kvm, sptep: int, gfn: int) -> int:
    """Note that the spte at *sptep* maps *gfn*; return how many entries there were."""
    sp = kvm.page_header(sptep)
    if sp.gfns is not None:
        sp.gfns[sp.index_of(sptep)] = gfn
    count = pte_list_add(kvm.descs, gfn_to_rmap(kvm, gfn, sp.role.level), sptep)
    kvm.stats.count_leaf(sp.role.level, 1)
    kvm.stats.max_mmu_rmap_size = max(kvm.stats.max_mmu_rmap_size, count)
    return count


def rmap_remove(kvm: Kvm, sptep: int) -> None:
    """Forget that the spte at *sptep* maps its gfn."""
    sp = kvm.page_header(sptep)
    gfn = sp.gfn_of(sp.index_of(sptep))
    pte_list_remove(kvm.descs, gfn_to_rmap(kvm, gfn, sp.role.level), sptep)
    kvm.stats.count_leaf(sp.role.level, -1)


def rmap_entries(kvm: Kvm, gfn: int) -> Iterator[int]:
    """Yield the address of every spte that maps *gfn*, at every level."""
    for level in range(1, KVM_NR_PAGE_SIZES + 1):
        yield from list(pte_list_iterate(kvm.descs, gfn_to_rmap(kvm, gfn, level)))


def drop_spte(kvm: Kvm, sptep: int) -> None:
    """Clear a leaf spte and take it out of its reverse map."""
    if mmu_spte_clear_track_bits(kvm, sptep):
        rmap_remove(kvm, sptep)


def drop_large_spte_no_flush(kvm: Kvm, sptep: int) -> bool:
    """Drop *sptep* if it is large; return whether it was (``__drop_large_spte``)."""
    if not is_large_pte(kvm.spte_at(sptep)):
        return False
    drop_spte(kvm, sptep)
    kvm.stats.largepages -= 1
    return True


def drop_large_spte(kvm: Kvm, sptep: int) -> None:
    """Drop *sptep* if it is large, and flush."""
    if drop_large_spte_no_flush(kvm, sptep):
        kvm_flush_remote_tlbs(kvm)


def mmu_page_add_parent_pte(kvm: Kvm, sp: ShadowPage, parent_sptep: int) -> None:
    """Note that the spte at *parent_sptep* points at *sp*; 0 means no parent."""
    if parent_sptep:
        pte_list_add(kvm.descs, sp.parent_ptes, parent_sptep)


def mmu_page_remove_parent_pte(kvm: Kvm, sp: ShadowPage, parent_sptep: int) -> None:
    """Forget that link."""
    pte_list_remove(kvm.descs, sp.parent_ptes, parent_sptep)


def drop_parent_pte(kvm: Kvm, sp: ShadowPage, parent_sptep: int) -> None:
    """Unlink *sp* from the spte at *parent_sptep*."""
    mmu_page_remove_parent_pte(kvm, sp, parent_sptep)
    mmu_spte_clear_no_track(kvm, parent_sptep)


def parent_sptes(kvm: Kvm, sp: ShadowPage) -> list[int]:
    """Return the address of every spte that points at *sp*."""
    return list(pte_list_iterate(kvm.descs, sp.parent_ptes))


def kvm_unmap_rmapp(kvm: Kvm, rmapp: PteList) -> bool:
    """Drop every spte in *rmapp*; return whether there was one.

    The large-page statistic is not adjusted [QUIRK-2].
    """
    dropped = False
    while sptep := pte_list_first(kvm.descs, rmapp):
        _uncount_large(kvm, sptep)
        drop_spte(kvm, sptep)
        dropped = True
    return dropped


def rmap_recycle(kvm: Kvm, sptep: int, gfn: int, count: int) -> None:
    """Empty the reverse map of *gfn* when an add reported too many entries.

    The entry just added goes too, so that its access faults again [QUIRK-5].
    """
    if count <= RMAP_RECYCLE_THRESHOLD:
        return
    rmapp = gfn_to_rmap(kvm, gfn, kvm.page_header(sptep).role.level)
    if kvm.has("QUIRK-5"):
        kvm_unmap_rmapp(kvm, rmapp)
    else:
        for old in _others(kvm, rmapp, sptep):
            drop_spte(kvm, old)
    kvm_flush_remote_tlbs(kvm)


def _others(kvm: Kvm, rmapp: PteList, sptep: int) -> list[int]:
    """Return the entries of *rmapp* except *sptep*."""
    return [other for other in pte_list_iterate(kvm.descs, rmapp) if other != sptep]


def _uncount_large(kvm: Kvm, sptep: int) -> None:
    """Keep the large-page statistic exact where QUIRK-2 is repaired."""
    if not kvm.has("QUIRK-2") and is_large_pte(kvm.spte_at(sptep)):
        kvm.stats.largepages -= 1
