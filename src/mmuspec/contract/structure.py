"""Lists, links and fields of shadow pages.

The statements are those of the v3.11 model; the functions that keep each are
named where the check is not obvious.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from ..kvm.pages.zap import is_obsolete_sp
from ..kvm.rmaps.pte_list import DESC_TAG
from ..kvm.state.address import gfn_to_index
from ..kvm.state.constants import (
    PT_PAGE_TABLE_LEVEL,
    PT_PDPE_LEVEL,
    RMAP_RECYCLE_THRESHOLD,
    WRITE_FLOODING_LIMIT,
)
from ..kvm.state.page import ShadowPage
from ..kvm.sync.sync_children import root_pages
from .registry import Kind, invariant
from .snapshot import Snapshot, will_flush

S = Kind.STRUCTURE
Links: TypeAlias = Counter[tuple[int, ShadowPage | None]]
"""How often an spte links a page, by its address."""


@invariant("INV-1", "every page is in one hash bucket and in one list", kind=S)
def listed_once(at: Snapshot) -> Iterator[str]:
    """Compare the pages that exist with the hash and with the two lists."""
    buckets, lists = Counter(at.hashed), Counter(at.pages)
    for sp in {*at.kvm.host.page_private.values(), *buckets, *lists}:
        if buckets[sp] != 1:
            yield f"{sp} is in {buckets[sp]} hash buckets, not 1"
        if lists[sp] != 1:
            yield f"{sp} is in {lists[sp]} lists, not 1"
    for bucket, pages in at.kvm.mmu_page_hash.items():
        for sp in pages:
            if bucket != sp.gfn & ((1 << at.kvm.epoch.hash_shift) - 1):
                yield f"{sp} is in bucket {bucket:#x}"


@invariant("INV-2", "one current page at most for a gfn and a role", kind=S)
def unique(at: Snapshot) -> Iterator[str]:
    """Count the pages that a lookup could return for each key."""
    for (gfn, role), count in Counter((sp.gfn, sp.role) for sp in at.current).items():
        if count > 1:
            yield f"{count} current pages have gfn {gfn:#x} and {role}"


@invariant("INV-5", "a link and the child's parent_ptes name each other, once", kind=S)
def parents_know(at: Snapshot) -> Iterator[str]:
    """Collect the links from above and from below."""
    down: Links = Counter((link.sptep, at.child(link)) for link in at.links)
    up: Links = Counter((sptep, sp) for sp, sptes in at.parents.items() for sptep in sptes)
    for sptep, sp in {*down, *up}:
        found, expected = up[sptep, sp], down[sptep, sp]
        if sp is None:
            yield f"the spte at {sptep:#x} links a table that is no shadow page"
        elif found != expected:
            there = "links it" if expected else "does not link it"
            yield f"{sp} lists parent {sptep:#x} {found} times; that spte {there}"


@invariant("INV-6", "a child's level is one less than its parent's", kind=S)
def levels_descend(at: Snapshot) -> Iterator[str]:
    """Compare the two ends of every link."""
    for link in at.links:
        child = at.child(link)
        if child and child.role.level != link.sp.role.level - 1:
            yield f"{link} links {child}: expected level {link.sp.role.level - 1}"


@invariant("INV-7", "a leaf and the reverse map of its gfn name each other, once", kind=S)
def rmaps_know(at: Snapshot) -> Iterator[str]:
    """Look every leaf up in the reverse map that should have it, and back."""
    held = Counter((e.slot.id, e.level, e.place, e.sptep) for e in at.rmap)
    expected = Counter[tuple[int, int, int, int]]()
    for leaf in at.leaves:
        slot, level = at.kvm.memslots.gfn_to_memslot(leaf.gfn), leaf.sp.role.level
        if slot is None:
            yield f"{leaf} maps gfn {leaf.gfn:#x}, which is in no slot and so in no rmap"
            continue
        key = slot.id, level, gfn_to_index(leaf.gfn, slot.base_gfn, level), leaf.sptep
        expected[key] += 1
        if held[key] != 1:
            yield f"{leaf} is {held[key]} times in the rmap of gfn {leaf.gfn:#x}, not once"
    for slot_id, level, index, sptep in held.keys() - expected.keys():
        yield (
            f"rmap {index:#x} at level {level} of slot {slot_id} lists spte {sptep:#x},"
            " which maps no such gfn"
        )


@invariant("INV-8", "an empty or MMIO spte is in no pte_list", kind=S)
def lists_hold_present(at: Snapshot) -> Iterator[str]:
    """Look at what every listed address holds."""
    listed = [e.sptep for e in at.rmap]
    listed += [sptep for sptes in at.parents.values() for sptep in sptes]
    for sptep in listed:
        if at.page_at(sptep) is None:
            yield f"a list names spte {sptep:#x}, which is in no shadow page"
        elif not at.kvm.masks.is_shadow_present_pte(at.kvm.spte_at(sptep)):
            yield f"a list names spte {sptep:#x}, which holds {at.kvm.spte_at(sptep):#x}"


@invariant("INV-9", "a pte_list is empty, one address, or a chain of filled descriptors", kind=S)
def list_form(at: Snapshot) -> Iterator[str]:
    """Follow every chain; descriptors that no chain reaches are lost."""
    descs, reached = at.kvm.descs, Counter[int]()
    for name, head in at.lists():
        if not head.val & DESC_TAG:
            if head.val & 7:
                yield f"{name} is {head.val:#x}, neither an spte address nor a descriptor"
            continue
        for address, desc in descs.chain(head):
            reached[address] += 1
            if not 1 <= len(desc.sptes) <= descs.ext or not all(desc.sptes):
                yield f"descriptor {address:#x} of {name} holds {desc.sptes}"
    for address in {*descs.descs, *reached}:
        if reached[address] != 1:
            yield f"descriptor {address:#x} is in {reached[address]} lists, not 1"


@invariant("INV-10", "a direct page has no gfns, is synced, and starts at its own size", kind=S)
def direct_pages(at: Snapshot) -> Iterator[str]:
    """Check the fields that only indirect pages use."""
    for sp in (sp for sp in at.pages if sp.role.direct):
        if sp.gfns is not None:
            yield f"{sp} has a gfns array"
        if sp.unsync:
            yield f"{sp} is unsync"
        if sp.gfn & ((1 << 9 * sp.role.level) - 1):
            yield f"{sp} does not start at a multiple of 512^{sp.role.level} frames"
        if sp.role.cr4_pae:
            yield f"{sp} has role.cr4_pae"


@invariant("INV-12", "only level-1 indirect pages are unsync", kind=S)
def unsync_pages(at: Snapshot) -> Iterator[str]:
    """Check every unsync page."""
    for sp in at.pages:
        if sp.unsync and (sp.role.level != PT_PAGE_TABLE_LEVEL or sp.role.direct):
            yield f"{sp} is unsync"


@invariant("INV-13", "from an unsync page the flags lead up to every root", kind=S)
def unsync_is_found(at: Snapshot) -> Iterator[str]:
    """Check the flag in each parent; a flag too many is allowed, one too few is not."""
    for sp, sptes in at.parents.items():
        for sptep in sptes if sp.unsync or sp.unsync_children else ():
            parent = at.page_at(sptep)
            if parent and not parent.unsync_child_bitmap >> parent.index_of(sptep) & 1:
                yield f"{sp} is or leads to an unsync page; {parent} has no flag for {sptep:#x}"


@invariant("INV-20", "the active list is ordered by generation, invalid pages aside", kind=S)
def list_is_ordered(at: Snapshot) -> Iterator[str]:
    """Walk from the oldest page to the newest."""
    newest = None
    for sp in at.kvm.active_mmu_pages:
        if sp.role.invalid or at.kvm.epoch.zap_generation.name == "TOGGLE":
            continue
        if newest is not None and sp.mmu_valid_gen < newest:
            yield f"{sp} of generation {sp.mmu_valid_gen} is younger than one of {newest}"
        newest = sp.mmu_valid_gen


@invariant("INV-22", "an invalid page is empty, unlinked, synced, and held by a root", kind=S)
def invalid_pages(at: Snapshot) -> Iterator[str]:
    """Check pages that are zapped; without a root only a zap-all may keep them.

    A fault that recycles its own root still maps its page there [QUIRK-4]; the
    vCPU drops the root before it enters, so the entries serve nobody.
    """
    dropped = {sp for vcpu in at.kvm.vcpus if will_flush(vcpu) for sp in root_pages(vcpu)}
    for sp in (sp for sp in at.pages if sp.role.invalid):
        if any(sp.spt) and sp not in dropped:
            yield f"{sp} is invalid and has entries"
        if at.parents[sp]:
            yield f"{sp} is invalid and has parents"
        if sp.unsync:
            yield f"{sp} is invalid and unsync"
        if not sp.root_count and sp in at.kvm.active_mmu_pages:
            yield f"{sp} is invalid, no root holds it, and it is still active"


@invariant("INV-24", "a vCPU that owes no reload has no obsolete root", kind=S)
def roots_are_current(at: Snapshot) -> Iterator[str]:
    """Check the roots that the next entry would use."""
    for vcpu in at.kvm.vcpus:
        for sp in root_pages(vcpu) if not will_flush(vcpu) else ():
            if is_obsolete_sp(at.kvm, sp):
                yield (
                    f"root {sp} of vCPU {vcpu.vcpu_id} has generation {sp.mmu_valid_gen},"
                    f" the VM {at.kvm.mmu_valid_gen}"
                )


@invariant("INV-25", "a quadrant belongs to a 2-level guest and fits the level", kind=S)
def quadrants(at: Snapshot) -> Iterator[str]:
    """Level 1 has 2 quadrants, level 2 has 4."""
    for sp in at.pages:
        role = sp.role
        if role.quadrant and (role.cr4_pae or role.quadrant >= 1 << role.level or role.level > 2):
            yield f"{sp} has quadrant {role.quadrant} and cr4_pae {int(role.cr4_pae)}"


@invariant("INV-43", "a count of flooding writes is below the limit; 0 at level 1", kind=S)
def flooding_counts(at: Snapshot) -> Iterator[str]:
    """A page that reached the limit is invalid."""
    for sp in at.valid:
        most = 0 if sp.role.level == PT_PAGE_TABLE_LEVEL else WRITE_FLOODING_LIMIT - 1
        if not 0 <= sp.write_flooding_count <= most:
            yield f"{sp} counts {sp.write_flooding_count} writes, expected at most {most}"


@invariant("INV-45", "a reverse map has at most 1001 entries", kind=S)
def rmaps_are_short(at: Snapshot) -> Iterator[str]:
    """The add that reports more than 1000 empties the map."""
    sizes = Counter((e.slot.id, e.level, e.place) for e in at.rmap)
    for (slot_id, level, index), size in sizes.items():
        if size > RMAP_RECYCLE_THRESHOLD + 1 or level > PT_PDPE_LEVEL:
            yield f"rmap {index:#x} at level {level} of slot {slot_id} has {size} entries"
