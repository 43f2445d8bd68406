"""The description of one kernel version, clause by clause.

A clause of the model that differs between versions reads a field here; no
clause asks for the version itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from ..x86.controls import (
    CR0_CD,
    CR0_NW,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMEP,
)

RoleLayout = Mapping[str, tuple[int, int]]
"""Field of ``kvm_mmu_page_role`` -> (lowest bit, width), lowest bit first."""


@dataclass(frozen=True)
class GenerationLayout:
    """Where an MMIO spte keeps the memslot generation.

    :param bits: width of the current generation: it is taken modulo ``2**bits``
    :param dropped: low generation bits that are not stored
    :param low_count: stored bits in the low group
    :param low_shift: spte bit of the first of them
    :param high_count: stored bits in the high group
    :param high_shift: spte bit of the first of them
    """

    bits: int
    dropped: int
    low_count: int
    low_shift: int
    high_count: int
    high_shift: int


class MmioTag(Enum):
    """How an MMIO spte is told from all others."""

    RESERVED_BITS = "every reserved physical-address bit and bits 62-63 are ones"
    SPECIAL_BITS = "bits 52-53 hold the special tag and the MMIO value matches"
    MMIO_VALUE = "the MMIO value matches under the MMIO mask"


class ZapGeneration(Enum):
    """How ``mmu_valid_gen`` moves when all pages are zapped."""

    NONE = "there is none: every page is zapped under one hold of mmu_lock"
    COUNTER = "an unsigned long that grows"
    TOGGLE = "a byte that alternates between 0 and 1"


@dataclass(frozen=True)
class Epoch:
    """One kernel version, as far as the model depends on it."""

    name: str
    role_layout: RoleLayout
    generation: GenerationLayout
    mmio_tag: MmioTag
    zap_generation: ZapGeneration
    host_writeable_bit: int
    mmu_writeable_bit: int
    pte_list_ext: int
    present_bit: int = 0
    """Spte bit that says "in use": P until v5.10, a bit of software later."""
    slots_generation_start: int = 0
    slots_generation_step: int = 1
    mmio_wraps_at_zero: bool = False
    """Everything is zapped when the MMIO generation becomes 0, instead of just before."""
    mmio_generation_offset: int = 0
    """What is added to the memslot generation to make the MMIO generation."""
    role_forces_nx: bool = False
    """Every role of shadow paging has the NX bit set."""
    knows_smap: bool = False
    """CR4.SMAP takes part in permissions and roles."""
    nonpaging_role_is_bare: bool = False
    """A context without guest paging has none of the guest's control bits in its roles."""
    guest_fault_invalidates: bool = False
    """A protection fault given to the guest first reads the guest entry again, as INVLPG does."""
    pdpe_reserves_bit_8: bool = True
    """A level-3 entry that points at a table may not have bit 8 set."""
    cr0_resets: int = CR0_PG | CR0_WP | CR0_CD | CR0_NW
    """A change of one of these bits of CR0 resets the MMU context."""
    cr4_resets: int = CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP
    """So does one of these of CR4; clearing PCIDE does, too, unless it syncs instead."""
    cr4_flush_syncs: bool = False
    """A change of CR4.PGE synchronizes every root, instead of resetting the context."""
    tdp_keeps_roots_over_wp: bool = False
    """With NPT or EPT a change of CR0.WP alone does not drop the roots."""
    direct_role_cr4_pae: bool | None = False
    """What a direct page has for the guest's entry size; None: what its context has."""
    tdp_role_follows_guest: bool = False
    """Roles under NPT and EPT have the guest's NX and WP bits."""
    tdp_role_is_constant: bool = False
    """Roles under NPT and EPT have NX and WP set."""
    presets_dirty: bool = False
    """A writable spte is made with D set, instead of leaving that to the processor."""
    trusts_writable_spte: bool = False
    """A spte that was writable stays so unasked, by a fault too and without presetting D."""
    tracks_writes: bool = False
    """Upper-level guest tables are write-tracked: a write fault on one is emulated at once."""
    prefetch_may_unsync: bool = True
    """Mapping a neighbour of a fault may let the leaf table in it go unsync."""
    zaps_unsync_at_lookup: bool = False
    """A lookup above level 1 zaps unsync pages of the gfn, instead of synchronizing them."""
    keeps_empty_synced_pages: bool = False
    """Synchronizing leaves a page that maps nothing any more."""
    reinstalls_written_gpte: bool = True
    """An emulated write to a leaf table shadows the new entry at once."""
    skips_obsolete_everywhere: bool = False
    """Walks over the pages of a gfn pass over obsolete pages, not only over invalid ones."""
    syncs_before_linking: bool = False
    """A fault synchronizes what is below a reused page before it links it."""
    reports_spte_set: bool = False
    """Trace point kvm_mmu_set_spte exists."""
    reports_spte_requested: bool = False
    """Trace point kvm_mmu_spte_requested exists."""
    reports_mmio_spte_set: bool = False
    """It fires for an MMIO spte, too."""
    spte_requested_shows_walk: bool = False
    """In a fault of shadow paging it shows the guest-virtual page number and the guest's level."""
    nonpaging_fault_drops_offset: bool = True
    """A fault of a guest without paging is handled for the first byte of its page."""
    mmio_access_from_spte: bool = False
    """mark_mmio_spte prints the low bits of the spte as access."""
    registers_parent_at_lookup: bool = True
    """A page is told its parent when it is looked up, before the spte exists."""
    fast_pf_large_when_logged: bool = True
    """A fast page fault may make a large spte writable although only one gfn is then logged."""
    fast_pf_stops_at_level: bool = True
    """A fast page fault walks to the level that the slow path would map at, not to the leaf."""
    fast_pf_vanished_is_handled: bool = True
    """A fast page fault that finds no mapping any more lets the guest retry."""
    fast_pf_reports_one_result: bool = False
    """A fast page fault is reported as spurious or as fixed, never as both."""
    emulator_knows_fault_gpa: bool = False
    """In a direct context the emulator takes the fault's gpa, instead of walking again."""
    zaps_collapsible: bool = False
    """When dirty logging ends, small sptes that could be large are zapped."""
    collapsible_by_host_page: bool = False
    """Could be large: the host page is huge, whatever forbids to map it so."""
    manual_dirty_log: bool = False
    """Userspace may clear the dirty log itself (KVM_CLEAR_DIRTY_LOG)."""
    write_protect_drops_large: bool = True
    """Write protection drops a large spte, instead of making it read-only."""
    hash_shift: int = 10
    previous_roots: int = 0
    """Roots that a vCPU keeps for coming back to an earlier CR3."""
    syncs_cr3_by_request: bool = False
    """A CR3 load synchronizes before the next entry, not at once."""
    reloads_only_obsolete_roots: bool = False
    """Zapping all pages makes vCPUs drop obsolete roots only."""
    unlists_pinned_roots: bool = False
    """A zapped root that is still in use leaves the active list."""
    walk_ignores: int = 0
    """Error-code bits that a fault's guest walk is not told."""
    defects: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Return the version's name, such as ``v3.11``."""
        return self.name
