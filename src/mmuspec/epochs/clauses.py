"""Every clause of the model that differs between kernel versions, by topic.

A class is a topic, named by the first line of its docstring; a field is a
clause, and the docstring below it says what the clause means.  The defaults are
v3.11's.
"""

from dataclasses import dataclass

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
from .layouts import FastPfLarge, GenerationLayout, MmioTag, RoleLayout, ZapGeneration


@dataclass(frozen=True, kw_only=True)
class ShadowPages:
    """Shadow pages."""

    hash_shift: int = 10
    """Bits of the hash: it has ``2**hash_shift`` buckets."""
    registers_parent_at_lookup: bool = True
    """A page is told its parent when it is looked up, before the spte exists."""
    zaps_unsync_at_lookup: bool = False
    """A lookup above level 1 zaps unsync pages of the gfn, instead of synchronizing them."""
    skips_obsolete_everywhere: bool = False
    """Walks over the pages of a gfn pass over obsolete pages, not only over invalid ones."""
    replaces_stale_children: bool = False
    """A fault replaces a linked page that is not the one it looks for, instead of using it."""
    pte_list_ext: int = 3
    """Sptes in one descriptor of a reverse map (``PTE_LIST_EXT``)."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The role."""

    role_layout: RoleLayout
    """Fields of the role word, and their bits."""
    role_forces_nx: bool = False
    """Every role of shadow paging has the NX bit set."""
    nonpaging_role_is_bare: bool = False
    """A context without guest paging has none of the guest's control bits in its roles."""
    direct_role_cr4_pae: bool | None = False
    """What a direct page has for the guest's entry size, if not what its context has."""
    tdp_role_follows_guest: bool = False
    """Roles under NPT and EPT have the guest's NX and WP bits."""
    tdp_role_is_constant: bool = False
    """Roles under NPT and EPT have NX and WP set."""


@dataclass(frozen=True, kw_only=True)
class Sptes:
    """Sptes."""

    present_bit: int = 0
    """Spte bit that says "in use": P, or a bit of software."""
    host_writeable_bit: int = 10
    """Spte bit H: the host page is writable."""
    mmu_writeable_bit: int = 11
    """Spte bit M: no shadow page forbids writing."""
    presets_dirty: bool = False
    """A writable spte is made with D set, instead of leaving that to the processor."""
    trusts_writable_spte: bool = False
    """A spte that was writable stays so unasked, by a fault too and without presetting D."""
    flushes_lost_accessed_dirty: bool = False
    """Replacing an spte owes a flush when it loses A or D, too, not only W."""
    notices_spurious_faults: bool = False
    """A fault that finds the spte as it would make it is told apart, as spurious."""


@dataclass(frozen=True, kw_only=True)
class Mmio:
    """MMIO sptes and the slots."""

    generation: GenerationLayout
    """Generation bits in an MMIO spte, and their places."""
    mmio_tag: MmioTag
    """How an MMIO spte is told from all others."""
    slots_generation_step: int = 1
    """What one installation of slots adds to their generation."""
    mmio_generation_offset: int = 0
    """What is added to the slots' generation to make the one that MMIO sptes store."""
    mmio_wraps_at_zero: bool = False
    """Everything is zapped when what MMIO sptes store wraps to 0, instead of just before."""


@dataclass(frozen=True, kw_only=True)
class Zapping:
    """Zapping all pages."""

    zap_generation: ZapGeneration
    """How the page generation moves when all pages are zapped."""
    reloads_only_obsolete_roots: bool = False
    """Zapping all pages makes vCPUs drop obsolete roots only."""
    unlists_pinned_roots: bool = False
    """A zapped root that is still in use leaves the active list."""


@dataclass(frozen=True, kw_only=True)
class ControlRegisters:
    """Roots and control registers."""

    previous_roots: int = 0
    """Roots that a vCPU keeps for coming back to an earlier CR3."""
    syncs_cr3_by_request: bool = False
    """A CR3 load synchronizes before the next entry, not at once."""
    cr0_resets: int = CR0_PG | CR0_WP | CR0_CD | CR0_NW
    """Bits of CR0 whose change resets the MMU context."""
    cr4_resets: int = CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP
    """Bits of CR4 whose change resets the MMU context; clearing PCIDE may sync instead."""
    cr4_flush_syncs: bool = False
    """A change of CR4.PGE synchronizes every root, instead of resetting the context."""
    tdp_keeps_roots_over_wp: bool = False
    """With NPT or EPT a change of CR0.WP alone does not drop the roots."""
    wrmsr_skip_decodes: bool = False
    """Without NRIPS the emulator decodes a WRMSR, carried out already, to learn its length."""


@dataclass(frozen=True, kw_only=True)
class GuestWalks:
    """Guest walks and guest faults."""

    knows_smap: bool = False
    """CR4.SMAP takes part in permissions and roles."""
    pdpe_reserves_bit_8: bool = True
    """A level-3 entry that points at a table may not have bit 8 set."""
    walk_ignores: int = 0
    """Error-code bits that a fault's guest walk is not told."""
    guest_fault_invalidates: bool = False
    """A protection fault given to the guest first reads the guest entry again, as INVLPG does."""
    nx_without_pae: bool = False
    """EFER.NXE makes 2-level guests' faults report F, too."""
    emulated_update_faults_as_write: bool = False
    """A fault of the emulator while it reads what it will write reports W."""
    user_emulation_failure_is_ud: bool = False
    """What cannot be emulated at CPL 3 takes #UD, instead of ending in an internal error."""
    nonpaging_fault_drops_offset: bool = True
    """A fault of a guest without paging is handled for the first byte of its page."""
    emulator_knows_fault_gpa: bool = False
    """In a direct context the emulator takes the fault's gpa, instead of walking again."""


@dataclass(frozen=True, kw_only=True)
class Synchronizing:
    """Written tables, and synchronizing."""

    tracks_writes: bool = False
    """Upper-level guest tables are write-tracked: a write fault on one is emulated at once."""
    reinstalls_written_gpte: bool = True
    """An emulated write to a leaf table shadows the new entry at once."""
    prefetch_may_unsync: bool = True
    """Mapping a neighbour of a fault may let the leaf table in it go unsync."""
    syncs_before_linking: bool = False
    """A fault synchronizes what is below a reused page before it links it."""
    keeps_empty_synced_pages: bool = False
    """Synchronizing leaves a page that maps nothing any more."""


@dataclass(frozen=True, kw_only=True)
class FastPageFaults:
    """Fast page faults."""

    fast_pf_large: FastPfLarge = FastPfLarge.ALWAYS
    """A fast page fault may make a large spte writable, which marks one gfn of many as dirty."""
    fast_pf_stops_at_level: bool = True
    """A fast page fault walks to the level that the slow path would map at, not to the leaf."""
    fast_pf_vanished_is_handled: bool = True
    """A fast page fault that finds no mapping any more lets the guest retry."""
    fast_pf_reports_one_result: bool = False
    """A fast page fault is reported as spurious or as fixed, never as both."""


@dataclass(frozen=True, kw_only=True)
class DirtyLogging:
    """Dirty logging."""

    write_protect_drops_large: bool = True
    """Write protection drops a large spte, instead of making it read-only."""
    manual_dirty_log: bool = False
    """Userspace may clear the dirty log itself (KVM_CLEAR_DIRTY_LOG)."""
    zaps_collapsible: bool = False
    """When dirty logging ends, small sptes that could be large are zapped."""
    collapsible_by_host_page: bool = False
    """An spte could be large, then, if the host page is huge, whatever forbids to map it so."""


@dataclass(frozen=True, kw_only=True)
class TracePoints:
    """Trace points."""

    reports_check_mmio_spte: bool = True
    """A fault asks whether an MMIO spte is out of date; trace point check_mmio_spte tells."""
    reports_spte_set: bool = False
    """Trace point kvm_mmu_set_spte exists."""
    reports_mmio_spte_set: bool = False
    """Trace point kvm_mmu_set_spte fires for an MMIO spte, too."""
    mmio_access_from_spte: bool = False
    """Trace point mark_mmio_spte prints the low bits of the spte as access."""
    reports_spte_requested: bool = False
    """Trace point kvm_mmu_spte_requested exists."""
    spte_requested_shows_walk: bool = False
    """With shadow paging kvm_mmu_spte_requested shows the guest-virtual frame and guest level."""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """Counters."""

    counts_all_recycled: bool = False
    """mmu_recycled counts pages, whoever asked for room; not calls of the fault path alone."""
    counts_faults_by_result: bool = False
    """pf_taken, pf_emulate, pf_spurious and pf_fast exist; pf_fixed counts what was fixed."""
    counts_written_upper_entries_always: bool = False
    """mmu_pde_zapped counts every written upper entry that is not 0, whatever its page's role."""


TOPICS = (
    ShadowPages,
    Roles,
    Sptes,
    Mmio,
    Zapping,
    ControlRegisters,
    GuestWalks,
    Synchronizing,
    FastPageFaults,
    DirtyLogging,
    TracePoints,
    Counters,
)
"""The topics, in the order in which they are listed."""
