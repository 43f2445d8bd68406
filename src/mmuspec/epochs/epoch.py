"""The description of one kernel version, clause by clause.

A clause of the model that differs between versions reads a field here; no
clause asks for the version itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

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
    slots_generation_start: int = 0
    slots_generation_step: int = 1
    mmio_generation_offset: int = 0
    role_forces_nx: bool = False
    vcpu_cache_has_generation: bool = False
    updates_marked_in_progress: bool = False
    presets_dirty: bool = False
    reinstalls_written_gpte: bool = True
    fast_pf_needs_direct_map: bool = True
    reports_spte_set: bool = False
    reports_spte_requested: bool = False
    registers_parent_at_lookup: bool = True
    zaps_collapsible: bool = False
    write_protect_drops_large: bool = True
    hash_shift: int = 10
    previous_roots: int = 0
    walk_ignores: int = 0
    defects: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Return the version's name, such as ``v3.11``."""
        return self.name
