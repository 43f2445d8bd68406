"""The kernel versions that the model speaks for.

Source: the headers arch/x86/include/asm/kvm_host.h and
arch/x86/kvm/mmu/spte.h (arch/x86/kvm/mmu.c before v5.7) of each version.
"""

from dataclasses import replace
from typing import Final

from ..x86.controls import (
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMAP,
    CR4_SMEP,
)
from ..x86.pferr import Pferr
from .epoch import Epoch
from .layouts import FastPfLarge, GenerationLayout, MmioTag, ZapGeneration

_PADDED_ROLE: Final = {
    "level": (0, 4),
    "cr4_pae": (4, 1),
    "quadrant": (5, 2),
    "direct": (13, 1),
    "access": (14, 3),
    "invalid": (17, 1),
    "nxe": (18, 1),
    "cr0_wp": (19, 1),
    "smep_andnot_wp": (20, 1),
}

_COMPACT_ROLE: Final = {
    "level": (0, 4),
    "gpte_is_8_bytes": (4, 1),
    "quadrant": (5, 2),
    "direct": (7, 1),
    "access": (8, 3),
    "invalid": (11, 1),
    "nxe": (12, 1),
    "cr0_wp": (13, 1),
    "smep_andnot_wp": (14, 1),
    "smap_andnot_wp": (15, 1),
    "ad_disabled": (16, 1),
}

_V6_ROLE: Final = {
    {"gpte_is_8_bytes": "has_4_byte_gpte"}.get(name, name): place
    for name, place in _COMPACT_ROLE.items()
}

_V3_DEFECTS: Final = frozenset(
    {f"BUG-{n}" for n in range(1, 12)} | {f"QUIRK-{n}" for n in range(1, 9)}
)

V3_11: Final = Epoch(
    name="v3.11",
    role_layout=_PADDED_ROLE,
    generation=GenerationLayout(
        bits=19, dropped=0, low_count=9, low_shift=3, high_count=10, high_shift=52
    ),
    mmio_tag=MmioTag.RESERVED_BITS,
    zap_generation=ZapGeneration.COUNTER,
    mmio_generation_offset=-151,
    defects=_V3_DEFECTS,
)

V3_10: Final = replace(
    V3_11,
    name="v3.10",
    zap_generation=ZapGeneration.NONE,
    generation=GenerationLayout(
        bits=0, dropped=0, low_count=0, low_shift=3, high_count=0, high_shift=52
    ),
    mmio_generation_offset=0,
    reports_check_mmio_spte=False,
    # Both are about generations.
    defects=_V3_DEFECTS - {"BUG-9", "QUIRK-7"},
)

V5_10: Final = replace(
    V3_11,
    name="v5.10",
    role_layout=_COMPACT_ROLE,
    generation=GenerationLayout(
        bits=18, dropped=0, low_count=9, low_shift=3, high_count=9, high_shift=54
    ),
    mmio_tag=MmioTag.SPECIAL_BITS,
    zap_generation=ZapGeneration.TOGGLE,
    slots_generation_step=2,
    mmio_generation_offset=0,
    reports_mmio_spte_set=True,
    spte_requested_shows_walk=True,
    direct_role_cr4_pae=True,
    fast_pf_large=FastPfLarge.NEVER,
    fast_pf_stops_at_level=False,
    fast_pf_vanished_is_handled=False,
    fast_pf_reports_one_result=True,
    knows_smap=True,
    guest_fault_invalidates=True,
    emulated_update_faults_as_write=True,
    user_emulation_failure_is_ud=True,
    pdpe_reserves_bit_8=False,
    cr0_resets=CR0_PG | CR0_WP,
    cr4_resets=CR4_PGE | CR4_PSE | CR4_PAE | CR4_SMEP | CR4_SMAP,
    emulator_knows_fault_gpa=True,
    zaps_collapsible=True,
    collapsible_by_host_page=True,
    manual_dirty_log=True,
    tdp_role_follows_guest=True,
    mmio_wraps_at_zero=True,
    presets_dirty=True,
    flushes_lost_accessed_dirty=True,
    notices_spurious_faults=True,
    counts_all_recycled=True,
    tracks_writes=True,
    skips_obsolete_everywhere=True,
    mmio_access_from_spte=True,
    syncs_cr3_by_request=True,
    wrmsr_skip_decodes=True,
    unlists_pinned_roots=True,
    reports_spte_set=True,
    reports_spte_requested=True,
    registers_parent_at_lookup=False,
    write_protect_drops_large=False,
    hash_shift=12,
    previous_roots=3,
    walk_ignores=int(Pferr.RSVD),
    defects=frozenset(
        {"BUG-4", "BUG-5", "BUG-10", "BUG-11", "QUIRK-2", "QUIRK-5", "QUIRK-6", "QUIRK-7"}
    ),
)

V6_1: Final = replace(
    V5_10,
    name="v6.1",
    role_layout=_V6_ROLE,
    generation=GenerationLayout(
        bits=19, dropped=0, low_count=8, low_shift=3, high_count=11, high_shift=52
    ),
    mmio_tag=MmioTag.MMIO_VALUE,
    present_bit=11,
    host_writeable_bit=9,
    mmu_writeable_bit=10,
    pte_list_ext=14,
    role_forces_nx=True,
    nonpaging_role_is_bare=True,
    cr4_resets=CR4_PSE | CR4_PAE | CR4_SMEP | CR4_SMAP,
    cr4_flush_syncs=True,
    nx_without_pae=True,
    tdp_keeps_roots_over_wp=True,
    direct_role_cr4_pae=None,
    reports_mmio_spte_set=False,
    spte_requested_shows_walk=False,
    nonpaging_fault_drops_offset=False,
    collapsible_by_host_page=False,
    tdp_role_follows_guest=False,
    tdp_role_is_constant=True,
    reinstalls_written_gpte=False,
    fast_pf_large=FastPfLarge.NOT_LOGGED,
    prefetch_may_unsync=False,
    trusts_writable_spte=True,
    counts_faults_by_result=True,
    counts_written_upper_entries_always=True,
    zaps_unsync_at_lookup=True,
    # Since a stable update: v6.1.192, which was recorded, has it.
    replaces_stale_children=True,
    keeps_empty_synced_pages=True,
    syncs_before_linking=True,
    reloads_only_obsolete_roots=True,
    defects=frozenset({"BUG-10", "QUIRK-5", "QUIRK-7"}),
)

EPOCHS: Final = {epoch.name: epoch for epoch in (V3_10, V3_11, V5_10, V6_1)}
"""Every version by name, oldest first."""


def epoch_named(name: str) -> Epoch:
    """Return the epoch called *name*, such as ``v3.11``.

    :raises KeyError: no such version is modelled; the message lists those that are
    """
    try:
        return EPOCHS[name]
    except KeyError:
        known = ", ".join(EPOCHS)
        raise KeyError(f"no epoch {name!r}; the model speaks for {known}") from None
