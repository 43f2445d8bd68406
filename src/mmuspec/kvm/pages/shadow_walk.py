"""Walking the shadow tables for one address.

Source: shadow_walk_init(), shadow_walk_okay(), shadow_walk_next(),
walk_shadow_page_get_mmio_spte() (v3.11).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..sptes.spte import is_last_spte
from ..state.address import PT64_BASE_ADDR_MASK, shadow_index
from ..state.constants import INVALID_PAGE, PT32E_ROOT_LEVEL
from ..state.requests import VcpuMode
from ..state.vcpu import Vcpu


@dataclass(frozen=True)
class ShadowStep:
    """One level of the walk: where the spte is, and what it held when it was read."""

    level: int
    sptep: int
    spte: int


def for_each_shadow_entry(
    vcpu: Vcpu, addr: int, root_hpa: int | None = None
) -> Iterator[ShadowStep]:
    """Yield the spte for *addr* at each level, from the root down.

    :param root_hpa: another root than the current one

    The consumer may change an entry before it asks for the next one: the walk
    reads it again to descend.  It ends after a leaf and at an entry that links
    nothing.
    """
    kvm, mmu = vcpu.kvm, vcpu.mmu
    level, table = mmu.shadow_root_level, mmu.root_hpa if root_hpa is None else root_hpa
    if table == INVALID_PAGE:
        return
    if level == PT32E_ROOT_LEVEL:
        top = kvm.spte_at(table + 8 * (addr >> 30 & 3))
        if not top:
            return
        level, table = level - 1, top & PT64_BASE_ADDR_MASK
    while level >= 1:
        sptep = table + 8 * shadow_index(addr, level)
        yield ShadowStep(level, sptep, kvm.spte_at(sptep))
        spte = kvm.spte_at(sptep)
        if is_last_spte(spte, level) or not kvm.masks.is_shadow_present_pte(spte):
            return
        level, table = level - 1, spte & PT64_BASE_ADDR_MASK


def walk_shadow_page_lockless(vcpu: Vcpu, addr: int) -> int:
    """Return the last spte on the way to *addr*, read without ``mmu_lock``.

    While it walks the vCPU says so in its mode; whoever wants to free a table
    interrupts it and so waits for the walk to end.
    """
    vcpu.mode = VcpuMode.READING_SHADOW_PAGE_TABLES
    spte = 0
    for step in for_each_shadow_entry(vcpu, addr):
        spte = step.spte
    vcpu.mode = VcpuMode.OUTSIDE_GUEST_MODE
    return spte
