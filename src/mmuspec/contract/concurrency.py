"""What TLBs may still hold when ``mmu_lock`` is free.

A vCPU that empties its TLB before it runs again counts as having an empty one.
"""

from collections.abc import Iterator

from ..kvm.sptes.spte import is_writable_pte, spte_to_pfn
from ..kvm.state.address import kvm_pages_per_hpage
from ..kvm.state.vcpu import Vcpu
from ..x86.entry import PAGE_SHIFT
from ..x86.tlb import TlbEntry
from .registry import Kind, invariant
from .snapshot import Entry, Snapshot, host_page, will_flush

C = Kind.CONCURRENCY


def usable_tlb_entries(at: Snapshot) -> Iterator[tuple[Vcpu, TlbEntry]]:
    """Yield what a vCPU could use without another walk."""
    for vcpu in at.kvm.vcpus:
        if not will_flush(vcpu):
            for entry in vcpu.tlb:
                yield vcpu, entry


def pfns(entry: TlbEntry) -> range:
    """Return the host frames that a TLB entry reaches."""
    first = entry.physical >> PAGE_SHIFT
    return range(first, first + max(entry.size >> PAGE_SHIFT, 1))


def frames(leaf: Entry) -> Iterator[tuple[int, int]]:
    """Yield (gfn, pfn) of every 4 KiB frame that a leaf maps."""
    first = spte_to_pfn(leaf.spte)
    for i in range(kvm_pages_per_hpage(leaf.sp.role.level)):
        yield leaf.gfn + i, first + i


@invariant("INV-31", "whatever can be written without a fault is in the dirty log", kind=C)
def log_is_complete(at: Snapshot) -> Iterator[str]:
    """Check every writable leaf and TLB entry of a logged slot."""
    logged = {}
    for slot in at.kvm.memslots.slots.values():
        for gfn in range(slot.base_gfn, slot.end_gfn) if slot.log_dirty else ():
            pte = at.kvm.host.ptes.get(slot.hva(gfn))
            if pte and gfn not in slot.dirty_bitmap:
                logged[pte.pfn] = gfn
    for leaf in at.leaves if logged else ():
        for _, pfn in frames(leaf) if is_writable_pte(leaf.spte) else ():
            if pfn in logged:
                yield f"{leaf} allows writing gfn {logged[pfn]:#x}, which is not in the log"
    for vcpu, entry in usable_tlb_entries(at) if logged else ():
        for pfn in pfns(entry) if entry.rw and entry.dirty else ():
            if pfn in logged:
                yield (
                    f"the TLB of vCPU {vcpu.vcpu_id} allows writing gfn {logged[pfn]:#x}"
                    f" at {entry.linear:#x}, and the log does not have it"
                )


@invariant("INV-33", "sptes and TLBs use only pages that the host still has", kind=C)
def pages_are_the_hosts(at: Snapshot) -> Iterator[str]:
    """Compare with the host's own page table."""
    kvm = at.kvm
    for leaf in at.leaves:
        for gfn, pfn in frames(leaf):
            pte = host_page(kvm, gfn)
            if pte is None or pte.pfn != pfn:
                has = f"frame {pte.pfn:#x}" if pte else "no page"
                yield f"{leaf} maps gfn {gfn:#x} to frame {pfn:#x}; the host has {has} there"
    owned = {pte.pfn for pte in kvm.host.ptes.values()}
    for vcpu, entry in usable_tlb_entries(at):
        for pfn in pfns(entry):
            if pfn not in owned:
                yield (
                    f"the TLB of vCPU {vcpu.vcpu_id} maps {entry.linear:#x} to frame {pfn:#x},"
                    " which the host took back"
                )


@invariant("INV-48", "a page in a TLB is in an spte, or tlbs_dirty owes a flush for it", kind=C)
def no_forgotten_page(at: Snapshot) -> Iterator[str]:
    """Look for host frames that a notifier would not find."""
    if at.kvm.tlbs_dirty:
        return
    known = {pfn for leaf in at.leaves for _, pfn in frames(leaf)}
    for vcpu, entry in usable_tlb_entries(at):
        for pfn in pfns(entry):
            if pfn not in known:
                yield (
                    f"the TLB of vCPU {vcpu.vcpu_id} maps {entry.linear:#x} to frame {pfn:#x};"
                    " no spte does, and no flush is owed"
                )
