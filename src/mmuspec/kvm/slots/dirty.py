"""Marking guest frames dirty (``mark_page_dirty()``, v3.11)."""

from ..state.vm import Kvm


def mark_page_dirty(kvm: Kvm, gfn: int) -> None:
    """Set the bit of *gfn* in its slot's dirty bitmap, if the slot is logged."""
    slot = kvm.memslots.gfn_to_memslot(gfn)
    if slot and slot.log_dirty:
        slot.dirty_bitmap.add(gfn)
