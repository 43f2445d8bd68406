"""MMIO sptes and the vCPU's MMIO cache."""

from collections.abc import Iterator

from ..kvm.faults.mmio import kvm_current_mmio_generation
from ..kvm.faults.mmio_cache import vcpu_match_mmio_gpa, vcpu_match_mmio_gva
from ..x86.entry import ADDRESS_BITS, PAGE_MASK, PAGE_SHIFT
from .registry import Kind, invariant
from .snapshot import Snapshot

M = Kind.MMIO


@invariant("INV-39", "an MMIO spte decodes to what encodes to it again", kind=M)
def mmio_sptes_decode(at: Snapshot) -> Iterator[str]:
    """Encode what was decoded; the access is 0 where the mask covers its bits."""
    sptes = at.kvm.mmio_sptes
    for entry in at.mmio:
        gfn, access = sptes.gfn(entry.spte), sptes.access(entry.spte)
        again = sptes.encode(gfn, access, sptes.generation(entry.spte))
        if again != entry.spte:
            yield f"{entry} decodes to gfn {gfn:#x} access {access}, which encodes to {again:#x}"
        width = ADDRESS_BITS if at.kvm.tdp_enabled else at.kvm.host.maxphyaddr
        if gfn >> (width - PAGE_SHIFT):
            yield f"{entry} names gfn {gfn:#x}, beyond the physical addresses"
        elif entry.sp.role.direct and gfn != entry.gfn:
            yield f"{entry} names gfn {gfn:#x}; its place in a direct page is {entry.gfn:#x}"


@invariant("INV-41", "a leaf maps a visible slot; a current MMIO spte maps none", kind=M)
def slots_agree(at: Snapshot) -> Iterator[str]:
    """Look every gfn up in the slots; pages that a zap-all still has to visit do not count."""
    kvm, usable = at.kvm, set(at.current)
    for leaf in at.leaves:
        if leaf.sp in usable and kvm.memslots.visible(leaf.gfn) is None:
            yield f"{leaf} maps gfn {leaf.gfn:#x}, which is in no visible slot"
    now = kvm_current_mmio_generation(kvm)
    for entry in at.mmio:
        gfn = kvm.mmio_sptes.gfn(entry.spte)
        current = kvm.mmio_sptes.generation(entry.spte) == now
        if current and entry.sp in usable and kvm.memslots.visible(gfn):
            yield f"{entry} of the current generation calls gfn {gfn:#x} MMIO, and a slot has it"


@invariant("INV-46", "the cached gva is page aligned, and page 0 never matches", kind=M)
def caches_are_aligned(at: Snapshot) -> Iterator[str]:
    """Check each vCPU's cache."""
    for vcpu in at.kvm.vcpus:
        who = f"the MMIO cache of vCPU {vcpu.vcpu_id}"
        if vcpu.mmio.mmio_gva & PAGE_MASK:
            yield f"{who} holds gva {vcpu.mmio.mmio_gva:#x}, which is not page aligned"
        if vcpu_match_mmio_gva(vcpu, 0):
            yield f"{who} matches gva 0"
        if vcpu_match_mmio_gpa(vcpu, 0):
            yield f"{who} matches gpa 0"
