"""How large a page may be mapped.

Source: mapping_level(), has_wrprotected_page(), account_shadowed(),
transparent_hugepage_adjust() (v3.11).
"""

from ..slots.memslot import LARGE_LEVELS, MemSlot
from ..state.address import gfn_to_lpage_base
from ..state.constants import PT_DIRECTORY_LEVEL, PT_PAGE_TABLE_LEVEL, PT_PDPE_LEVEL
from ..state.errors import SlotError
from ..state.page import ShadowPage
from ..state.vm import Kvm


def _slot(kvm: Kvm, gfn: int) -> MemSlot:
    slot = kvm.memslots.gfn_to_memslot(gfn)
    if slot is None:
        raise SlotError(f"gfn {gfn:#x} is in no memory slot")
    return slot


def account_shadowed(kvm: Kvm, sp: ShadowPage) -> None:
    """Note that one more page shadows the guest table that *sp* is for."""
    _account(kvm, sp, 1)


def unaccount_shadowed(kvm: Kvm, sp: ShadowPage) -> None:
    """Note that one page less shadows the guest table that *sp* was for."""
    _account(kvm, sp, -1)


def _account(kvm: Kvm, sp: ShadowPage, change: int) -> None:
    slot = _slot(kvm, sp.gfn)
    for level in LARGE_LEVELS:
        slot.write_count[slot.lpage_key(sp.gfn, level)] += change
    if kvm.epoch.tracks_writes and sp.role.level > PT_PAGE_TABLE_LEVEL:
        slot.write_tracked[sp.gfn] += change
    kvm.indirect_shadow_pages += change


def is_write_tracked(kvm: Kvm, gfn: int) -> bool:
    """Whether *gfn* holds an upper-level table (``kvm_slot_page_track_is_active``)."""
    slot = kvm.memslots.visible(gfn)
    return slot is not None and slot.write_tracked[gfn] > 0


def has_wrprotected_page(kvm: Kvm, gfn: int, level: int) -> bool:
    """Whether something inside the page of *level* around *gfn* forbids mapping it large."""
    slot = kvm.memslots.gfn_to_memslot(gfn)
    return slot is None or slot.write_count[slot.lpage_key(gfn, level)] > 0


def mapping_level(kvm: Kvm, gfn: int) -> int:
    """Return the largest level at which *gfn* may be mapped, by the host's huge page."""
    slot = kvm.memslots.visible(gfn)
    if slot is None:
        return PT_PAGE_TABLE_LEVEL
    host_level = kvm.host.host_page_level(slot.hva(gfn))
    allowed = PT_PAGE_TABLE_LEVEL
    for level in range(PT_DIRECTORY_LEVEL, min(host_level, PT_PDPE_LEVEL) + 1):
        if has_wrprotected_page(kvm, gfn, level):
            break
        allowed = level
    return allowed


def max_mapping_level(kvm: Kvm, gfn: int) -> int:
    """Return the largest level at which *gfn* could be mapped, transparent huge pages too."""
    slot = kvm.memslots.visible(gfn)
    if slot is None:
        return PT_PAGE_TABLE_LEVEL
    page = kvm.host.ptes.get(slot.hva(gfn))
    transparent = page is not None and page.pfn in kvm.host.transparent_huge
    if transparent and not has_wrprotected_page(kvm, gfn, PT_DIRECTORY_LEVEL):
        return PT_DIRECTORY_LEVEL
    return mapping_level(kvm, gfn)


def forces_small_pages(kvm: Kvm, gfn: int) -> bool:
    """Whether the slot of *gfn* rules out large pages (``mapping_level_dirty_bitmap``)."""
    slot = kvm.memslots.visible(gfn)
    return slot is None or slot.log_dirty


def transparent_hugepage_adjust(kvm: Kvm, gfn: int, pfn: int, level: int) -> tuple[int, int, int]:
    """Return (gfn, pfn, level), widened to 2 MiB inside a transparent huge page.

    Runs under ``mmu_lock`` after the notifier check, so that the huge page
    cannot be split meanwhile.
    """
    widen = (
        level == PT_PAGE_TABLE_LEVEL
        and pfn in kvm.host.transparent_huge
        and not has_wrprotected_page(kvm, gfn, PT_DIRECTORY_LEVEL)
    )
    if not widen:
        return gfn, pfn, level
    base = gfn_to_lpage_base(gfn, PT_DIRECTORY_LEVEL)
    return base, pfn - (gfn - base), PT_DIRECTORY_LEVEL
