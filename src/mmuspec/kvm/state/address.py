"""Frame and level arithmetic."""

from ...x86.entry import ADDRESS_MASK, PAGE_SHIFT

PT64_BASE_ADDR_MASK = ADDRESS_MASK
"""Bits 12-51 of an spte."""


def kvm_hpage_gfn_shift(level: int) -> int:
    """Return how many gfn bits lie inside a page of *level* (``KVM_HPAGE_GFN_SHIFT``)."""
    return 9 * (level - 1)


def kvm_pages_per_hpage(level: int) -> int:
    """Return how many 4 KiB frames a page of *level* has (``KVM_PAGES_PER_HPAGE``)."""
    return 1 << kvm_hpage_gfn_shift(level)


def gfn_to_lpage_base(gfn: int, level: int) -> int:
    """Return the first gfn of the page of *level* that holds *gfn*."""
    return gfn & ~(kvm_pages_per_hpage(level) - 1)


def gfn_to_index(gfn: int, base_gfn: int, level: int) -> int:
    """Return the place of *gfn* in a slot's per-level array (``gfn_to_index``)."""
    shift = kvm_hpage_gfn_shift(level)
    return (gfn >> shift) - (base_gfn >> shift)


def shadow_index(address: int, level: int) -> int:
    """Return which of the 512 sptes at *level* translates *address*."""
    return address >> (PAGE_SHIFT + 9 * (level - 1)) & 511
