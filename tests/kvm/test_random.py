"""Random guests on random machines: after every operation everything must hold."""

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from mmuspec.contract import ContractBroken, InvariantBroken
from mmuspec.kvm.cpu.instruction import Instruction, Kind
from mmuspec.kvm.state.vm import Paging
from mmuspec.x86.entry import RW, US, A, D, P

from ..contract.broken import broken
from .guest import FRAMES, MMIO, PAGES, SLOT1, SPREAD, Guest, Setup

NIGHTLY = os.environ.get("MMUSPEC_NIGHTLY") == "1"
REPAIRED = {
    "BUG-4": "a write through one parent's rights succeeds through another's [C2]",
    "BUG-7": "a slot created over MMIO is not seen by a vCPU that cached the gfn [C3]",
    "BUG-10": "nor where a sync renewed the MMIO spte [C3]",
}
"""Defects of v3.11 that break the contract, and how; tests/contract/test_clauses.py shows each."""
SETUPS = [
    Setup("long4"),
    Setup("long4", vcpus=2),
    Setup("pae", vcpus=2, word_bits=32),
    Setup("legacy32", vcpus=2),
    Setup("nopaging"),
    Setup("long4", Paging.NPT),
    Setup("long4", Paging.EPT, vcpus=2),
    Setup("pae", Paging.NPT, word_bits=32),
    Setup("legacy32", Paging.EPT_NO_AD),
]
VCPUS = st.integers(0, 1)
BITS = st.sampled_from([0, P, P | A, P | A | D, P | US | A, P | RW | US, P | RW | US | A])
FULL = st.just(P | RW | US | A | D)
UPPER_BITS = st.sampled_from([P | RW | US | A] * 4 + [P | RW | US, P | US | A, P | RW | A, 0])
LEAF_BITS = st.one_of(BITS, FULL, FULL)
KINDS = st.sampled_from([Kind.READ, Kind.WRITE, Kind.EXEC])


class RandomGuest(RuleBasedStateMachine):
    setups: list[Setup] = SETUPS

    @initialize(data=st.data())
    def make(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.setups))
        self.guest = Guest(chosen)

    def gva(self, where: str, page: int) -> int:
        if not self.guest.paged:
            places = {"pages": FRAMES, "mmio": SLOT1, "window": FRAMES, "spread": FRAMES}
            return places[where] + (page << 12)
        places = {"pages": PAGES, "mmio": MMIO, "window": self.guest.window, "spread": SPREAD}
        step = 21 if where == "spread" else 12
        return places[where] + (page % (2 if where == "mmio" else 16) << step)

    WHERE = st.sampled_from(["pages", "pages", "pages", "mmio", "window", "spread"])

    @rule(kind=KINDS, where=WHERE, page=st.integers(0, 9), user=st.booleans(), vcpu=VCPUS)
    def access(self, kind: Kind, where: str, page: int, user: bool, vcpu: int) -> None:
        gva = self.gva(where, page)
        if kind is Kind.WRITE and where == "window":
            kind = Kind.READ
        self.guest.access(kind, gva, user=user, vcpu=vcpu, value=1)

    @rule(which=st.integers(0, 9), frame=st.integers(0, 7), bits=LEAF_BITS, vcpu=VCPUS)
    def write_leaf(self, which: int, frame: int, bits: int, vcpu: int) -> None:
        if self.guest.paged:
            self.guest.write_entry(which, self.guest.leaf_value(frame, bits), vcpu=vcpu)

    @rule(page=st.integers(0, 7), frame=st.integers(0, 7), bits=LEAF_BITS, kind=KINDS, vcpu=VCPUS)
    def remap(self, page: int, frame: int, bits: int, kind: Kind, vcpu: int) -> None:
        """Do what an operating system does: use, change, invalidate, use again."""
        if self.guest.paged:
            gva = self.gva("pages", page)
            self.guest.access(Kind.READ, gva, user=False, vcpu=vcpu)
            self.guest.write_entry(page, self.guest.leaf_value(frame, bits), vcpu=vcpu)
            self.guest.run(Instruction(Kind.INVLPG, gva), vcpu)
            self.guest.access(kind, gva, user=False, vcpu=vcpu, value=1)

    @rule(which=st.integers(0, 9), frame=st.integers(0, 5), vcpu=VCPUS)
    def map_a_table(self, which: int, frame: int, vcpu: int) -> None:
        """Map one of the guest's own tables as a page."""
        if self.guest.paged:
            value = 0x10000 + (frame << 12) | P | RW | US | A | D
            self.guest.write_entry(which, value, vcpu=vcpu)

    @rule(which=st.integers(0, 3), bits=UPPER_BITS, vcpu=VCPUS)
    def write_upper(self, which: int, bits: int, vcpu: int) -> None:
        if len(self.guest.entries) > 10:
            which %= len(self.guest.entries) - 10
            value = self.guest.upper_value(which, bits)
            self.guest.write_entry(10 + which, value, vcpu=vcpu)

    @rule(where=WHERE, page=st.integers(0, 9), vcpu=VCPUS)
    def invlpg(self, where: str, page: int, vcpu: int) -> None:
        self.guest.run(Instruction(Kind.INVLPG, self.gva(where, page)), vcpu)

    @rule(which=st.integers(0, 1), vcpu=VCPUS)
    def load_cr3(self, which: int, vcpu: int) -> None:
        if self.guest.paged:
            self.guest.load_cr3(which, vcpu)

    @rule(what=st.sampled_from(["wp", "smep", "nxe"]), vcpu=VCPUS)
    def toggle(self, what: str, vcpu: int) -> None:
        if self.guest.paged:
            self.guest.toggle(what, vcpu)

    @rule(what=st.sampled_from(["create", "create read-only", "delete", "move"]))
    def slot1(self, what: str) -> None:
        self.guest.slot1(what)

    @rule(what=st.sampled_from(["on", "off", "fetch", "fetch"]))
    def log(self, what: str) -> None:
        self.guest.log(what)

    @rule(
        what=st.sampled_from(
            ["swap", "range", "protect", "age", "replace", "replace by a writable page"]
        ),
        page=st.integers(0, 14),
    )
    def disturb(self, what: str, page: int) -> None:
        self.guest.disturb(what, page)

    @rule(what=st.sampled_from(["shrink", "zap all", "64"]))
    def memory_pressure(self, what: str) -> None:
        self.guest.memory_pressure(what)

    @rule(contended=st.booleans())
    def contend(self, contended: bool) -> None:
        self.guest.contended = contended

    @rule(vcpu=VCPUS)
    def sweep(self, vcpu: int) -> None:
        """Use every leaf table once."""
        for i in range(self.guest.setup.spread if self.guest.paged else 8):
            self.guest.access(Kind.READ, self.gva("spread", i), user=False, vcpu=vcpu)

    @invariant()
    def everything_holds(self) -> None:
        if hasattr(self, "guest"):
            self.guest.verify()


def run(setup: Setup, *, examples: int, steps: int, shrink: bool = True) -> None:
    """Run one setup, the defects of the era that break the contract repaired."""
    setups = [replace(setup, repaired=tuple(REPAIRED))]
    run_state_machine_as_test(
        type("OneGuest", (RandomGuest,), {"setups": setups}),
        settings=settings(
            derandomize=not NIGHTLY,
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("setup", SETUPS, ids=lambda s: f"{s.mode}-{s.paging.name}-{s.vcpus}")
def test_everything_holds_after_every_operation(setup: Setup) -> None:
    if NIGHTLY:
        run(setup, examples=400, steps=80)
    else:
        run(setup, examples=10, steps=40)


BREAKAGES = [
    (Setup("long4"), "pages.lookup:_create", "if rmap_write_protect(kvm, gfn):", "if False:"),
    (Setup("long4"), "sync.invlpg:paging_invlpg", "if sp.unsync:", "if False:"),
    (Setup("long4"), "sync.pte_write:_replace", "mmu_page_zap_pte(kvm, sp, sptep)", "pass"),
    (Setup("long4", Paging.EPT), "sptes.set_spte:set_spte", "mark_page_dirty(kvm, gfn)", "pass"),
    (
        Setup("legacy32"),
        "guest.permissions:protect_clean_gpte",
        "return access if gpte & D else access & ~Acc.WRITE",
        "return access",
    ),
    (
        Setup("nopaging"),
        "slots.notifier:_unmap_and_flush",
        "kvm_flush_remote_tlbs(kvm)",
        "pass",
    ),
]


@pytest.mark.parametrize(
    ("setup", "target", "before", "after"), BREAKAGES, ids=[each[1] for each in BREAKAGES]
)
def test_a_broken_model_is_caught(setup: Setup, target: str, before: str, after: str) -> None:
    """The search is worth something: it finds what it is meant to find."""
    with broken(target, before, after), pytest.raises((ContractBroken, InvariantBroken)):
        run(setup, examples=60, steps=40, shrink=False)
