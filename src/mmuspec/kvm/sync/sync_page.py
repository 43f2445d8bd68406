"""Reading a leaf guest table again and correcting its shadow.

Source: FNAME(sync_page) (v3.11).
"""

from ..faults.mmio import sync_mmio_spte
from ..faults.pfn import Pfn
from ..faults.prefetch import level1_sp_gpa, prefetch_invalid_gpte
from ..guest.memory import kvm_read_guest
from ..guest.permissions import gpte_access, protect_clean_gpte
from ..guest.walk_addr import gpte_to_gfn
from ..rmaps.rmap import drop_spte
from ..sptes.set_spte import set_spte
from ..sptes.spte import spte_to_pfn
from ..state.constants import PT_PAGE_TABLE_LEVEL
from ..state.flush import kvm_flush_remote_tlbs
from ..state.page import ShadowPage
from ..state.vcpu import Vcpu
from ..state.vm import Kvm


def paging_sync_page(vcpu: Vcpu, sp: ShadowPage) -> int:
    """Correct every spte of *sp* by the guest entry behind it.

    :returns: non-zero if the page should be zapped: its table cannot be read,
        or nothing in it is present any more
    """
    base, size = level1_sp_gpa(vcpu, sp), vcpu.mmu.guest_mode.entry_size
    if vcpu.kvm.memslots.visible(sp.gfn) is None:
        return 1
    present = 0
    for index, spte in enumerate(sp.spt):
        if spte:
            gpte = kvm_read_guest(vcpu.kvm, base + index * size, size)
            present += _sync_spte(vcpu, sp, index, gpte)
    return int(present == 0 and not vcpu.kvm.epoch.keeps_empty_synced_pages)


def _sync_spte(vcpu: Vcpu, sp: ShadowPage, index: int, gpte: int) -> bool:
    """Correct one spte; return whether it still stands for something."""
    kvm, sptep = vcpu.kvm, sp.sptep(index)
    if prefetch_invalid_gpte(vcpu, sptep, gpte):
        _note_dropped(kvm)
        return False
    gfn = gpte_to_gfn(vcpu.mmu.guest_mode, gpte, PT_PAGE_TABLE_LEVEL)
    access = protect_clean_gpte(sp.role.access & gpte_access(gpte), gpte)
    if sync_mmio_spte(kvm, sptep, gfn, access):
        return kvm.masks.is_mmio_spte(kvm.spte_at(sptep))
    if gfn != sp.gfn_of(index):
        drop_spte(kvm, sptep)
        _note_dropped(kvm)
        return False
    old = sp.spt[index]
    pfn = Pfn(spte_to_pfn(old), writable=bool(old & kvm.masks.host_writeable))
    set_spte(vcpu, sptep, access, PT_PAGE_TABLE_LEVEL, gfn, pfn, speculative=True, can_unsync=False)
    return True


def _note_dropped(kvm: Kvm) -> None:
    """Remember that other CPUs' TLBs may still have what was dropped.

    The guest owes no flush yet; ``tlbs_dirty`` tells a later notifier to flush
    even so.  It does not tell a later write protection, which finds no spte and
    does not flush [BUG-11].
    """
    if kvm.has("BUG-11"):
        kvm.tlbs_dirty += 1
    else:
        kvm_flush_remote_tlbs(kvm)


def nonpaging_sync_page(vcpu: Vcpu, sp: ShadowPage) -> int:
    """Direct pages shadow no table; one that claims to be unsync must go."""
    return 1
