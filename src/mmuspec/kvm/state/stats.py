"""The counters that debugfs shows.

Source: debugfs_entries in arch/x86/kvm/x86.c (v3.11).
"""

from dataclasses import dataclass, fields


@dataclass
class Stats:
    """Counters of one VM, those of its vCPUs summed in."""

    pf_taken: int = 0
    """Faults that an MMIO spte did not answer (this and the next four: since v6.0)."""
    pf_emulate: int = 0
    """Faults whose instruction was emulated."""
    pf_spurious: int = 0
    """Faults for which the spte allowed the access already."""
    pf_fast: int = 0
    """Faults dealt with without ``mmu_lock``."""
    pf_mmio_spte_created: int = 0
    """MMIO sptes written by a fault."""
    pf_fixed: int = 0
    """Faults that a slow path mapped; the shadow path also counts those it gave up."""
    pf_guest: int = 0
    """Page faults injected into the guest."""
    tlb_flush: int = 0
    """Local flushes requested by the MMU."""
    invlpg: int = 0
    """INVLPG instructions emulated."""
    mmio_exits: int = 0
    """MMIO accesses that userspace had to answer."""
    insn_emulation: int = 0
    """Instructions given to the emulator."""
    insn_emulation_fail: int = 0
    """Instructions that the emulator gave up."""
    mmu_shadow_zapped: int = 0
    """Shadow pages zapped."""
    mmu_pte_write: int = 0
    """Emulated writes while some guest table was shadowed."""
    mmu_pte_updated: int = 0
    """Level-1 sptes made anew from a written guest entry."""
    mmu_pde_zapped: int = 0
    """Upper-level sptes zapped by a written guest entry."""
    mmu_flooded: int = 0
    """Pages zapped because of write flooding or a misaligned write."""
    mmu_recycled: int = 0
    """Pages zapped to make room."""
    mmu_cache_miss: int = 0
    """Lookups that had to create a page."""
    mmu_unsync: int = 0
    """Unsync pages right now."""
    remote_tlb_flush: int = 0
    """Flushes that had to interrupt another CPU."""
    largepages: int = 0
    """Large sptes, by the kernel's own drifting count."""
    pages_4k: int = 0
    """Leaf sptes at level 1 (this and the next two: since v5.14)."""
    pages_2m: int = 0
    """Leaf sptes at level 2."""
    pages_1g: int = 0
    """Leaf sptes at level 3."""
    max_mmu_rmap_size: int = 0
    """Most entries that a reverse map had when another was added (since v5.14)."""

    def count_leaf(self, level: int, change: int) -> None:
        """Count *change* leaf sptes at *level*."""
        name = ("pages_4k", "pages_2m", "pages_1g")[level - 1]
        setattr(self, name, getattr(self, name) + change)

    def snapshot(self) -> dict[str, int]:
        """Return every counter by its debugfs name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
