"""Zapping all pages by generation.

Source: kvm_mmu_invalidate_zap_all_pages(), kvm_zap_obsolete_pages(),
kvm_mmu_invalidate_mmio_sptes() (v3.11); kvm_mmu_zap_all(),
kvm_mmu_zap_mmio_sptes() (v3.10).
"""

from ...epochs import ZapGeneration
from ...events import InvalidateZapAllPages, ZapAllFast
from ..faults.mmio import kvm_current_mmio_generation
from ..state.constants import BATCH_ZAP_PAGES
from ..state.errors import ModelError
from ..state.flush import kvm_reload_remote_mmus
from ..state.page import ShadowPage
from ..state.vm import Kvm
from .zap import is_obsolete_sp, kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page


def kvm_mmu_invalidate_zap_all_pages(kvm: Kvm) -> None:
    """Make every shadow page obsolete, then zap the obsolete ones at leisure.

    The new generation and the reload request belong to one critical section:
    a vCPU that ran between them could use a page that it must not.

    :raises ModelError: this version has no generation of pages
    """
    with kvm.mmu_lock():
        _trace_zap_all(kvm)
        kvm.mmu_valid_gen = next_generation(kvm)
        kvm_reload_remote_mmus(kvm)
        kvm_zap_obsolete_pages(kvm)


def next_generation(kvm: Kvm) -> int:
    """Return the page generation after the current one.

    :raises ModelError: this version has none
    """
    if kvm.epoch.zap_generation is ZapGeneration.NONE:
        raise ModelError(f"{kvm.epoch} has no generation of pages; it calls kvm_mmu_zap_all()")
    if kvm.epoch.zap_generation is ZapGeneration.TOGGLE:
        return 1 - kvm.mmu_valid_gen
    return kvm.mmu_valid_gen + 1


def _trace_zap_all(kvm: Kvm) -> None:
    """Report the start, with the generation that ends."""
    toggles = kvm.epoch.zap_generation is ZapGeneration.TOGGLE
    event = ZapAllFast if toggles else InvalidateZapAllPages
    kvm.trace(event(mmu_valid_gen=kvm.mmu_valid_gen, mmu_used_pages=kvm.n_used_mmu_pages))


def kvm_zap_obsolete_pages(kvm: Kvm) -> None:
    """Zap obsolete pages, oldest first, giving others the lock now and then.

    The list is ordered by creation, so the first page of the current
    generation ends the search.  No flush is needed before yielding: no vCPU
    can be using an obsolete page.  Committing flushes for lockless walkers.
    """
    batch = 0
    while sp := _oldest_obsolete(kvm):
        if batch >= BATCH_ZAP_PAGES and kvm.mmu_lock.cond_resched_lock():
            batch = 0
            continue
        batch += kvm_mmu_prepare_zap_page(kvm, sp, kvm.zapped_obsolete_pages)
        if not kvm.has("QUIRK-7") and batch >= BATCH_ZAP_PAGES:
            batch = 0
    kvm_mmu_commit_zap_page(kvm, kvm.zapped_obsolete_pages)


def _oldest_obsolete(kvm: Kvm) -> ShadowPage | None:
    """Return the oldest page if it is obsolete.

    An invalid page is a zapped root, moved to the young end while a vCPU still
    holds it: it is passed over.
    """
    for sp in kvm.active_mmu_pages:
        kvm.mmu_lock.count()
        if not is_obsolete_sp(kvm, sp):
            return None
        if not sp.role.invalid:
            return sp
    return None


def kvm_mmu_invalidate_mmio_sptes(kvm: Kvm) -> None:
    """Zap everything before the MMIO generation comes back to a number still in use.

    An update moves the generation by one or two, so one of the last two
    numbers is always seen.
    """
    if mmio_generation_wraps(kvm):
        kvm.log.append("zapping shadow pages for mmio generation wraparound")
        kvm_mmu_invalidate_zap_all_pages(kvm)


def mmio_generation_wraps(kvm: Kvm) -> bool:
    """Whether the current MMIO generation is one at which everything must be zapped."""
    if kvm.epoch.mmio_wraps_at_zero:
        return kvm_current_mmio_generation(kvm) == 0
    last = (1 << kvm.epoch.generation.bits) - 1
    return kvm_current_mmio_generation(kvm) >= last - 1


def kvm_mmu_zap_all(kvm: Kvm) -> None:
    """Zap every page under one hold of the lock, as v3.10 does."""
    invalid_list: list[ShadowPage] = []
    with kvm.mmu_lock():
        for sp in list(kvm.active_mmu_pages):
            if sp in kvm.active_mmu_pages:
                kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)


def kvm_mmu_zap_mmio_sptes(kvm: Kvm) -> None:
    """Zap the pages that hold an MMIO spte, as v3.10 does: every page is looked at.

    The kernel marks such a page (``mmio_cached``); here its entries are looked at.
    """
    invalid_list: list[ShadowPage] = []
    with kvm.mmu_lock():
        for sp in list(kvm.active_mmu_pages):
            kvm.mmu_lock.count()
            if sp in kvm.active_mmu_pages and any(map(kvm.masks.is_mmio_spte, sp.spt)):
                kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)
    kvm_reload_remote_mmus(kvm)
