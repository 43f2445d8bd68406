"""Changing memory slots.

Source: __kvm_set_memory_region(), install_new_memslots(),
kvm_arch_commit_memory_region(), kvm_arch_flush_shadow_memslot() (v3.11).
"""

from enum import Enum

from ...epochs import ZapGeneration
from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ..pages.recycle import kvm_mmu_calculate_mmu_pages, kvm_mmu_change_mmu_pages
from ..pages.zap_all import (
    kvm_mmu_invalidate_mmio_sptes,
    kvm_mmu_invalidate_zap_all_pages,
    kvm_mmu_zap_all,
    kvm_mmu_zap_mmio_sptes,
)
from ..state.constants import (
    KVM_MEM_READONLY,
    KVM_MEMSLOT_INVALID,
    KVM_MIN_ALLOC_MMU_PAGES,
)
from ..state.errors import SlotError
from ..state.vm import Kvm
from .dirty_log import kvm_mmu_slot_remove_write_access, kvm_mmu_zap_collapsible_sptes
from .memslot import MemSlot


class Change(Enum):
    """``enum kvm_mr_change``: what an update does to a slot."""

    CREATE = "create"
    DELETE = "delete"
    MOVE = "move"
    FLAGS_ONLY = "flags"


def kvm_set_memory_region(
    kvm: Kvm, slot_id: int, gpa: int, size: int, userspace_addr: int = 0, flags: int = 0
) -> Change | None:
    """Create, delete, move or re-flag slot *slot_id*.

    :param gpa: guest-physical address of the first byte
    :param size: bytes; 0 deletes
    :param userspace_addr: host-virtual address of the first byte
    :returns: what was done, or None if nothing changes
    :raises SlotError: misaligned, overlapping, or not a legal change
    """
    old = kvm.memslots.slots.get(slot_id)
    _check_alignment(gpa, size, userspace_addr)
    new = MemSlot(slot_id, gpa >> PAGE_SHIFT, size >> PAGE_SHIFT, userspace_addr, flags)
    change = _classify(slot_id, old, new)
    if change in (Change.CREATE, Change.MOVE):
        _check_overlap(kvm, new)
    if old and change in (Change.DELETE, Change.MOVE):
        _flush_out(kvm, old)
    if change:
        _install(kvm, change, old, new)
        kvm_arch_commit_memory_region(kvm, change, new)
    return change


def _check_alignment(gpa: int, size: int, userspace_addr: int) -> None:
    for name, value in (("gpa", gpa), ("size", size), ("userspace_addr", userspace_addr)):
        if value & PAGE_MASK or value < 0:
            raise SlotError(f"{name} {value:#x} is not a multiple of {PAGE_MASK + 1:#x}")


def _classify(slot_id: int, old: MemSlot | None, new: MemSlot) -> Change | None:
    """Return what turning *old* into *new* means."""
    if old is None:
        if not new.npages:
            raise SlotError(f"slot {slot_id} does not exist, so it cannot be deleted")
        return Change.CREATE
    if not new.npages:
        return Change.DELETE
    fixed = new.npages == old.npages and new.userspace_addr == old.userspace_addr
    if not fixed or (new.flags ^ old.flags) & KVM_MEM_READONLY:
        raise SlotError(f"slot {slot_id} exists: its size, hva and read-only flag cannot change")
    if new.base_gfn != old.base_gfn:
        return Change.MOVE
    return Change.FLAGS_ONLY if new.flags != old.flags else None


def _check_overlap(kvm: Kvm, new: MemSlot) -> None:
    for other in kvm.memslots.slots.values():
        apart = new.end_gfn <= other.base_gfn or other.end_gfn <= new.base_gfn
        if other.id != new.id and not apart:
            raise SlotError(f"slot {new.id} overlaps slot {other.id}")


def _flush_out(kvm: Kvm, old: MemSlot) -> None:
    """Hide the slot, then zap all shadow pages: some of them map it."""
    old.flags |= KVM_MEMSLOT_INVALID
    install_new_memslots(kvm)
    kvm_arch_flush_shadow_memslot(kvm)


def install_new_memslots(kvm: Kvm) -> None:
    """Publish an arrangement of slots under a new generation."""
    kvm.memslots.generation += kvm.epoch.slots_generation_step


def kvm_arch_flush_shadow_memslot(kvm: Kvm) -> None:
    """Zap everything, by generation where the kernel has one."""
    if kvm.epoch.zap_generation is ZapGeneration.NONE:
        kvm_mmu_zap_all(kvm)
    else:
        kvm_mmu_invalidate_zap_all_pages(kvm)


def _install(kvm: Kvm, change: Change, old: MemSlot | None, new: MemSlot) -> None:
    """Put the final slot in place; a slot that only changes flags keeps its arrays."""
    slots = kvm.memslots.slots
    if change is Change.DELETE:
        del slots[new.id]
    elif change is Change.FLAGS_ONLY and old:
        if not new.log_dirty:
            old.dirty_bitmap.clear()
        old.flags = new.flags
        if new.log_dirty and kvm.dirty_log_initially_set:
            old.dirty_bitmap.update(range(old.base_gfn, old.end_gfn))
    else:
        new.inflate_write_counts()
        slots[new.id] = new
    install_new_memslots(kvm)


def kvm_arch_commit_memory_region(kvm: Kvm, change: Change, new: MemSlot) -> None:
    """Adjust the budget, start dirty logging, and look at the MMIO generation."""
    if not kvm.n_requested_mmu_pages:
        kvm_mmu_change_mmu_pages(kvm, kvm_mmu_calculate_mmu_pages(kvm))
    if change is not Change.DELETE and new.log_dirty:
        if not kvm.dirty_log_initially_set:
            kvm_mmu_slot_remove_write_access(kvm, kvm.memslots.slots[new.id])
    elif change is Change.FLAGS_ONLY and kvm.epoch.zaps_collapsible and not new.read_only:
        kvm_mmu_zap_collapsible_sptes(kvm, kvm.memslots.slots[new.id])
    if kvm.epoch.zap_generation is not ZapGeneration.NONE:
        kvm_mmu_invalidate_mmio_sptes(kvm)
    elif change in (Change.CREATE, Change.MOVE):
        kvm_mmu_zap_mmio_sptes(kvm)


def kvm_vm_ioctl_set_nr_mmu_pages(kvm: Kvm, pages: int) -> None:
    """Set the budget of shadow pages for good (``KVM_SET_NR_MMU_PAGES``).

    :raises SlotError: fewer than the kernel's minimum of 64
    """
    if pages < KVM_MIN_ALLOC_MMU_PAGES:
        raise SlotError(f"{pages} shadow pages asked for; at least {KVM_MIN_ALLOC_MMU_PAGES}")
    kvm_mmu_change_mmu_pages(kvm, pages)
    kvm.n_requested_mmu_pages = pages
