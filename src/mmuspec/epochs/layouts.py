"""Places of bits, and ways to do a thing, that an epoch can name."""

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


class FastPfLarge(Enum):
    """When a fast page fault makes a large spte writable, which logs one gfn of many."""

    ALWAYS = "always"
    NEVER = "never"
    NOT_LOGGED = "if not logged"


class ZapGeneration(Enum):
    """How ``mmu_valid_gen`` moves when all pages are zapped."""

    NONE = "there is none: every page is zapped under one hold of mmu_lock"
    COUNTER = "an unsigned long that grows"
    TOGGLE = "a byte that alternates between 0 and 1"
