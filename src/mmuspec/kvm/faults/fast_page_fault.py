"""Fixing a write-protection fault without ``mmu_lock``.

Source: fast_page_fault(), page_fault_can_be_fast(), fast_pf_fix_direct_spte() (v3.11).
"""

from ...epochs import FastPfLarge
from ...events import FastPageFault
from ...x86.pferr import Pferr
from ..pages.shadow_walk import ShadowStep, for_each_shadow_entry
from ..slots.dirty import mark_page_dirty
from ..sptes.spte import PT_WRITABLE_MASK, is_last_spte, is_writable_pte
from ..state.constants import INVALID_PAGE, PT_PAGE_TABLE_LEVEL
from ..state.requests import VcpuMode
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from .fault_result import Fault


def page_fault_can_be_fast(error_code: int) -> bool:
    """Whether the fault is a write to a present page that is no MMIO page."""
    wanted = Pferr.P | Pferr.W
    return not error_code & Pferr.RSVD and error_code & wanted == wanted


def fast_page_fault(vcpu: Vcpu, gva: int, level: int, error_code: int) -> Fault | None:
    """Try to give W back to a direct spte; return how the fault was dealt with, if it was.

    It is dealt with if the entry is gone, writable already, or made writable
    here.  It is not if some rule other than dirty logging took W away.
    """
    if vcpu.mmu.root_hpa == INVALID_PAGE or not page_fault_can_be_fast(error_code):
        return None
    vcpu.mode = VcpuMode.READING_SHADOW_PAGE_TABLES
    if not vcpu.kvm.epoch.fast_pf_stops_at_level:
        level = PT_PAGE_TABLE_LEVEL
    step = _find(vcpu, gva, level)
    handled = _try_fix(vcpu, step, level)
    spurious = _report(vcpu, gva, error_code, step, handled=handled)
    vcpu.mode = VcpuMode.OUTSIDE_GUEST_MODE
    if not handled:
        return None
    vcpu.kvm.stats.pf_fast += 1
    return Fault.SPURIOUS if spurious else Fault.FIXED


def _find(vcpu: Vcpu, gva: int, level: int) -> ShadowStep:
    """Walk down to *level*, or to the first entry that is not present."""
    step = ShadowStep(level=0, sptep=0, spte=0)
    for step in for_each_shadow_entry(vcpu, gva):
        if step.level <= level or not vcpu.kvm.masks.is_shadow_present_pte(step.spte):
            break
    return step


def _try_fix(vcpu: Vcpu, step: ShadowStep, level: int) -> bool:
    """Decide by the entry that was read, and exchange it if that is allowed."""
    kvm = vcpu.kvm
    if not kvm.masks.is_shadow_present_pte(step.spte):
        return kvm.epoch.fast_pf_vanished_is_handled
    if not is_last_spte(step.spte, level):
        return False
    if is_writable_pte(step.spte):
        return True
    if not kvm.masks.spte_is_locklessly_modifiable(step.spte):
        return False
    if step.level > PT_PAGE_TABLE_LEVEL and not _may_fix_large(kvm, step):
        return False
    return fast_pf_fix_direct_spte(kvm, step) or kvm.has("QUIRK-1")


def _may_fix_large(kvm: Kvm, step: ShadowStep) -> bool:
    """Whether a large spte may become writable: the log would miss all of its frames but one."""
    if kvm.epoch.fast_pf_large is not FastPfLarge.NOT_LOGGED:
        return kvm.epoch.fast_pf_large is FastPfLarge.ALWAYS
    sp = kvm.page_header(step.sptep)
    slot = kvm.memslots.visible(sp.gfn_of(sp.index_of(step.sptep)))
    return slot is None or not slot.log_dirty


def fast_pf_fix_direct_spte(kvm: Kvm, step: ShadowStep) -> bool:
    """Set W by a 64-bit compare-exchange; if it was set, the gfn is dirty.

    The gfn cannot have changed meanwhile: in a direct page the index determines it.

    :returns: whether the entry still was what the walk had read
    """
    sp = kvm.page_header(step.sptep)
    index = sp.index_of(step.sptep)
    if sp.spt[index] != step.spte:
        return False
    sp.spt[index] = step.spte | PT_WRITABLE_MASK
    mark_page_dirty(kvm, sp.gfn_of(index))
    return True


def _report(vcpu: Vcpu, gva: int, error_code: int, step: ShadowStep, *, handled: bool) -> bool:
    """Emit the event; the entry is read again for it.

    :returns: whether it says that the fault was spurious
    """
    kvm = vcpu.kvm
    now = kvm.spte_at(step.sptep) if step.sptep else 0
    spurious = handled and is_writable_pte(step.spte)
    fixed = handled and is_writable_pte(now)
    kvm.trace(
        FastPageFault(
            vcpu_id=vcpu.vcpu_id,
            gva=gva,
            error_code=error_code,
            sptep=step.sptep,
            old_spte=step.spte,
            new_spte=now,
            spurious=spurious,
            fixed=fixed and not (spurious and kvm.epoch.fast_pf_reports_one_result),
        )
    )
    return spurious
