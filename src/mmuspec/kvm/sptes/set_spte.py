"""Writing a leaf spte.

Source: set_spte(), mmu_set_spte() (v3.11).
"""

from ...events import SetSpte
from ...x86.entry import PAGE_SHIFT
from ..faults.fault_result import Fault
from ..faults.large_pages import has_wrprotected_page
from ..faults.mmio import mark_mmio_spte
from ..faults.pfn import Pfn
from ..rmaps.rmap import drop_parent_pte, drop_spte, rmap_add, rmap_recycle
from ..slots.dirty import mark_page_dirty
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import PT_PAGE_TABLE_LEVEL
from ..state.flush import kvm_flush_remote_tlbs, kvm_mmu_flush_tlb
from ..state.role import Acc
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from ..sync.unsync import mmu_need_write_protect
from .spte import (
    PT_PAGE_SIZE_MASK,
    PT_PRESENT_MASK,
    PT_WRITABLE_MASK,
    is_large_pte,
    is_writable_pte,
    spte_to_pfn,
)
from .store import mmu_spte_update


def permission_bits(kvm: Kvm, access: int) -> int:
    """Return the spte bits for execute and user rights; write is decided elsewhere."""
    spte = kvm.masks.x if access & Acc.EXEC else kvm.masks.nx
    return spte | (kvm.masks.user if access & Acc.USER else 0)


def set_spte(
    vcpu: Vcpu,
    sptep: int,
    access: int,
    level: int,
    gfn: int,
    pfn: Pfn,
    *,
    speculative: bool,
    can_unsync: bool,
) -> bool:
    """Store the spte that maps *gfn* to *pfn* with the guest rights *access*.

    :param speculative: nobody has accessed the page yet, so A stays clear
    :param can_unsync: a leaf table in *gfn* may go unsync instead of being protected
    :returns: whether write permission had to be withheld
    """
    kvm = vcpu.kvm
    if pfn.noslot:
        mark_mmio_spte(kvm, sptep, gfn, access, slots_generation=pfn.slots_generation)
        return False
    spte = _without_write(kvm, access, level, pfn, speculative=speculative)
    if not pfn.writable:
        access &= ~Acc.WRITE
    withheld = False
    if access & Acc.WRITE:
        if level > PT_PAGE_TABLE_LEVEL and has_wrprotected_page(kvm, gfn, level):
            return False
        if stays_writable(kvm, sptep, can_unsync=can_unsync):
            spte |= PT_WRITABLE_MASK | kvm.masks.mmu_writeable
        elif mmu_need_write_protect(kvm, gfn, can_unsync=can_unsync, speculative=speculative):
            withheld = True
        else:
            spte |= PT_WRITABLE_MASK | kvm.masks.mmu_writeable
            if kvm.epoch.presets_dirty:
                spte |= kvm.masks.dirty
            mark_page_dirty(kvm, gfn)
    if mmu_spte_update(kvm, sptep, spte):
        kvm_flush_remote_tlbs(kvm)
    return withheld


def stays_writable(kvm: Kvm, sptep: int, *, can_unsync: bool) -> bool:
    """Whether the spte was writable, so that nobody need be asked again.

    Whoever makes the frame a shadowed table, or logs writes to it, takes W
    away; while it is there, neither can have happened.  An MMIO spte may look
    writable, too, which since v5.15 is taken for the same.
    """
    asked = not can_unsync or kvm.epoch.trusts_writable_spte
    return asked and is_writable_pte(kvm.spte_at(sptep))


def _without_write(kvm: Kvm, access: int, level: int, pfn: Pfn, *, speculative: bool) -> int:
    """Return the spte that does not allow writing yet."""
    masks = kvm.masks
    spte = pfn.number << PAGE_SHIFT | PT_PRESENT_MASK | masks.mmu_present | masks.memory_type
    spte |= permission_bits(kvm, access)
    if not speculative:
        spte |= masks.accessed
    if level > PT_PAGE_TABLE_LEVEL:
        spte |= PT_PAGE_SIZE_MASK
    if pfn.writable:
        spte |= masks.host_writeable
    return spte


def mmu_set_spte(
    vcpu: Vcpu,
    sptep: int,
    access: int,
    level: int,
    gfn: int,
    pfn: Pfn,
    *,
    write_fault: bool = False,
    speculative: bool = False,
) -> Fault:
    """Map *gfn* at *sptep*, replacing whatever is there; keep the reverse map.

    :returns: what a fault comes to: its instruction must be emulated if its
        write was withheld, or the page is MMIO
    """
    kvm = vcpu.kvm
    was_rmapped = _make_room(kvm, sptep, level, pfn)
    old = kvm.spte_at(sptep)
    withheld = set_spte(
        vcpu, sptep, access, level, gfn, pfn, speculative=speculative, can_unsync=True
    )
    if withheld:
        kvm_mmu_flush_tlb(vcpu)
    spte = kvm.spte_at(sptep)
    if pfn.noslot:
        kvm.stats.pf_mmio_spte_created += 1
    changed = kvm.epoch.reports_mmio_spte_set if pfn.noslot else spte != old
    if changed:
        trace_set_spte(kvm, gfn, spte, level, sptep)
    if is_large_pte(spte) and not was_rmapped:
        # An MMIO spte has a bit of the generation there: it is counted, too, and never uncounted.
        kvm.stats.largepages += 1
    if kvm.masks.is_shadow_present_pte(spte) and not was_rmapped:
        rmap_recycle(kvm, sptep, gfn, rmap_add(kvm, sptep, gfn))
    if (withheld and write_fault) or kvm.masks.is_mmio_spte(spte):
        return Fault.EMULATE
    spurious = spte == old and kvm.epoch.notices_spurious_faults
    return Fault.SPURIOUS if spurious else Fault.FIXED


def trace_set_spte(kvm: Kvm, gfn: int, spte: int, level: int, sptep: int) -> None:
    """Report a leaf spte, in versions that do."""
    if kvm.epoch.reports_spte_set:
        kvm.trace(SetSpte(gfn=gfn, spte=spte, level=level, sptep=sptep))


def _make_room(kvm: Kvm, sptep: int, level: int, pfn: Pfn) -> bool:
    """Drop what the new mapping replaces; return whether the same frame is mapped already."""
    old = kvm.spte_at(sptep)
    if not kvm.masks.is_shadow_present_pte(old):
        return False
    if level > PT_PAGE_TABLE_LEVEL and not is_large_pte(old):
        drop_parent_pte(kvm, kvm.page_header(old & PT64_BASE_ADDR_MASK), sptep)
    elif pfn.noslot or spte_to_pfn(old) != pfn.number:
        drop_spte(kvm, sptep)
    else:
        return True
    kvm_flush_remote_tlbs(kvm)
    return False
