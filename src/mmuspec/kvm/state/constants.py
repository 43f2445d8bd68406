"""Limits and thresholds.

Source: arch/x86/kvm/mmu.c, arch/x86/include/asm/kvm_host.h,
include/linux/kvm_host.h (v3.11).
"""

from typing import Final

KVM_NR_PAGE_SIZES: Final = 3
"""4 KiB, 2 MiB, 1 GiB."""
KVM_PERMILLE_MMU_PAGES: Final = 20
"""Default budget of shadow pages, in thousandths of the guest's frames."""
KVM_MIN_ALLOC_MMU_PAGES: Final = 64
"""Floor of that budget."""
KVM_MIN_FREE_MMU_PAGES: Final = 5
"""Recycling starts when fewer pages than this are available."""
KVM_REFILL_PAGES: Final = 25
"""Recycling ends when this many pages are available."""
PTE_PREFETCH_NUM: Final = 8
"""Sptes in the aligned window around a fault."""
RMAP_RECYCLE_THRESHOLD: Final = 1000
"""A reverse map is emptied when an add reports more entries than this."""
KVM_PAGE_ARRAY_NR: Final = 16
"""Pages that one walk over unsync children collects."""
BATCH_ZAP_PAGES: Final = 10
"""Obsolete pages zapped before mmu_lock may be yielded."""
WRITE_FLOODING_LIMIT: Final = 3
"""The counted write that zaps a page (a literal in detect_write_flooding())."""
INVALID_PAGE: Final = (1 << 64) - 1
"""A root that is not there."""
MMIO_GVA_ANY: Final = (1 << 64) - 1
"""Clear the vCPU's MMIO cache whatever it holds (named since v3.19)."""

KVM_MEM_LOG_DIRTY_PAGES: Final = 1 << 0
KVM_MEM_READONLY: Final = 1 << 1
KVM_MEMSLOT_INVALID: Final = 1 << 16

PT_PAGE_TABLE_LEVEL: Final = 1
PT_DIRECTORY_LEVEL: Final = 2
PT_PDPE_LEVEL: Final = 3
PT32_ROOT_LEVEL: Final = 2
PT32E_ROOT_LEVEL: Final = 3
PT64_ROOT_LEVEL: Final = 4
