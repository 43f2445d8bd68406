"""What the host answers when KVM asks for the page behind a guest frame.

Source: gfn_to_pfn_prot(), gfn_to_pfn_memslot_atomic(), is_error_pfn(),
KVM_PFN_* (include/linux/kvm_host.h, v3.11).
"""

from dataclasses import dataclass
from typing import Final

from ..state.vm import Kvm


@dataclass(frozen=True)
class Pfn:
    """A page frame, or one of the answers that are no frame.

    :param number: frame number
    :param writable: whether the host page may be written (``map_writable``)
    :param noslot: no memory slot holds the gfn (``KVM_PFN_NOSLOT``)
    :param read_only_fault: a write to a read-only slot (``KVM_PFN_ERR_RO_FAULT``)
    :param slots_generation: for *noslot*: generation of the slots that were looked at
    """

    number: int = 0
    writable: bool = True
    noslot: bool = False
    read_only_fault: bool = False
    slots_generation: int = 0


KVM_PFN_NOSLOT: Final = 1 << 63
RO_FAULT: Final = Pfn(writable=False, read_only_fault=True)


def gfn_to_pfn_prot(kvm: Kvm, gfn: int, *, write: bool) -> Pfn:
    """Ask the host for the page behind *gfn*.

    :param write: the page is wanted for a write
    """
    slot = kvm.memslots.visible(gfn)
    if slot is None:
        seen = kvm.memslots.generation
        return Pfn(KVM_PFN_NOSLOT, writable=False, noslot=True, slots_generation=seen)
    if slot.read_only:
        if write:
            return RO_FAULT
        return Pfn(kvm.host.lookup(slot.hva(gfn), write=False).pfn, writable=False)
    page = kvm.host.lookup(slot.hva(gfn), write=write)
    return Pfn(page.pfn, page.writable)


def pte_prefetch_gfn_to_pfn(kvm: Kvm, gfn: int, *, no_dirty_log: bool) -> Pfn | None:
    """Return the writable page behind *gfn* if it can be had without sleeping.

    Only pages that the host has mapped already can.

    :param no_dirty_log: refuse a slot whose writes are logged
    :returns: None if there is no such page
    """
    slot = kvm.memslots.visible(gfn)
    if slot is None or slot.read_only or (no_dirty_log and slot.log_dirty):
        return None
    page = kvm.host.ptes.get(slot.hva(gfn))
    return Pfn(page.pfn) if page and page.writable else None
