"""Counters, each compared with what it counts."""

from collections import Counter
from collections.abc import Iterator

from ..kvm.slots.memslot import LARGE_LEVELS, MemSlot
from ..kvm.state.address import gfn_to_index
from ..kvm.state.constants import PT64_ROOT_LEVEL
from ..kvm.state.page import ShadowPage
from ..kvm.sync.sync_children import root_pages
from .registry import Kind, invariant
from .snapshot import Snapshot

A = Kind.ACCOUNTING


@invariant("INV-14", "unsync_children is the number of flags set", kind=A)
def children_are_counted(at: Snapshot) -> Iterator[str]:
    """Count the ones of each bitmap."""
    for sp in at.pages:
        flags = sp.unsync_child_bitmap.bit_count()
        if sp.unsync_children != flags:
            yield f"{sp} counts {sp.unsync_children} unsync children and flags {flags}"


@invariant("INV-15", "mmu_unsync is the number of unsync pages", kind=A)
def unsync_is_counted(at: Snapshot) -> Iterator[str]:
    """Count the unsync pages."""
    unsync = sum(sp.unsync for sp in at.pages)
    if at.kvm.stats.mmu_unsync != unsync:
        yield f"mmu_unsync is {at.kvm.stats.mmu_unsync}, and {unsync} pages are unsync"


@invariant("INV-16", "write_count is the misalignment plus the guest tables shadowed", kind=A)
def write_counts(at: Snapshot) -> Iterator[str]:
    """Count afresh, slot by slot, level by level, and compare."""
    for slot in at.kvm.memslots.slots.values():
        expected = expected_write_counts(slot, at.shadows)
        for key in {*expected, *slot.write_count}:
            found = slot.write_count.get(key, 0)
            if found != expected[key]:
                yield (
                    f"write_count of frame {key[1]:#x} at level {key[0]} of slot {slot.id}"
                    f" is {found}, expected {expected[key]}"
                )


def expected_write_counts(slot: MemSlot, shadows: list[ShadowPage]) -> Counter[tuple[int, int]]:
    """Return what ``write_count`` should be, given the pages that shadow guest tables."""
    fresh = MemSlot(slot.id, slot.base_gfn, slot.npages, slot.userspace_addr)
    fresh.inflate_write_counts()
    expected = Counter(fresh.write_count)
    for sp in shadows:
        if sp.gfn in slot:
            for level in LARGE_LEVELS:
                expected[level, gfn_to_index(sp.gfn, slot.base_gfn, level)] += 1
    return expected


@invariant("INV-17", "indirect_shadow_pages is the number of valid indirect pages", kind=A)
def indirect_is_counted(at: Snapshot) -> Iterator[str]:
    """Count them."""
    if at.kvm.indirect_shadow_pages != len(at.shadows):
        yield (
            f"indirect_shadow_pages is {at.kvm.indirect_shadow_pages},"
            f" and {len(at.shadows)} pages shadow guest tables"
        )


@invariant("INV-18", "n_used_mmu_pages is the length of the active list", kind=A)
def used_is_counted(at: Snapshot) -> Iterator[str]:
    """Compare the two."""
    if at.kvm.n_used_mmu_pages != len(at.kvm.active_mmu_pages):
        active = len(at.kvm.active_mmu_pages)
        yield f"n_used_mmu_pages is {at.kvm.n_used_mmu_pages}, and {active} pages are active"


@invariant("INV-19", "root_count is the number of roots that hold the page", kind=A)
def roots_are_counted(at: Snapshot) -> Iterator[str]:
    """Collect the roots of all vCPUs, kept ones included."""
    held = Counter(sp for vcpu in at.kvm.vcpus for sp in root_pages(vcpu))
    for vcpu in at.kvm.vcpus:
        for _, root in vcpu.mmu.prev_roots if vcpu.mmu.shadow_root_level == PT64_ROOT_LEVEL else ():
            held[at.kvm.page_header(root)] += 1
    for sp in {*at.pages, *held}:
        if sp.root_count != held[sp]:
            yield f"{sp} has root_count {sp.root_count}, and {held[sp]} roots hold it"
