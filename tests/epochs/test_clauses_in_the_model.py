"""What some clauses do to a running model."""

import functools
import operator

import pytest

from mmuspec.epochs import EPOCHS, V3_10, V3_11, V5_10, V6_1, Epoch
from mmuspec.kvm.pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from mmuspec.kvm.slots.dirty_log import kvm_mmu_slot_remove_write_access
from mmuspec.kvm.state.constants import KVM_MEM_LOG_DIRTY_PAGES
from mmuspec.kvm.state.errors import ModelError
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import HVA_BASE, Machine
from mmuspec.trace.printed import has_trace_point, printed_fields
from mmuspec.x86.entry import bits

ONE, OTHER = 0x60_0000, 0x60_1000


def mmio_machine(epoch: Epoch) -> Machine:
    """A guest whose page ONE is known by its MMIO spte, and OTHER by the vCPU's cache."""
    machine = Machine(epoch=epoch, repaired=["BUG-2"])
    machine.map(ONE, 0xFEE0_0000)
    machine.map(OTHER, 0xFEC0_0000)
    machine.read(ONE)
    machine.read(OTHER)
    machine.events()
    return machine


def test_v3_10_asks_no_mmio_spte_for_its_generation() -> None:
    old, new = mmio_machine(V3_10), mmio_machine(V3_11)
    assert old.read(ONE).mmio
    assert new.read(ONE).mmio
    assert old.names() == ["handle_mmio_page_fault"]
    assert new.names() == ["check_mmio_spte", "handle_mmio_page_fault"]


@pytest.mark.parametrize("change", ["create", "move"])
def test_v3_10_zaps_mmio_sptes_when_a_slot_comes(change: str) -> None:
    machine = mmio_machine(V3_10)
    if change == "move":
        machine.memslot(1, 0x4000_0000, 0x1000)
        machine.read(ONE)
        machine.memslot(1, 0x5000_0000, 0x1000, hva=0x7F00_4000_0000)
    else:
        machine.memslot(1, 0xFEE0_0000, 0x1000)
    assert not machine.kvm.masks.is_mmio_spte(machine.spte(ONE))
    if change == "create":
        machine.read(OTHER)  # takes the vCPU's cache, which nothing clears [BUG-7]
        assert machine.read(ONE).value == 0


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
def test_a_version_emits_only_events_that_it_has(epoch: Epoch) -> None:
    machine = mmio_machine(epoch)
    for step in range(3):
        machine.read(ONE)
        machine.memslot(1, 0x4000_0000 + 0x1000 * step, 0x1000)
        machine.read(OTHER)
        machine.memslot(1, 0, 0)
    events = machine.events()
    assert events
    for event in events:
        assert has_trace_point(epoch.name, event.name), event
        if epoch is V3_10:
            assert "gen" not in printed_fields(event, epoch)


def test_v3_10_has_no_generation_of_pages() -> None:
    machine = Machine(epoch=V3_10)
    with pytest.raises(ModelError, match=r"v3\.10 has no generation of pages"):
        kvm_mmu_invalidate_zap_all_pages(machine.kvm)


def test_a_host_that_cannot_make_mmio_sptes_emulates_every_access() -> None:
    machine = Machine(epoch=V6_1, maxphyaddr=52)
    machine.map(ONE, 0xFEE0_0000)
    for _ in range(2):
        assert machine.read(ONE).mmio
        assert machine.spte(ONE) == 0


@pytest.mark.parametrize(
    ("epoch", "logged", "fast"),
    [
        (V5_10, True, False),
        (V5_10, False, False),
        (V6_1, True, False),
        (V6_1, False, True),
    ],
    ids=str,
)
def test_when_a_large_spte_is_made_writable_without_the_lock(
    epoch: Epoch, logged: bool, fast: bool
) -> None:
    machine = Machine("nopaging", paging=Paging.NPT, epoch=epoch)
    machine.memslot(1, 0x40_0000, 0x20_0000)
    machine.kvm.host.map_huge(HVA_BASE + 0x40_0000)
    machine.write(0x40_0000)
    slot = machine.kvm.memslots.slots[1]
    kvm_mmu_slot_remove_write_access(machine.kvm, slot)
    slot.flags = KVM_MEM_LOG_DIRTY_PAGES if logged else 0
    machine.events()
    machine.write(0x40_0000)
    (event,) = [event for event in machine.events() if event.name == "fast_page_fault"]
    assert event.values()["fixed"] is fast


@pytest.mark.parametrize("paging", [Paging.SHADOW, Paging.EPT], ids=str)
@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
def test_the_fields_of_an_mmio_spte_are_where_it_is_encoded(epoch: Epoch, paging: Paging) -> None:
    form = Machine("nopaging", epoch=epoch, paging=paging).kvm.mmio_sptes
    taken = [bits(field.low, field.high) for field in form.fields()]
    every = functools.reduce(operator.or_, taken)
    assert sum(taken) == every
    assert form.encode(gfn=0xFEE00, access=7, gen=(1 << epoch.generation.bits) - 1) & ~every == 0
    ones = [bits(f.low, f.high) for f in form.fields() if f.name in ("ones", "1", "11")]
    assert all(form.fixed & mask == mask for mask in ones)
