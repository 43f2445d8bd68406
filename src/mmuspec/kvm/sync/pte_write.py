"""Guest writes to tables that are shadowed.

Source: kvm_mmu_pte_write(), detect_write_flooding(),
detect_write_misaligned(), get_written_sptes(), need_remote_flush() (v3.11).
"""

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ..faults.prefetch import prefetch_gpte
from ..guest.memory import kvm_read_guest
from ..pages.zap import kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page, mmu_page_zap_pte
from ..sptes.spte import (
    PT64_NX_MASK,
    PT_PRESENT_MASK,
    PT_USER_MASK,
    PT_WRITABLE_MASK,
)
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import PT_PAGE_TABLE_LEVEL, WRITE_FLOODING_LIMIT
from ..state.errors import SlotError
from ..state.flush import kvm_flush_remote_tlbs, kvm_mmu_flush_tlb
from ..state.page import ShadowPage
from ..state.vcpu import Vcpu
from ..state.vm import Kvm


def detect_write_flooding(sp: ShadowPage) -> bool:
    """Count a write to the guest table of *sp*; True when it was one too many.

    A leaf table is never flooded: it goes unsync instead.
    """
    if sp.role.level == PT_PAGE_TABLE_LEVEL:
        return False
    sp.write_flooding_count += 1
    return sp.write_flooding_count >= WRITE_FLOODING_LIMIT


def detect_write_misaligned(sp: ShadowPage, gpa: int, size: int) -> bool:
    """Whether the write cannot be a write of one guest entry.

    A single byte at the start of an entry is let through: guests clear bits
    that way.

    :param size: bytes written
    """
    entry_size = 8 if sp.role.cr4_pae else 4
    offset = gpa & PAGE_MASK
    if size == 1 and not offset & (entry_size - 1):
        return False
    crosses = (offset ^ (offset + size - 1)) & ~(entry_size - 1)
    return bool(crosses) or size < 4


def get_written_sptes(sp: ShadowPage, gpa: int) -> list[int]:
    """Return the addresses of the sptes that shadow the entry written at *gpa*.

    An entry of 4 bytes is shadowed by one spte at level 1 and by two at level
    2, in the quadrant that the address falls in.
    """
    offset = gpa & PAGE_MASK
    count = 1
    if not sp.role.cr4_pae:
        offset *= 2
        if sp.role.level == 2:
            offset = (offset & ~7) * 2
            count = 2
        if offset >> PAGE_SHIFT != sp.role.quadrant:
            return []
    first = (offset & PAGE_MASK) // 8
    return [sp.sptep(first + i) for i in range(count)]


def need_remote_flush(kvm: Kvm, old: int, new: int) -> bool:
    """Whether a TLB that still has *old* would allow more than *new*."""
    if not kvm.masks.is_shadow_present_pte(old):
        return False
    if not kvm.masks.is_shadow_present_pte(new):
        return True
    if (old ^ new) & PT64_BASE_ADDR_MASK:
        return True
    rights = PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK
    inverted = PT64_NX_MASK
    return bool((old ^ inverted) & ~(new ^ inverted) & (rights | inverted))


def fetch_gentry(vcpu: Vcpu, gpa: int, value: int, size: int) -> tuple[int, int, int]:
    """Return (gpa, new guest entry or 0, size) of a write.

    A PAE guest may write an entry in two halves: half a write becomes the
    whole entry, read back from memory.
    """
    if size == 4 and vcpu.controls.pae:
        gpa &= ~7
        try:
            return gpa, kvm_read_guest(vcpu.kvm, gpa, 8), 8
        except SlotError:
            return gpa, 0, 8
    return gpa, value if size in (4, 8) else 0, size


def kvm_mmu_pte_write(vcpu: Vcpu, gpa: int, value: int, size: int) -> None:
    """Follow a write of *size* bytes that the emulator did at *gpa*."""
    kvm = vcpu.kvm
    if not kvm.indirect_shadow_pages:
        return
    gpa, gentry, size = fetch_gentry(vcpu, gpa, value, size)
    invalid_list: list[ShadowPage] = []
    remote = local = False
    with kvm.mmu_lock():
        kvm.stats.mmu_pte_write += 1
        for sp in kvm.for_each_gfn_indirect_valid_sp(gpa >> PAGE_SHIFT):
            if detect_write_misaligned(sp, gpa, size) or detect_write_flooding(sp):
                kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
                kvm.stats.mmu_flooded += 1
                continue
            for sptep in get_written_sptes(sp, gpa):
                local = True
                remote |= _replace(vcpu, sp, sptep, gentry)
        _flush(vcpu, zapped=bool(invalid_list), remote=remote, local=local)
        kvm_mmu_commit_zap_page(kvm, invalid_list)


def _replace(vcpu: Vcpu, sp: ShadowPage, sptep: int, gentry: int) -> bool:
    """Zap the spte of a written entry and shadow the new one; return whether to flush."""
    kvm = vcpu.kvm
    old = kvm.spte_at(sptep)
    mmu_page_zap_pte(kvm, sp, sptep)
    base = vcpu.mmu.base_role
    same_guest = (sp.role.cr0_wp, sp.role.cr4_pae, sp.role.nxe) == (
        base.cr0_wp,
        base.cr4_pae,
        base.nxe,
    )
    if kvm.epoch.counts_written_upper_entries_always:
        kvm.stats.mmu_pde_zapped += bool(gentry) and sp.role.level != PT_PAGE_TABLE_LEVEL
    elif gentry and same_guest and kvm.epoch.reinstalls_written_gpte:
        mmu_pte_write_new_pte(vcpu, sp, sptep, gentry)
    return need_remote_flush(kvm, old, kvm.spte_at(sptep))


def mmu_pte_write_new_pte(vcpu: Vcpu, sp: ShadowPage, sptep: int, gentry: int) -> None:
    """Shadow a written leaf entry at once; an upper one waits for the next fault."""
    if sp.role.level != PT_PAGE_TABLE_LEVEL:
        vcpu.kvm.stats.mmu_pde_zapped += 1
        return
    vcpu.kvm.stats.mmu_pte_updated += 1
    vcpu.mmu.update_pte(vcpu, sp, sptep, gentry)


def paging_update_pte(vcpu: Vcpu, sp: ShadowPage, sptep: int, gpte: int) -> None:
    """Shadow *gpte* without a fault (``FNAME(update_pte)``)."""
    prefetch_gpte(vcpu, sp, sptep, gpte, no_dirty_log=False)


def nonpaging_update_pte(vcpu: Vcpu, sp: ShadowPage, sptep: int, gpte: int) -> None:
    """Do nothing: direct pages shadow no table."""


def _flush(vcpu: Vcpu, *, zapped: bool, remote: bool, local: bool) -> None:
    """Flush as little as suffices; freeing zapped pages flushes everything anyway."""
    if zapped:
        return
    if remote:
        kvm_flush_remote_tlbs(vcpu.kvm)
    elif local:
        kvm_mmu_flush_tlb(vcpu)
