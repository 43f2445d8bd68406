"""MMIO page faults: writing an MMIO spte, and answering a fault from one.

Source: mark_mmio_spte(), check_mmio_spte(), handle_mmio_page_fault_common(),
kvm_current_mmio_generation() (v3.11).
"""

from enum import IntEnum

from ...events import CheckMmioSpte, HandleMmioPageFault, MarkMmioSpte
from ...x86.entry import bits
from ..pages.shadow_walk import walk_shadow_page_lockless
from ..sptes.store import mmu_spte_clear_no_track, mmu_spte_set
from ..state.role import Acc
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from .mmio_cache import vcpu_cache_mmio_info, vcpu_match_mmio_gpa, vcpu_match_mmio_gva


class RetMmioPf(IntEnum):
    """``RET_MMIO_PF_*``: what an MMIO fault asks for."""

    BUG = -1
    """The tables hold something that cannot be."""
    RETRY = 0
    """Somebody changed the entry meanwhile: let the guest try again."""
    EMULATE = 1
    """Emulate the instruction."""
    INVALID = 2
    """The MMIO spte is of an earlier generation: take the slow path."""


def kvm_current_mmio_generation(kvm: Kvm) -> int:
    """Return the memslot generation as MMIO sptes store it.

    v3.11 subtracts 151 modulo ``2**19``, so that the number wraps after about
    150 updates and the wrap is exercised.
    """
    return mmio_generation(kvm, kvm.memslots.generation)


def mmio_generation(kvm: Kvm, slots_generation: int) -> int:
    """Return *slots_generation* as MMIO sptes store it."""
    epoch = kvm.epoch
    return (slots_generation + epoch.mmio_generation_offset) % (1 << epoch.generation.bits)


def mark_mmio_spte(
    kvm: Kvm, sptep: int, gfn: int, access: int, *, slots_generation: int | None = None
) -> None:
    """Store an MMIO spte for *gfn* that carries the current generation.

    It may be newer than the slots that were found to lack *gfn* [BUG-9].

    :param slots_generation: of those slots, which the repaired kernel makes the
        spte tell
    """
    if slots_generation is None or kvm.has("BUG-9"):
        slots_generation = kvm.memslots.generation
    gen = mmio_generation(kvm, slots_generation)
    access = int(access & (Acc.WRITE | Acc.USER))
    spte = kvm.mmio_sptes.encode(gfn, access, gen)
    shown = spte & Acc.ALL if kvm.epoch.mmio_access_from_spte else access
    kvm.trace(MarkMmioSpte(sptep=sptep, gfn=gfn, access=shown, gen=gen))
    mmu_spte_set(kvm, sptep, spte)


def check_mmio_spte(kvm: Kvm, spte: int) -> bool:
    """Whether the MMIO spte was made under the slots as they are now."""
    event = CheckMmioSpte(
        kvm_gen=kvm_current_mmio_generation(kvm),
        spte_gen=kvm.mmio_sptes.generation(spte),
        spte=spte,
    )
    kvm.trace(event)
    return event.valid


def quickly_check_mmio_pf(vcpu: Vcpu, addr: int, *, direct: bool) -> bool:
    """Whether the vCPU's own cache answers for *addr*, without any walk."""
    match = vcpu_match_mmio_gpa if direct else vcpu_match_mmio_gva
    return match(vcpu, addr)


def handle_mmio_page_fault_common(vcpu: Vcpu, addr: int, *, direct: bool) -> RetMmioPf:
    """Answer a fault that a reserved bit raised; ``mmu_lock`` is not taken.

    :param addr: gpa if *direct*, else gva
    """
    if quickly_check_mmio_pf(vcpu, addr, direct=direct):
        return RetMmioPf.EMULATE
    spte = walk_shadow_page_lockless(vcpu, addr)
    if vcpu.kvm.masks.is_mmio_spte(spte):
        return _from_mmio_spte(vcpu, addr, spte, direct=direct)
    if direct and not check_direct_spte_mmio_pf(vcpu.kvm, spte):
        return RetMmioPf.BUG
    return RetMmioPf.RETRY


def _from_mmio_spte(vcpu: Vcpu, addr: int, spte: int, *, direct: bool) -> RetMmioPf:
    """Take gfn and access from *spte*, if its generation is current.

    v3.10 need not ask: it zaps the pages with MMIO sptes whenever a slot is
    created or moved.
    """
    kvm = vcpu.kvm
    if kvm.epoch.reports_check_mmio_spte and not check_mmio_spte(kvm, spte):
        return RetMmioPf.INVALID
    gfn, access = kvm.mmio_sptes.gfn(spte), kvm.mmio_sptes.access(spte)
    if direct:
        addr = 0
    kvm.trace(HandleMmioPageFault(addr=addr, gfn=gfn, access=access))
    vcpu_cache_mmio_info(vcpu, addr, gfn, access)
    return RetMmioPf.EMULATE


def check_direct_spte_mmio_pf(kvm: Kvm, spte: int) -> bool:
    """Whether *spte*, in a direct page, may follow a fault on an MMIO spte.

    It may have been zapped: it is 0, or on a 32-bit host its low half is 0
    while the high half is still that of an MMIO spte.
    """
    high = kvm.masks.mmio_mask & bits(32, 63)
    half_zapped = not spte & bits(0, 31) and spte & high == high
    return spte == 0 or (kvm.host.word_bits == 32 and half_zapped)


def sync_mmio_spte(kvm: Kvm, sptep: int, gfn: int, access: int) -> bool:
    """Refresh the MMIO spte at *sptep* after its guest entry was read again.

    Whether the gfn has got a slot meanwhile is not asked, so that the spte may
    come to lie under the current generation [BUG-10].

    :returns: whether there was one; it is cleared if the guest entry now names
        another frame
    """
    spte = kvm.spte_at(sptep)
    if not kvm.masks.is_mmio_spte(spte):
        return False
    backed = not kvm.has("BUG-10") and kvm.memslots.visible(gfn) is not None
    if kvm.mmio_sptes.gfn(spte) != gfn or backed:
        mmu_spte_clear_no_track(kvm, sptep)
    else:
        mark_mmio_spte(kvm, sptep, gfn, access)
    return True
