"""Taking write permission away, for shadowing or for dirty logging.

Source: spte_write_protect(), __rmap_write_protect(), rmap_write_protect() (v3.11).
"""

from ..rmaps.pte_list import PteList, pte_list_iterate
from ..rmaps.rmap import drop_large_spte_no_flush, gfn_to_rmap
from ..state.constants import KVM_NR_PAGE_SIZES
from ..state.vm import Kvm
from .spte import PT_WRITABLE_MASK, is_large_pte, is_writable_pte
from .store import mmu_spte_update


def spte_write_protect(kvm: Kvm, sptep: int, *, pt_protect: bool) -> bool:
    """Make one spte read-only; return whether a flush is owed.

    :param pt_protect: because the frame is a shadowed guest table: the fast
        path must not give the permission back, so SPTE_MMU_WRITEABLE goes too.
        For dirty logging it stays.
    """
    spte = kvm.spte_at(sptep)
    lockless = pt_protect and kvm.masks.spte_is_locklessly_modifiable(spte)
    if not is_writable_pte(spte) and not lockless:
        return False
    if is_large_pte(spte) and kvm.epoch.write_protect_drops_large:
        return drop_large_spte_no_flush(kvm, sptep)
    if pt_protect:
        spte &= ~kvm.masks.mmu_writeable
    return mmu_spte_update(kvm, sptep, spte & ~PT_WRITABLE_MASK)


def write_protect_rmapp(kvm: Kvm, rmapp: PteList, *, pt_protect: bool) -> bool:
    """Make every spte in *rmapp* read-only (``__rmap_write_protect``)."""
    flush = False
    for sptep in list(pte_list_iterate(kvm.descs, rmapp)):
        flush |= spte_write_protect(kvm, sptep, pt_protect=pt_protect)
    return flush


def rmap_write_protect(kvm: Kvm, gfn: int) -> bool:
    """Make the guest table in *gfn* read-only at every level; return whether a flush is owed."""
    flush = False
    for level in range(1, KVM_NR_PAGE_SIZES + 1):
        flush |= write_protect_rmapp(kvm, gfn_to_rmap(kvm, gfn, level), pt_protect=True)
    return flush
