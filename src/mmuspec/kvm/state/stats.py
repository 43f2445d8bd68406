"""The counters that debugfs shows.

Source: debugfs_entries in arch/x86/kvm/x86.c (v3.11).
"""

from dataclasses import dataclass, fields


@dataclass
class Stats:
    """Counters of one VM, those of its vCPUs summed in."""

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

    def snapshot(self) -> dict[str, int]:
        """Return every counter by its debugfs name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
