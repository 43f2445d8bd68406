"""What sptes allow, compared with what they may allow."""

from collections.abc import Iterator

from ..kvm.rmaps.rmap import rmap_entries
from ..kvm.sptes.spte import PT_PRESENT_MASK, PT_WRITABLE_MASK, is_large_pte, is_writable_pte
from ..kvm.state.role import Acc
from .guest_path import Reached, reachable_leaves
from .registry import Kind, invariant
from .snapshot import Entry, Snapshot

P = Kind.PERMISSION


@invariant("INV-11", "a guest table shadowed by a synced page is mapped read-only", kind=P)
def tables_are_protected(at: Snapshot) -> Iterator[str]:
    """Check every mapping of the table's frame, of every size."""
    kvm, masks = at.kvm, at.kvm.masks
    for sp in (sp for sp in at.shadows if not sp.unsync):
        if kvm.memslots.gfn_to_memslot(sp.gfn) is None:
            yield f"{sp} shadows a table in no slot"
            continue
        for sptep in rmap_entries(kvm, sp.gfn):
            spte = kvm.spte_at(sptep)
            if is_writable_pte(spte) or masks.spte_is_locklessly_modifiable(spte):
                yield f"spte {sptep:#x} maps the guest table of {sp} with {spte:#x}"


@invariant("INV-26", "a writable leaf has both software bits", kind=P)
def writable_has_both_bits(at: Snapshot) -> Iterator[str]:
    """Without them nobody can tell why W was taken away later."""
    for leaf in at.leaves:
        if is_writable_pte(leaf.spte) and not at.kvm.masks.spte_is_locklessly_modifiable(leaf.spte):
            yield f"{leaf} is writable and lacks SPTE_HOST_WRITEABLE or SPTE_MMU_WRITEABLE"


@invariant("INV-27", "a synced leaf allows no more than the guest's tables do", kind=P)
def leaves_allow_no_more(at: Snapshot) -> Iterator[str]:
    """Add up the guest's entries on every path from a root to a leaf."""
    for reached in reachable_leaves(at):
        allowed = reached.access
        for what, bit in exceeding(at, reached):
            if not allowed & bit:
                yield f"{reached.leaf} allows {what} at {reached.gva:#x}; the guest does not"


def exceeding(at: Snapshot, reached: Reached) -> Iterator[tuple[str, int]]:
    """Yield the rights of a leaf that the guest must have given.

    While CR0.WP is 0, W of a supervisor entry need not be among them.
    """
    masks, spte = at.kvm.masks, reached.leaf.spte
    user = bool(spte & masks.user)
    if is_writable_pte(spte) and (user or reached.leaf.sp.role.cr0_wp):
        yield "writing", Acc.WRITE
    if user:
        yield "user access", Acc.USER
    if not spte & masks.nx:
        yield "execution", Acc.EXEC


@invariant("INV-28", "a link carries every permission", kind=P)
def links_allow_all(at: Snapshot) -> Iterator[str]:
    """The role of the child and the leaf restrict, not the link."""
    masks = at.kvm.masks
    full = PT_PRESENT_MASK | PT_WRITABLE_MASK | masks.user | masks.x
    for link in at.links:
        if link.spte & full != full or link.spte & masks.nx:
            yield f"{link} is a link without full permission"


@invariant("INV-29", "nothing inside a writable large page forbids mapping it large", kind=P)
def large_pages_are_free(at: Snapshot) -> Iterator[str]:
    """Ask write_count for every large leaf."""
    for leaf in large(at):
        slot = at.kvm.memslots.gfn_to_memslot(leaf.gfn)
        if slot and slot.write_count.get(slot.lpage_key(leaf.gfn, leaf.sp.role.level)):
            yield f"{leaf} is large and writable, and write_count of gfn {leaf.gfn:#x} is not 0"


@invariant("INV-30", "a logged slot has no large page that can be written", kind=P)
def logged_slots_are_small(at: Snapshot) -> Iterator[str]:
    """A log in 4 KiB frames needs a fault for each; v3.11 drops what is larger and writable."""
    for leaf in large(at) if at.kvm.epoch.write_protect_drops_large else ():
        slot = at.kvm.memslots.gfn_to_memslot(leaf.gfn)
        if slot and slot.log_dirty:
            yield f"{leaf} is large and writable in logged slot {slot.id}"


def large(at: Snapshot) -> Iterator[Entry]:
    """Yield the writable leaves larger than 4 KiB."""
    for leaf in at.leaves:
        if leaf.sp.role.level > 1 and is_large_pte(leaf.spte) and is_writable_pte(leaf.spte):
            yield leaf
