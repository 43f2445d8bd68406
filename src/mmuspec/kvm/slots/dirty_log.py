"""Logging which guest frames are written.

Source: kvm_mmu_slot_remove_write_access(), kvm_mmu_write_protect_pt_masked(),
kvm_vm_ioctl_get_dirty_log() (v3.11).
"""

from ..faults.large_pages import max_mapping_level
from ..rmaps.pte_list import pte_list_iterate
from ..rmaps.rmap import drop_spte
from ..sptes.spte import spte_to_pfn
from ..sptes.write_protect import write_protect_rmapp
from ..state.constants import KVM_NR_PAGE_SIZES, PT_PAGE_TABLE_LEVEL
from ..state.errors import SlotError
from ..state.flush import kvm_flush_remote_tlbs
from ..state.vm import Kvm
from .memslot import MemSlot


def kvm_mmu_slot_remove_write_access(kvm: Kvm, slot: MemSlot) -> None:
    """Make every mapping of the slot read-only; the first write to each frame will fault.

    Large mappings are dropped, so that the log stays exact.
    """
    with kvm.mmu_lock():
        for level in range(1, KVM_NR_PAGE_SIZES + 1):
            for rmapp in list(slot.rmaps(level, slot.base_gfn, slot.end_gfn - 1)):
                write_protect_rmapp(kvm, rmapp, pt_protect=False)
                if kvm.mmu_lock.contended():
                    kvm_flush_remote_tlbs(kvm)
                    kvm.mmu_lock.cond_resched_lock()
        kvm_flush_remote_tlbs(kvm)


def kvm_mmu_zap_collapsible_sptes(kvm: Kvm, slot: MemSlot) -> None:
    """Zap the small sptes of direct pages that could be large, now that logging has ended.

    Source: kvm_mmu_zap_collapsible_sptes() (first in 4.x; v6.1).
    """
    flush = False
    with kvm.mmu_lock():
        for rmapp in list(slot.rmaps(PT_PAGE_TABLE_LEVEL, slot.base_gfn, slot.end_gfn - 1)):
            for sptep in list(pte_list_iterate(kvm.descs, rmapp)):
                if _collapsible(kvm, sptep):
                    drop_spte(kvm, sptep)
                    flush = True
        if flush:
            kvm_flush_remote_tlbs(kvm)


def _collapsible(kvm: Kvm, sptep: int) -> bool:
    """Whether the frame of *sptep*, in a direct page, lies in a huge page that may be mapped."""
    sp = kvm.page_header(sptep)
    if not sp.role.direct:
        return False
    if kvm.epoch.collapsible_by_host_page:
        return spte_to_pfn(kvm.spte_at(sptep)) in kvm.host.compound
    return sp.role.level < max_mapping_level(kvm, sp.gfn)


def kvm_vm_ioctl_get_dirty_log(kvm: Kvm, slot_id: int) -> set[int]:
    """Return the frames written since the last call, and start a new log.

    For each frame: take the bit, take W away, flush, and only then report.  A
    write through a stale TLB entry in between is covered by the bit taken.

    :raises SlotError: the slot does not exist or is not logged
    """
    slot = kvm.memslots.slots.get(slot_id)
    if slot is None or not slot.log_dirty:
        raise SlotError(f"slot {slot_id} has no dirty log")
    if kvm.manual_dirty_log:
        return set(slot.dirty_bitmap)
    with kvm.mmu_lock():
        snapshot, slot.dirty_bitmap = slot.dirty_bitmap, set()
        for gfn in sorted(snapshot):
            kvm_mmu_write_protect_gfn(kvm, slot, gfn)
        if snapshot:
            kvm_flush_remote_tlbs(kvm)
    for observer in kvm.observers:
        observer.log_taken(slot, snapshot)
    return snapshot


def kvm_vm_ioctl_clear_dirty_log(kvm: Kvm, slot_id: int, gfns: set[int]) -> None:
    """Forget that *gfns* were written, and notice the next write to each (since v5.0).

    :raises SlotError: the slot does not exist or is not logged
    """
    slot = kvm.memslots.slots.get(slot_id)
    if slot is None or not slot.log_dirty:
        raise SlotError(f"slot {slot_id} has no dirty log")
    with kvm.mmu_lock():
        cleared = slot.dirty_bitmap & gfns
        slot.dirty_bitmap -= cleared
        for gfn in sorted(cleared):
            kvm_mmu_write_protect_gfn(kvm, slot, gfn)
        if cleared:
            kvm_flush_remote_tlbs(kvm)


def kvm_mmu_write_protect_gfn(kvm: Kvm, slot: MemSlot, gfn: int) -> bool:
    """Take W from the 4 KiB mappings of *gfn*; H and M stay, so a fault can be fast."""
    rmapp = slot.gfn_to_rmap(gfn, PT_PAGE_TABLE_LEVEL)
    return write_protect_rmapp(kvm, rmapp, pt_protect=False)
