"""Lockless walks and guest entries against a flush."""

import pytest

from mmuspec.interleave.decide import decide
from mmuspec.interleave.guards import guard
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.protocols.lockless_walk import guest_entry, lockless_walk
from mmuspec.rules import read
from mmuspec.rules.mutate import applied

MUTANTS = {mutant.id: mutant for mutant in read().mutants}

SC, TSO = Memory.SC, Memory.TSO


def found(program: Program) -> list[str | None]:
    """Return what is found under SC and under TSO: the rule, or nothing."""
    texts = [decide(program, memory).found for memory in Memory]
    return [text and text.partition(":")[0] for text in texts]


def without(program: Program, *names: str) -> Program:
    for name in names:
        program = guard(program, name).weakened
    return program


@pytest.mark.rule("LW-1", "LW-2", "LW-3")
@pytest.mark.parametrize(
    ("walkers", "locked", "states"),
    [(1, True, (47, 69)), (1, False, (47, 78)), (2, True, (641, 1116))],
)
def test_no_freed_page_is_walked(walkers: int, locked: bool, states: tuple[int, int]) -> None:
    program = lockless_walk(walkers, locked)
    answers = [decide(program, memory, reduction=False) for memory in Memory]
    assert [answer.found for answer in answers] == [None, None]
    assert tuple(answer.states for answer in answers) == states


@pytest.mark.nightly
def test_no_freed_page_is_walked_by_three() -> None:
    assert found(lockless_walk(3)) == [None, None]


@pytest.mark.rule("LW-4")
@pytest.mark.parametrize(("locked", "states"), [(True, (91, 126)), (False, (73, 108))])
def test_no_request_is_lost(locked: bool, states: tuple[int, int]) -> None:
    answers = [decide(guest_entry(locked), memory, reduction=False) for memory in Memory]
    assert [answer.found for answer in answers] == [None, None]
    assert tuple(answer.states for answer in answers) == states


@pytest.mark.parametrize("locked", [True, False])
def test_the_walkers_barrier_is_needed_under_tso_only(locked: bool) -> None:
    assert found(without(lockless_walk(locked=locked), "LW3")) == [None, "LW-1"]
    assert found(without(guest_entry(locked), "GE4")) == [None, "LW-4"]


@pytest.mark.parametrize("names", [("RC2",), ("RC3b",), ("RC2", "RC3b"), ("LW5",)])
def test_locked_operations_stand_for_the_barriers_of_the_other_side(names: tuple[str, ...]) -> None:
    assert found(without(lockless_walk(), *names)) == [None, None]


def test_without_locked_operations_one_barrier_of_the_other_side_is_needed() -> None:
    plain = lockless_walk(locked=False)
    assert found(without(plain, "RC2")) == [None, None]
    assert found(without(plain, "RC3b")) == [None, None]
    assert found(without(plain, "RC2", "RC3b")) == [None, "LW-1"]
    assert found(without(guest_entry(), "RC3b")) == [None, None]
    assert found(without(guest_entry(locked=False), "RC3b")) == [None, "LW-4"]


WITH_A_MUTANT = {
    "LW-1/no-barrier": (lockless_walk, [None, "LW-1"]),
    "LW-1/interrupts-on": (lockless_walk, ["LW-1", "LW-1"]),
    "LW-2/use-after-the-end": (lockless_walk, ["LW-1", "LW-1"]),
    "LW-3/do-not-wait": (lockless_walk, ["LW-1", "LW-1"]),
    "LW-3/flush-before-the-clear": (lockless_walk, ["LW-1", "LW-1"]),
    "LW-4/no-barrier": (guest_entry, [None, "LW-4"]),
    "LW-4/requests-first": (guest_entry, ["LW-4", "LW-4"]),
    "LW-4/mode-before-request": (guest_entry, ["LW-4", "LW-4"]),
}


def test_every_mutant_of_the_chapter_is_looked_at() -> None:
    assert {name for name in MUTANTS if name.startswith("LW-")} == set(WITH_A_MUTANT)


@pytest.mark.parametrize("name", WITH_A_MUTANT)
def test_a_mutant_breaks_a_promise_not_just_a_number(name: str) -> None:
    protocol, expected = WITH_A_MUTANT[name]
    with applied(MUTANTS[name]):
        assert found(protocol()) == expected
