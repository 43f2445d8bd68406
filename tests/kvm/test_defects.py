"""Every defect that the model reproduces makes a difference that its switch takes away."""

from collections.abc import Callable

import pytest

from mmuspec.kvm.faults.direct import direct_map
from mmuspec.kvm.faults.fast_page_fault import _try_fix
from mmuspec.kvm.faults.map_pfn import fetch_pfn
from mmuspec.kvm.faults.pfn import Pfn
from mmuspec.kvm.pages.recycle import prepare_zap_oldest_mmu_page
from mmuspec.kvm.pages.shadow_walk import ShadowStep
from mmuspec.kvm.pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from mmuspec.kvm.rmaps.pte_list import PteList, pte_list_add
from mmuspec.kvm.rmaps.rmap import rmap_recycle
from mmuspec.kvm.slots.notifier import kvm_mmu_notifier_change_pte
from mmuspec.kvm.state.constants import KVM_MEM_READONLY
from mmuspec.kvm.state.defects import DEFECTS
from mmuspec.kvm.state.requests import VcpuMode
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import HVA_BASE, PAGE_BITS, Machine
from mmuspec.x86.entry import US, P

GVA = 0x40_0000
Observation = Callable[[list[str]], object]
OBSERVED: dict[str, Observation] = {}


def observes(defect: str) -> Callable[[Observation], Observation]:
    """Register the decorated function as what shows *defect*."""

    def register(function: Observation) -> Observation:
        OBSERVED[defect] = function
        return function

    return register


@observes("BUG-1")
def count_of_the_fourth_add(repaired: list[str]) -> object:
    m, head = Machine(repaired=repaired), PteList()
    return [pte_list_add(m.kvm.descs, head, 8 * i) for i in range(1, 5)]


@observes("BUG-2")
def walks_for_a_first_touch(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.map(GVA, 0x5000)
    m.read(GVA)
    return m.names().count("kvm_mmu_pagetable_walk")


@observes("BUG-3")
def a_table_in_a_read_only_slot(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.memslot(1, 0x100_0000, 0x1000, flags=KVM_MEM_READONLY)
    m.poke(m.entry(GVA, 2), 0x100_0000 | PAGE_BITS)
    m.poke(0x100_0000, 0x5000 | PAGE_BITS)
    return m.read(GVA).fault


@observes("BUG-4")
def rights_of_the_page_above(repaired: list[str]) -> object:
    m = Machine(repaired=["BUG-2", *repaired])
    m.map(GVA, 0x5000)
    m.poke(m.entry(GVA, 2), m.peek(m.entry(GVA, 2)) & ~0xFFF | P | US)
    m.read(GVA)
    return m.page(GVA, 2).role.access


@observes("BUG-5")
def sptes_behind_a_fault(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    for gfn in range(8):
        m.kvm.host.map_page(HVA_BASE + (gfn << 12))
    m.read(0)
    return sum(1 for spte in m.page(0).spt if spte)


@observes("BUG-6")
def a_small_page_inside_a_large_one(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.memslot(1, 0x40_0000, 0x20_0000)
    m.kvm.host.map_huge(HVA_BASE + 0x40_0000)
    m.read(0x40_0000)
    with m.kvm.mmu_lock():
        direct_map(m.vcpu, 0x400, fetch_pfn(m.vcpu, 0x400, write=False).pfn, 1, write=False)
    return m.walk(0x40_0000)[-1].level


@observes("BUG-7")
def a_slot_over_a_cached_mmio_frame(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.read(0x40_0000)
    m.memslot(1, 0x40_0000, 0x1000)
    return m.read(0x40_0000).mmio


@observes("BUG-9")
def a_slot_in_the_middle_of_a_fault(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.read(0x3000)
    found = fetch_pfn(m.vcpu, 0x400, write=False)
    m.memslot(1, 0x40_0000, 0x1000)
    with m.kvm.mmu_lock():
        direct_map(m.vcpu, 0x400, found.pfn, 1, write=False)
    return m.read(0x40_0000).mmio


@observes("BUG-10")
def a_slot_over_a_synchronized_mmio_spte(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.map(GVA, 0x40_0000)
    m.read(GVA)
    table = 0x80_0000
    m.map(table, m.entry(GVA) & ~0xFFF)
    m.write(table + 0xFF8, 0)
    m.memslot(1, 0x40_0000, 0x1000)
    m.cr3()
    return m.read(GVA).mmio


@observes("BUG-11")
def flushes_owed_after_a_sync(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.map(GVA, 0x5000)
    m.map(GVA + 0x1000, 0x6000)
    m.read(GVA)
    m.read(GVA + 0x1000)
    table = 0x80_0000
    m.map(table, m.entry(GVA) & ~0xFFF)
    m.write(table + (m.entry(GVA) & 0xFFF), 0)
    m.cr3()
    return m.kvm.tlbs_dirty


@observes("QUIRK-1")
def an_exchange_that_lost(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.write(0x3000)
    m.memslot(0, 0, 0x20_0000, flags=1)
    step = m.walk(0x3000)[-1]
    stale = ShadowStep(step.level, step.sptep, step.spte ^ m.kvm.masks.dirty)
    return _try_fix(m.vcpu, stale, 1)


@observes("QUIRK-2")
def large_pages_after_the_host_took_one(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.memslot(1, 0x40_0000, 0x20_0000)
    m.kvm.host.map_huge(HVA_BASE + 0x40_0000)
    m.read(0x40_0000)
    m.kvm.host.unmap_page(HVA_BASE + 0x40_0000)
    return m.kvm.stats.largepages


@observes("QUIRK-3")
def faults_counted_as_fixed(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.map(GVA, 0x5000)
    m.read(GVA)
    ept = Machine(paging=Paging.EPT, repaired=repaired)
    ept.map(GVA, 0xD000_0000)
    ept.read(GVA)
    ept.read(GVA)
    return m.kvm.stats.pf_fixed, ept.kvm.stats.mmio_exits


@observes("QUIRK-4")
def the_oldest_page_is_a_root(repaired: list[str]) -> object:
    m = Machine(repaired=repaired)
    m.map(GVA, 0x5000)
    m.read(GVA)
    root = m.pages()[0]
    with m.kvm.mmu_lock():
        prepare_zap_oldest_mmu_page(m.kvm, m.kvm.zapped_obsolete_pages)
    return root.role.invalid


@observes("QUIRK-5")
def the_entry_just_added(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.read(0x3000)
    with m.kvm.mmu_lock():
        rmap_recycle(m.kvm, m.walk(0x3000)[-1].sptep, 3, 1001)
    return bool(m.spte(0x3000))


@observes("QUIRK-6")
def mmu_writeable_after_change_pte(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.write(0x3000)
    kvm_mmu_notifier_change_pte(m.kvm, HVA_BASE + 0x3000, 0x777, writable=False)
    return bool(m.spte(0x3000) & m.kvm.masks.mmu_writeable)


@observes("QUIRK-7")
def how_often_zap_all_offers_the_lock(repaired: list[str]) -> object:
    m = Machine(repaired=["BUG-2", *repaired])
    for i in range(16):
        m.map(i << 30, 0x5000)
        m.read(i << 30)
    asked: list[None] = []
    m.kvm.mmu_lock.contended = lambda: bool(asked.append(None))
    kvm_mmu_invalidate_zap_all_pages(m.kvm)
    return len(asked)


@observes("QUIRK-8")
def flushes_for_two_slots_of_one_page(repaired: list[str]) -> object:
    m = Machine("nopaging", repaired=repaired)
    m.memslot(1, 0x40_0000, 0x1000, hva=HVA_BASE + 0x3000)
    m.read(0x3000)
    m.read(0x40_0000)
    m.vcpu.mode = VcpuMode.IN_GUEST_MODE
    kvm_mmu_notifier_change_pte(m.kvm, HVA_BASE + 0x3000, 0x777, writable=False)
    return m.kvm.stats.remote_tlb_flush


@pytest.mark.parametrize("defect", [name for name, what in DEFECTS.items() if what.modelled])
def test_the_switch_makes_a_difference(defect: str) -> None:
    observe = OBSERVED[defect]
    assert observe([]) != observe([defect])


def test_a_pfn_without_a_slot_is_no_frame() -> None:
    assert fetch_pfn(Machine("nopaging").vcpu, 0x400, write=False).pfn != Pfn()
