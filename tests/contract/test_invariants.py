"""Each invariant is caught by its own check: corruption is planted, one field at a time."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mmuspec.contract import (
    CHECKS,
    LEFT_TO_INTERLEAVINGS,
    NUMBER_OF_INVARIANTS,
    PARTLY,
    WATCHED,
    check,
    coverage,
)
from mmuspec.epochs.versions import V5_10
from mmuspec.kvm.rmaps.pte_list import PteListDesc, pte_list_add
from mmuspec.kvm.state.page import ShadowPage
from mmuspec.kvm.state.requests import Request
from mmuspec.kvm.state.role import Acc
from mmuspec.kvm.state.vm import Paging
from mmuspec.rules import read
from mmuspec.rules.places import SPEC
from mmuspec.scenario.machine import HVA_BASE, PAGE_BITS, Machine
from mmuspec.x86.entry import PAGE_SHIFT, RW, XD

GVA, GPA, MMIO = 0x40_0000, 0x5000, 0x60_0000


def machine(**options: object) -> Machine:
    """Two written pages below one table, one MMIO page, and a table mapped read-only."""
    m = Machine(**options)  # type: ignore[arg-type]
    if m.mode.levels:
        m.map(GVA, GPA)
        m.map(GVA + 0x1000, GPA + 0x1000)
        m.map(GVA + 0x2000, m.entry(GVA) & ~0xFFF, PAGE_BITS & ~RW)
        m.map(MMIO, 0x90_0000)
        for gva in (GVA, GVA + 0x1000):
            m.write(gva)
        m.read(GVA + 0x2000)
        m.read(MMIO)
    else:
        m.write(GPA)
        m.read(0x90_0000)
    assert check(m.kvm) == []
    return m


def leaf(m: Machine, gva: int = GVA) -> tuple[ShadowPage, int]:
    step = m.walk(gva)[-1]
    sp = m.kvm.page_header(step.sptep)
    return sp, sp.index_of(step.sptep)


def link(m: Machine, gva: int = GVA) -> tuple[ShadowPage, int]:
    step = m.walk(gva)[-2]
    sp = m.kvm.page_header(step.sptep)
    return sp, sp.index_of(step.sptep)


def with_bits(where: Callable[..., tuple[ShadowPage, int]], bits: int) -> Callable[[Machine], None]:
    def plant(m: Machine) -> None:
        sp, index = where(m)
        sp.spt[index] ^= bits

    return plant


def hash_twice(m: Machine) -> None:
    m.kvm.hash_add(m.page(GVA))


def unlisted(m: Machine) -> None:
    del m.kvm.active_mmu_pages[m.page(GVA)]
    m.kvm.n_used_mmu_pages -= 1


def same_role(m: Machine) -> None:
    m.page(GVA, 1).gfn, m.page(GVA, 1).role = m.page(GVA, 2).gfn, m.page(GVA, 2).role


def forget_parent(m: Machine) -> None:
    m.page(GVA).parent_ptes.val = 0


def level_wrong(m: Machine) -> None:
    m.page(GVA, 2).role = m.page(GVA, 2).role.with_(level=3)


def forget_rmap(m: Machine) -> None:
    m.kvm.memslots.slots[0].gfn_to_rmap(GPA >> PAGE_SHIFT, 1).val = 0


def list_an_empty_spte(m: Machine) -> None:
    sp, _ = leaf(m)
    pte_list_add(m.kvm.descs, m.kvm.memslots.slots[0].gfn_to_rmap(0x77, 1), sp.sptep(300))


def lose_a_descriptor(m: Machine) -> None:
    m.kvm.descs.descs[0x1000] = PteListDesc([8])


def direct_with_gfns(m: Machine) -> None:
    sp = m.page(GPA)
    sp.gfns = [sp.gfn_of(index) for index in range(512)]


def w_on_a_table(m: Machine) -> None:
    sp, index = leaf(m, GVA + 0x2000)
    sp.spt[index] |= 2


def unsync_upper(m: Machine) -> None:
    m.page(GVA, 2).unsync = True
    m.kvm.stats.mmu_unsync += 1


def unsync_without_flag(m: Machine) -> None:
    m.page(GVA).unsync = True
    m.kvm.stats.mmu_unsync += 1


def flag_uncounted(m: Machine) -> None:
    m.page(GVA, 2).unsync_children += 1


def unsync_counted_wrong(m: Machine) -> None:
    m.kvm.stats.mmu_unsync += 1


def write_count_wrong(m: Machine) -> None:
    m.kvm.memslots.slots[0].write_count[2, 0] -= 1


def indirect_wrong(m: Machine) -> None:
    m.kvm.indirect_shadow_pages = 0


def used_wrong(m: Machine) -> None:
    m.kvm.n_used_mmu_pages += 1


def root_unheld(m: Machine) -> None:
    m.page(GVA, 4).root_count = 0


def younger_first(m: Machine) -> None:
    next(iter(m.kvm.active_mmu_pages)).mmu_valid_gen = 1


def invalid_with_entries(m: Machine) -> None:
    m.page(GVA).role = m.page(GVA).role.with_(invalid=True)


def obsolete_root(m: Machine) -> None:
    m.page(GVA, 4).mmu_valid_gen -= 1


def quadrant_of_pae(m: Machine) -> None:
    m.page(GVA).role = m.page(GVA).role.with_(quadrant=1)


def clean_but_writable(m: Machine) -> None:
    entry = m.entry(GVA)
    m.poke(entry, m.peek(entry) & ~0x40)


def forbidden_user(m: Machine) -> None:
    entry = m.entry(GVA, 3)
    m.poke(entry, m.peek(entry) & ~4)


def forbidden_fetch(m: Machine) -> None:
    entry = m.entry(GVA, 2)
    m.poke(entry, m.peek(entry) | XD)


def large_inside(m: Machine) -> None:
    m.kvm.memslots.slots[1].write_count[2, 0] += 1


def large_and_logged(m: Machine) -> None:
    m.kvm.memslots.slots[1].flags |= 1


def unlogged(m: Machine) -> None:
    m.kvm.memslots.slots[0].flags |= 1


def stolen(m: Machine) -> None:
    m.kvm.host.map_page(HVA_BASE + GPA)


def layout_of_another_version(m: Machine) -> None:
    m.kvm.mmio_sptes.layout = V5_10.generation


def slot_without_a_word(m: Machine) -> None:
    m.kvm.memslots.slots[0].flags |= 1 << 16


def stamped_too_new(m: Machine) -> None:
    m.memslot(2, 0x90_0000, 0x1000)
    sp, index = leaf(m, MMIO)
    gen = (m.kvm.memslots.generation - 151) % (1 << 19)
    sp.spt[index] = m.kvm.mmio_sptes.encode(0x900, Acc.ALL, gen)


def flooded(m: Machine) -> None:
    m.page(GVA, 2).write_flooding_count = 3


def flooded_leaf(m: Machine) -> None:
    m.page(GVA).write_flooding_count = 1


def crowded(m: Machine) -> None:
    head = m.kvm.memslots.slots[0].gfn_to_rmap(GPA >> PAGE_SHIFT, 1)
    for i in range(1001):
        pte_list_add(m.kvm.descs, head, 0x7000_0000 + 8 * i)


def unaligned_cache(m: Machine) -> None:
    m.vcpu.mmio.mmio_gva |= 0x123


def forgotten_in_a_tlb(m: Machine) -> None:
    m.vcpu.requests.discard(Request.TLB_FLUSH)
    head = m.kvm.memslots.slots[0].gfn_to_rmap(GPA >> PAGE_SHIFT, 1)
    sp, index = leaf(m)
    head.val = sp.spt[index] = 0


PLANTS = [
    ("INV-1", hash_twice),
    ("INV-1", unlisted),
    ("INV-2", same_role),
    ("INV-5", forget_parent),
    ("INV-6", level_wrong),
    ("INV-7", forget_rmap),
    ("INV-8", list_an_empty_spte),
    ("INV-9", lose_a_descriptor),
    ("INV-11", w_on_a_table),
    ("INV-12", unsync_upper),
    ("INV-13", unsync_without_flag),
    ("INV-14", flag_uncounted),
    ("INV-15", unsync_counted_wrong),
    ("INV-16", write_count_wrong),
    ("INV-17", indirect_wrong),
    ("INV-18", used_wrong),
    ("INV-19", root_unheld),
    ("INV-20", younger_first),
    ("INV-22", invalid_with_entries),
    ("INV-24", obsolete_root),
    ("INV-25", quadrant_of_pae),
    ("INV-26", with_bits(leaf, 1 << 11)),
    ("INV-27", clean_but_writable),
    ("INV-27", forbidden_user),
    ("INV-27", forbidden_fetch),
    ("INV-28", with_bits(link, 2)),
    ("INV-31", unlogged),
    ("INV-33", stolen),
    ("INV-39", layout_of_another_version),
    ("INV-41", slot_without_a_word),
    ("INV-41", stamped_too_new),
    ("INV-43", flooded),
    ("INV-43", flooded_leaf),
    ("INV-45", crowded),
    ("INV-46", unaligned_cache),
    ("INV-48", forgotten_in_a_tlb),
]
ALSO = {
    # What one corruption breaks besides.
    "hash_twice": {"INV-2"},
    "same_role": {"INV-1", "INV-5", "INV-6", "INV-7", "INV-16", "INV-27", "INV-28", "INV-48"},
    "level_wrong": {"INV-2", "INV-7", "INV-28"},
    "list_an_empty_spte": {"INV-7"},
    "unlisted": {"INV-5", "INV-7", "INV-16", "INV-17", "INV-48"},
    "unsync_upper": {"INV-13"},
    "flag_uncounted": {"INV-13"},
    "w_on_a_table": {"INV-26", "INV-27"},
    "younger_first": {"INV-24"},
    "invalid_with_entries": {"INV-16", "INV-17"},
    "crowded": {"INV-7", "INV-8"},
}


@pytest.mark.parametrize(("id", "plant"), PLANTS, ids=[f"{i}-{p.__name__}" for i, p in PLANTS])
def test_planted_corruption_is_caught(id: str, plant: Callable[[Machine], None]) -> None:
    m = machine()
    m.vcpu.requests.clear()
    plant(m)
    found = {violation.id for violation in check(m.kvm)}
    assert id in found
    assert found - {id} <= ALSO.get(plant.__name__, set())


def test_a_direct_page_has_no_gfns() -> None:
    m = machine(mode="nopaging")
    direct_with_gfns(m)
    assert {violation.id for violation in check(m.kvm)} == {"INV-10"}


@pytest.mark.parametrize(("id", "plant"), [("INV-29", large_inside), ("INV-30", large_and_logged)])
def test_large_pages_are_looked_at(id: str, plant: Callable[[Machine], None]) -> None:
    m = Machine(paging=Paging.EPT)
    m.kvm.host.map_huge(HVA_BASE + 0x40_0000)
    m.memslot(1, 0x40_0000, 0x20_0000)
    m.map(GVA, 0x40_0000)
    m.write(GVA)
    assert check(m.kvm) == []
    plant(m)
    assert id in {violation.id for violation in check(m.kvm)}


def test_every_invariant_is_looked_after() -> None:
    said = coverage()
    assert list(said) == [f"INV-{n}" for n in range(1, NUMBER_OF_INVARIANTS + 1)]
    assert len(CHECKS) + len(WATCHED) + len(LEFT_TO_INTERLEAVINGS) == NUMBER_OF_INVARIANTS
    assert PARTLY.keys() <= {*CHECKS, *WATCHED}


@pytest.mark.parametrize("reason", [*PARTLY.values(), *LEFT_TO_INTERLEAVINGS.values()])
def test_what_interleavings_decide_has_a_rule_and_a_protocol(reason: str) -> None:
    (ident,) = re.findall(r"\(([A-Z]+-\d+)\)", reason)
    rule = read().rule(ident)
    assert rule is not None
    assert "{protocol} mmuspec.interleave.protocols" in (SPEC / Path(rule.chapter).name).read_text(
        encoding="utf-8"
    )


def test_a_violation_names_the_place() -> None:
    m = machine()
    forget_parent(m)
    (violation,) = check(m.kvm)
    assert str(violation).startswith("INV-5: <sp gfn")
    assert "lists parent" in violation.text
