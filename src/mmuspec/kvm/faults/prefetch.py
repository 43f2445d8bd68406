"""Filling the neighbours of a fault.

Source: FNAME(prefetch_gpte), FNAME(pte_prefetch), direct_pte_prefetch() (v3.11).
"""

from ...x86.mode import LEGACY32
from ..guest.permissions import (
    gpte_access,
    is_accessed_gpte,
    is_present_gpte,
    protect_clean_gpte,
)
from ..guest.reserved_bits import is_rsvd_bits_set
from ..guest.walk_addr import gpte_to_gfn
from ..rmaps.rmap import drop_spte
from ..sptes.set_spte import mmu_set_spte
from ..state.constants import PT_PAGE_TABLE_LEVEL, PTE_PREFETCH_NUM
from ..state.page import ShadowPage
from ..state.role import Acc
from ..state.vcpu import Vcpu
from .pfn import pte_prefetch_gfn_to_pfn


def level1_sp_gpa(vcpu: Vcpu, sp: ShadowPage) -> int:
    """Return where in guest memory the entry behind spte 0 of *sp* is."""
    offset = sp.role.quadrant << 9 if vcpu.mmu.guest_mode is LEGACY32 else 0
    return (sp.gfn << 12) + offset * vcpu.mmu.guest_mode.entry_size


def prefetch_invalid_gpte(vcpu: Vcpu, sptep: int, gpte: int) -> bool:
    """Whether *gpte* cannot be used without a fault; what it mapped is then dropped."""
    usable = (
        not is_rsvd_bits_set(vcpu.controls, vcpu.mmu.guest_mode, gpte, PT_PAGE_TABLE_LEVEL)
        and is_present_gpte(gpte)
        and is_accessed_gpte(gpte)
    )
    if not usable:
        drop_spte(vcpu.kvm, sptep)
    return not usable


def prefetch_gpte(vcpu: Vcpu, sp: ShadowPage, sptep: int, gpte: int, *, no_dirty_log: bool) -> bool:
    """Map what *gpte* says, without a fault; return whether it could be done.

    :param no_dirty_log: do not map a logged slot writable
    """
    if prefetch_invalid_gpte(vcpu, sptep, gpte):
        return False
    gfn = gpte_to_gfn(vcpu.mmu.guest_mode, gpte, PT_PAGE_TABLE_LEVEL)
    access = protect_clean_gpte(sp.role.access & gpte_access(gpte), gpte)
    refuse_logged = no_dirty_log and bool(access & Acc.WRITE)
    pfn = pte_prefetch_gfn_to_pfn(vcpu.kvm, gfn, no_dirty_log=refuse_logged)
    if pfn is None:
        return False
    mmu_set_spte(vcpu, sptep, access, PT_PAGE_TABLE_LEVEL, gfn, pfn, speculative=True)
    return True


def _window(sp: ShadowPage, sptep: int) -> range:
    """Return the indices of the aligned window around *sptep*."""
    first = sp.index_of(sptep) & ~(PTE_PREFETCH_NUM - 1)
    return range(first, first + PTE_PREFETCH_NUM)


def pte_prefetch(vcpu: Vcpu, sptep: int, gptes: list[int]) -> None:
    """Fill the empty neighbours of *sptep*.

    :param gptes: the guest entries of the window, read when the leaf was checked again
    """
    kvm = vcpu.kvm
    sp = kvm.page_header(sptep)
    if sp.role.level > PT_PAGE_TABLE_LEVEL:
        return
    if sp.role.direct:
        direct_pte_prefetch(vcpu, sptep)
        return
    for index, gpte in zip(_window(sp, sptep), gptes, strict=True):
        if sp.sptep(index) == sptep or kvm.masks.is_shadow_present_pte(sp.spt[index]):
            continue
        if not prefetch_gpte(vcpu, sp, sp.sptep(index), gpte, no_dirty_log=True):
            break


def direct_pte_prefetch(vcpu: Vcpu, sptep: int) -> None:
    """Fill runs of empty sptes around a fault in a direct page.

    Without an accessed bit a speculative entry could not be told from a used
    one, so nothing is done.  A run counts only if an entry that is present, or
    the faulting one, follows it in the window [BUG-5].
    """
    kvm = vcpu.kvm
    sp = kvm.page_header(sptep)
    if not kvm.masks.accessed or sp.role.level > PT_PAGE_TABLE_LEVEL:
        return
    run: list[int] = []
    for index in _window(sp, sptep):
        if kvm.masks.is_shadow_present_pte(sp.spt[index]) or sp.sptep(index) == sptep:
            if not _direct_prefetch_many(vcpu, sp, run):
                return
            run = []
        else:
            run.append(index)
    if not kvm.has("BUG-5"):
        _direct_prefetch_many(vcpu, sp, run)


def _direct_prefetch_many(vcpu: Vcpu, sp: ShadowPage, run: list[int]) -> bool:
    """Map the frames of *run* up to one that cannot be had at once.

    A run that leaves its slot is not mapped at all.

    :returns: whether to go on behind the run: some of it could be mapped, or it was empty
    """
    slot = vcpu.kvm.memslots.visible(sp.gfn_of(run[0])) if run else None
    if run and (slot is None or sp.gfn_of(run[-1]) not in slot):
        return False
    for index in run:
        gfn = sp.gfn_of(index)
        refuse_logged = bool(sp.role.access & Acc.WRITE)
        pfn = pte_prefetch_gfn_to_pfn(vcpu.kvm, gfn, no_dirty_log=refuse_logged)
        if pfn is None:
            return index != run[0]
        mmu_set_spte(
            vcpu, sp.sptep(index), sp.role.access, PT_PAGE_TABLE_LEVEL, gfn, pfn, speculative=True
        )
    return True
