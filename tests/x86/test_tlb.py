from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.x86.controls import (
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMAP,
    CR4_SMEP,
    Controls,
)
from mmuspec.x86.entry import PAGE_SIZE, RW, US, D, G, P
from mmuspec.x86.exceptions import PageFault
from mmuspec.x86.mode import LONG4
from mmuspec.x86.pferr import READ, Pferr
from mmuspec.x86.tlb import (
    FLUSH,
    INVLPG,
    MOV_CR3,
    OBLIGATIONS,
    PAGE_FAULT,
    Forget,
    Obligation,
    Tlb,
    Walk,
)
from mmuspec.x86.walk import Translation, walk

from .tables import ALL, LONG, NO_PAGING32, Tables

LINEAR = 0x4060_5123
CONTROLS = LONG.with_(cr4=LONG.cr4 | CR4_PGE)


def walker(tables: Tables, controls: Controls = CONTROLS) -> Walk:
    return lambda linear, access: walk(tables.memory, controls, linear, access)


def no_walk(linear: int, access: int) -> Translation:
    raise AssertionError(f"walked for {linear:#x}")


def page(physical: int = 0, size: int = PAGE_SIZE, global_: bool = False) -> Translation:
    return Translation(physical, 1, size, True, True, False, global_, True, ())


def filled(global_: bool = False) -> Tlb:
    tlb = Tlb()
    tlb.insert(LINEAR, page(global_=global_))
    return tlb


def test_a_hit_needs_no_walk() -> None:
    tables, tlb = Tables(LONG4), Tlb()
    tables.map(LINEAR, 0x77_7000)
    assert tlb.access(CONTROLS, LINEAR, READ, walker(tables)) == 0x77_7123
    assert tlb.access(CONTROLS, LINEAR + 1, READ, no_walk) == 0x77_7124


def test_what_changed_in_the_tables_shows_only_after_invlpg() -> None:
    tables, tlb = Tables(LONG4), Tlb()
    tables.map(LINEAR, 0x77_7000)
    tlb.access(CONTROLS, LINEAR, READ, walker(tables))
    tables.map(LINEAR, 0x88_8000)
    assert tlb.access(CONTROLS, LINEAR, READ, walker(tables)) == 0x77_7123
    tlb.forget(INVLPG, LINEAR)
    assert tlb.access(CONTROLS, LINEAR, READ, walker(tables)) == 0x88_8123


def test_the_first_write_walks_to_set_dirty() -> None:
    tables, tlb = Tables(LONG4), Tlb()
    *_, leaf = tables.map(LINEAR, 0x77_7000)
    tlb.access(CONTROLS, LINEAR, READ, walker(tables))
    assert not tables.get(leaf) & D
    tlb.access(CONTROLS, LINEAR, Pferr.W, walker(tables))
    assert tables.get(leaf) & D
    tlb.access(CONTROLS, LINEAR, Pferr.W, no_walk)


def test_a_right_granted_later_is_found_without_invalidation() -> None:
    """A cached page that forbids the access makes no fault that the tables do not make."""
    tables, tlb = Tables(LONG4), Tlb()
    *_, leaf = tables.map(LINEAR, 0x77_7000, P | US)
    tlb.access(CONTROLS, LINEAR, READ, walker(tables))
    with pytest.raises(PageFault):
        tlb.access(CONTROLS, LINEAR, Pferr.W, walker(tables))
    tables.put(leaf, tables.get(leaf) | RW)
    assert tlb.access(CONTROLS, LINEAR, Pferr.W, walker(tables)) == 0x77_7123


def test_rights_are_judged_by_the_controls_of_the_moment() -> None:
    tlb = Tlb()
    tlb.insert(LINEAR, page()._replace(rw=False))
    assert tlb.access(CONTROLS.with_(cr0=CONTROLS.cr0 & ~CR0_WP), LINEAR, Pferr.W, no_walk) == 0x123
    with pytest.raises(AssertionError):
        tlb.access(CONTROLS, LINEAR, Pferr.W, no_walk)


def test_nothing_is_cached_without_paging() -> None:
    tlb = Tlb()
    found = tlb.access(NO_PAGING32, LINEAR, READ, lambda linear, _: page(linear))
    assert (found, len(tlb)) == (LINEAR, 0)


@pytest.mark.parametrize("obligation", [INVLPG, PAGE_FAULT])
def test_an_address_is_forgotten_in_every_size_and_although_global(obligation: Obligation) -> None:
    tlb = Tlb()
    for size in (PAGE_SIZE, 2 << 20, 1 << 30):
        tlb.insert(LINEAR, page(0, size, global_=True))
    tlb.insert(LINEAR + PAGE_SIZE, page())
    assert len(list(tlb.covering(LINEAR))) == 3
    tlb.forget(obligation, LINEAR)
    assert [entry.linear for entry in tlb] == [(LINEAR + PAGE_SIZE) & -PAGE_SIZE]


def test_an_address_is_needed() -> None:
    with pytest.raises(ValueError, match="INVLPG is about an address"):
        Tlb().forget(INVLPG)


def test_mov_cr3_spares_global_pages() -> None:
    for global_ in (False, True):
        tlb = filled(global_)
        tlb.forget(MOV_CR3)
        assert len(tlb) == global_


def test_full_flush() -> None:
    tlb = filled(global_=True)
    tlb.forget(FLUSH)
    assert not len(tlb)


@pytest.mark.parametrize(
    ("old", "new", "forgotten"),
    [
        (CONTROLS, CONTROLS, False),
        (CONTROLS, CONTROLS.with_(cr4=CONTROLS.cr4 ^ CR4_PGE), True),
        (CONTROLS, CONTROLS.with_(cr4=CONTROLS.cr4 ^ CR4_PSE), True),
        (CONTROLS, CONTROLS.with_(cr4=CONTROLS.cr4 ^ CR4_PAE), True),
        (CONTROLS, CONTROLS.with_(cr0=CONTROLS.cr0 ^ CR0_PG), True),
        (CONTROLS, CONTROLS.with_(cr0=CONTROLS.cr0 ^ CR0_WP), False),
        (CONTROLS, CONTROLS.with_(cr4=CONTROLS.cr4 ^ CR4_SMAP), False),
        (CONTROLS, CONTROLS.with_(cr4=CONTROLS.cr4 | CR4_SMEP), True),
        (CONTROLS.with_(cr4=CONTROLS.cr4 | CR4_SMEP), CONTROLS, False),
        (CONTROLS, CONTROLS.with_(cr3=0x5000), False),
    ],
)
def test_changes_of_control_registers(old: Controls, new: Controls, forgotten: bool) -> None:
    for global_ in (False, True):
        tlb = filled(global_)
        tlb.change(old, new)
        assert len(tlb) == (not forgotten)


def test_obligations_name_their_events_once() -> None:
    assert len({obligation.event for obligation in OBLIGATIONS}) == len(OBLIGATIONS)


Steps = list[tuple[str, int, int, Pferr]]
WHATS = ["map", "access", "access", "INVLPG", "MOV to CR3", "full flush"]
FLAGS = [ALL, ALL, P | US, ALL | G, 0]
KINDS = [READ, READ, Pferr.W, Pferr.U]


def random_steps(seed: int) -> Steps:
    rng = Random(seed)
    return [
        (rng.choice(WHATS), rng.randrange(2), rng.choice(FLAGS), rng.choice(KINDS))
        for _ in range(40)
    ]


class History:
    """The tables and the cache of one run, and which frames each page may still be seen at."""

    def __init__(self) -> None:
        self.tables, self.tlb = Tables(LONG4), Tlb()
        self.now: dict[int, int | None] = {0: None, 1: None}
        self.right: dict[int, set[int | None]] = {0: {None}, 1: {None}}
        self.was_global = {0: False, 1: False}

    def map(self, number: int, frame: int, flags: int) -> None:
        self.tables.map(LINEAR + PAGE_SIZE * number, frame, flags)
        self.now[number] = frame if flags & P else None
        self.right[number].add(self.now[number])
        self.was_global[number] |= bool(flags & G)

    def access(self, number: int, access: Pferr) -> None:
        linear = LINEAR + PAGE_SIZE * number
        try:
            used = self.tlb.access(CONTROLS, linear, access, walker(self.tables))
        except PageFault:
            return
        assert used & -PAGE_SIZE in self.right[number]

    def refresh(self, number: int, obligation: Obligation) -> None:
        self.tlb.forget(obligation, LINEAR + PAGE_SIZE * number)
        for page in [number] if obligation.forget is Forget.ADDRESS else [0, 1]:
            # a page that was ever global may be cached as global
            if obligation.forget is not Forget.NON_GLOBAL or not self.was_global[page]:
                self.right[page] = {self.now[page]}


def replay(steps: Steps) -> None:
    """Clause C1 for the TLB: a translation in use was right at some moment since the
    last event that obliged it to be refreshed."""
    history = History()
    obligations = {obligation.event: obligation for obligation in OBLIGATIONS}
    for serial, (what, number, flags, access) in enumerate(steps):
        if what == "map":
            history.map(number, (serial + 256) << 12, flags)
        elif what == "access":
            history.access(number, access)
        else:
            history.refresh(number, obligations[what])


def replay_many(count: int) -> None:
    for seed in range(count):
        replay(random_steps(seed))


@given(st.integers(0))
def test_every_use_was_right_since_the_last_obligation(seed: int) -> None:
    replay(random_steps(seed))


@pytest.mark.parametrize("obligation", [INVLPG, MOV_CR3, FLUSH])
def test_an_obligation_that_is_ignored_is_noticed(
    obligation: Obligation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Tlb.forget

    def forget(tlb: Tlb, which: Obligation, linear: int | None = None) -> None:
        if which is not obligation:
            real(tlb, which, linear)

    monkeypatch.setattr(Tlb, "forget", forget)
    with pytest.raises(AssertionError):
        replay_many(1_000)
