"""The only place that stores sptes.

Everybody else calls mmu_spte_set(), mmu_spte_update() or one of the clears,
which keep the promises about volatile bits, accessed and dirty state, and
``clear_spte_count``.

Source: mmu_spte_set(), mmu_spte_update(), mmu_spte_clear_track_bits(),
mmu_spte_clear_no_track(), __update_clear_spte_fast/slow() (v3.11).
"""

from ...x86.entry import PAGE_SHIFT
from ..state.errors import SpteError
from ..state.vm import Kvm
from .spte import is_writable_pte, spte_to_pfn


def _store(kvm: Kvm, sptep: int, spte: int) -> int:
    """Store *spte* and return the old value, as an atomic exchange would."""
    kvm.mmu_lock.assert_held(f"spte {sptep:#x} is changed")
    kvm.mmu_lock.count()
    words, index = kvm.host.memory.pages[sptep >> PAGE_SHIFT], sptep >> 3 & 511
    old, words[index] = words[index], spte
    for observer in kvm.observers:
        observer.stored(sptep, old, spte)
    return old


def _store_clearing(kvm: Kvm, sptep: int, spte: int) -> int:
    """Store as the update and clear primitives do; return the old value.

    On a 32-bit host a reader without the lock may see two halves of different
    values.  It notices by the count, which moves each time the new value is
    not present.
    """
    old = _store(kvm, sptep, spte)
    if kvm.host.word_bits == 32 and not kvm.masks.is_shadow_present_pte(spte):
        kvm.page_header(sptep).clear_spte_count += 1
    return old


def mmu_spte_set(kvm: Kvm, sptep: int, spte: int) -> None:
    """Store *spte* where nothing is mapped.

    :raises SpteError: a present spte is there
    """
    if kvm.masks.is_shadow_present_pte(kvm.spte_at(sptep)):
        raise SpteError(f"spte {sptep:#x} is present: mmu_spte_set() needs an empty one")
    _store(kvm, sptep, spte)


def mmu_spte_update(kvm: Kvm, sptep: int, spte: int) -> bool:
    """Replace a present spte by *spte*, which maps the same frame.

    :returns: whether write permission (since v4.8, also A or D) was lost, so that the
        caller owes a remote flush before ``mmu_lock`` is released
    :raises SpteError: *spte* is not present
    """
    masks = kvm.masks
    if not masks.is_shadow_present_pte(spte):
        raise SpteError(f"mmu_spte_update() to {spte:#x}, which is not present")
    if not masks.is_shadow_present_pte(kvm.spte_at(sptep)):
        mmu_spte_set(kvm, sptep, spte)
        return False
    old = _store_clearing(kvm, sptep, spte)
    lost = old & ~spte
    if lost & masks.accessed:
        kvm.host.kvm_set_pfn_accessed(spte_to_pfn(old))
    if lost & masks.dirty:
        kvm.host.kvm_set_pfn_dirty(spte_to_pfn(old))
    if lost & (masks.accessed | masks.dirty) and kvm.epoch.flushes_lost_accessed_dirty:
        return True
    return is_writable_pte(old) and not is_writable_pte(spte)


def mmu_spte_clear_track_bits(kvm: Kvm, sptep: int) -> bool:
    """Clear a leaf spte and tell the host what the processor noted in it.

    :returns: whether something was mapped; no flush is done here
    """
    masks = kvm.masks
    old = _store_clearing(kvm, sptep, 0)
    if not masks.is_shadow_present_pte(old):
        return False
    if not masks.accessed or old & masks.accessed:
        kvm.host.kvm_set_pfn_accessed(spte_to_pfn(old))
    if not masks.dirty or old & masks.dirty:
        kvm.host.kvm_set_pfn_dirty(spte_to_pfn(old))
    return True


def mmu_spte_clear_no_track(kvm: Kvm, sptep: int) -> None:
    """Clear a non-leaf or MMIO spte, which holds no accessed or dirty state."""
    _store_clearing(kvm, sptep, 0)
