"""Split sptes: all rows of the table of known answers, and what the chapter says of them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.decide import decide
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.guards import guard
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.protocols.split_spte import NEVER, ONCE, TWICE, split_spte
from mmuspec.interleave.protocols.spte_updates import (
    SPTES,
    held,
    is_shadow_present_pte,
    one,
    parsed,
)
from mmuspec.rules import read
from mmuspec.rules.mutate import applied

MUTANTS = {mutant.id: mutant for mutant in read().mutants}

SC, TSO = Memory.SC, Memory.TSO
A, B, C = SPTES["A"], SPTES["B"], SPTES["C"]
TORN = 0x1111_0001
MIXED = 0xA_0000_0000
TRIES = 6

AND_BACK = "clear,set-B,clear,set-A"

TABLE = [
    ("clear", ONCE, None, {A}, None),
    ("clear", NEVER, None, {A}, None),
    ("clear,set-B", ONCE, None, {A, B}, None),
    ("clear,set-B", NEVER, None, {A, B, TORN}, "SPLIT-2"),
    ("clear,set-C", ONCE, None, {A, C}, None),
    ("clear,set-C", NEVER, None, {A, C}, None),
    (AND_BACK, ONCE, None, {A, B}, None),
    (AND_BACK, NEVER, None, {A, B, TORN}, "SPLIT-2"),
    ("clear", ONCE, "SPLIT-1/clear-high-first", {A, TORN}, "SPLIT-2"),
    ("clear,set-B", ONCE, "SPLIT-1/set-low-first", {A, B, TORN}, "SPLIT-2"),
    ("clear,set-B", ONCE, "SPLIT-3/count-first", {A, B, TORN}, "SPLIT-2"),
    ("clear,set-B", ONCE, "SPLIT-2/no-second-look", {A, B, TORN}, "SPLIT-2"),
    ("clear,set-B", ONCE, "SPLIT-2/count-before-low", {A, B, TORN}, "SPLIT-2"),
]
"""Updates, how they are counted, what is broken; then the present values that a reader can
return, and the rule that falls."""


@contextmanager
def broken(name: str | None) -> Iterator[None]:
    with ExitStack() as stack:
        if name:
            stack.enter_context(applied(MUTANTS[name]))
        yield


def rule(answer: Answer) -> str | None:
    return answer.found and answer.found.partition(":")[0]


def found(program: Program) -> list[str | None]:
    """Return what is found under SC and under TSO: the rule, or nothing."""
    return [rule(decide(program, memory)) for memory in Memory]


def steps(answer: Answer) -> list[str]:
    code = [thread.code for thread in answer.program.threads]
    return [code[step.cpu][step.at].source.label for step in answer.schedule if step.at is not None]


@pytest.mark.parametrize(("updates", "count", "what", "_values", "expected"), TABLE)
@pytest.mark.parametrize("tries", [0, TRIES])
def test_every_row_of_the_table(
    updates: str, count: str, what: str | None, _values: set[int], expected: str | None, tries: int
) -> None:
    with broken(what):
        assert rule(decide(split_spte(updates, count, tries=tries), SC)) == expected


@pytest.mark.parametrize(("updates", "count", "what", "_values", "expected"), TABLE)
def test_store_buffers_change_no_row(
    updates: str, count: str, what: str | None, _values: set[int], expected: str | None
) -> None:
    with broken(what):
        assert rule(decide(split_spte(updates, count), TSO)) == expected


@pytest.mark.parametrize(("updates", "count", "what", "values", "_expected"), TABLE)
def test_the_present_values_that_each_row_lets_through(
    updates: str, count: str, what: str | None, values: set[int], _expected: str | None
) -> None:
    with broken(what):
        asked = {value: split_spte(updates, count, accepts=value) for value in (A, B, C, TORN)}
        assert {value for value in asked if decide(asked[value], SC).found} == values


@pytest.mark.rule("SPLIT-2")
def test_the_first_interleaving_of_the_thread() -> None:
    answer = decide(split_spte("clear", accepts=MIXED), SC)
    assert answer.found
    assert len(answer.schedule) <= 10
    assert steps(answer) == ["F1", "R0", "R1", "R2", "F3", "F4b", "R3", "R4", "F4b"]
    assert not is_shadow_present_pte(MIXED)


@pytest.mark.rule("SPLIT-2")
def test_the_second_interleaving_of_the_thread() -> None:
    answer = decide(split_spte("clear,set-B", NEVER), SC)
    assert len(answer.schedule) <= 10
    assert steps(answer) == ["R1", "F1", "F3", "R2", "S1", "S3", "R3"]
    assert decide(split_spte("clear,set-B", NEVER, accepts=TORN), SC).found
    assert decide(split_spte("clear,set-B", ONCE, accepts=TORN), SC).found is None


@pytest.mark.parametrize(
    ("updates", "count", "states"),
    [
        ("clear", ONCE, (62, 130)),
        ("clear-slow", ONCE, (72, 116)),
        ("clear", NEVER, (18, 32)),
        ("clear,set-B", ONCE, (120, 308)),
        ("clear,set-B", TWICE, (249, 903)),
        ("clear-slow,set-C", ONCE, (134, 286)),
        ("change-B", ONCE, (120, 308)),
        ("change-C-slow", ONCE, (134, 286)),
        ("update-AW", ONCE, (26, 48)),
        ("update-AWN-slow", ONCE, (40, 50)),
        (AND_BACK, ONCE, (372, 1611)),
    ],
)
def test_states(updates: str, count: str, states: tuple[int, int]) -> None:
    program = split_spte(updates, count)
    answers = [decide(program, memory, reduction=False) for memory in Memory]
    assert [answer.found for answer in answers] == [None, None]
    assert tuple(answer.states for answer in answers) == states


def test_two_readers() -> None:
    answer = decide(split_spte(readers=2), SC, reduction=False)
    assert (answer.found, answer.states) == (None, 2584)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("readers", "updates", "memory", "states"),
    [
        (2, AND_BACK, SC, 13_462),
        (2, "clear,set-B", TSO, 5_112),
        (3, "clear", SC, 12_536),
        (3, "clear,set-B", SC, 65_664),
        (4, "clear", SC, 193_104),
    ],
)
def test_more_readers(readers: int, updates: str, memory: Memory, states: int) -> None:
    answer = decide(split_spte(updates, readers=readers), memory, reduction=False)
    assert (answer.found, answer.states) == (None, states)


def test_a_reader_with_a_bound_can_give_up_and_one_without_cannot() -> None:
    assert decide(split_spte(tries=1), SC).gave_up
    assert not decide(split_spte(), SC).gave_up


# What the chapter says.


@pytest.mark.rule("SPLIT-1")
@pytest.mark.parametrize("updates", ["change-B", "change-C-slow", "update-AWN,clear", AND_BACK])
def test_the_processor_uses_no_torn_entry(updates: str) -> None:
    assert found(split_spte(updates, readers=0, processor=True)) == [None, None]


@pytest.mark.parametrize("name", ["S2", "F2"])
@pytest.mark.parametrize("count", [ONCE, TWICE])
def test_the_order_of_the_halves_stays_necessary(count: str, name: str) -> None:
    program = split_spte("clear,set-C", count, readers=0, processor=True)
    assert found(guard(program, name).weakened) == ["SPLIT-1", "SPLIT-1"]


@pytest.mark.parametrize("name", ["S2", "F2", "R0", "R1", "R2", "R3"])
def test_each_order_is_needed_by_readers(name: str) -> None:
    assert found(guard(split_spte(), name).weakened) == ["SPLIT-2", "SPLIT-2"]


BETWEEN_THE_HALVES = """\
     WRITE_ONCE(spte.low, new & HALF)  # F1
+    count_spte_clear(clears, new)
@@
     WRITE_ONCE(spte.high, new >> 32)  # F3
-    count_spte_clear(clears, new)
"""


def test_the_count_may_come_as_soon_as_the_low_half_is_cleared() -> None:
    early = replace(MUTANTS["SPLIT-3/count-first"], diff=BETWEEN_THE_HALVES)
    with applied(early):
        assert found(split_spte(AND_BACK)) == [None, None]
        assert found(split_spte("clear,set-C,clear,set-B")) == [None, None]


@pytest.mark.parametrize("updates", ["clear", "clear,set-B"])
def test_twice_rejects_what_once_lets_through(updates: str) -> None:
    asked = {count: split_spte(updates, count, accepts=MIXED) for count in (ONCE, TWICE)}
    assert decide(asked[ONCE], SC).found
    assert [decide(asked[TWICE], memory).found for memory in Memory] == [None, None]


@pytest.mark.rule("LW-3")
def test_with_a_flush_in_between_no_count_is_needed() -> None:
    assert found(split_spte("clear,flush,set-B", NEVER)) == [None, None]


@pytest.mark.rule("SPLIT-4")
def test_a_frame_that_is_replaced_at_once_tears() -> None:
    with broken("SPLIT-4/replace-at-once"):
        assert found(split_spte("change-C")) == ["SPLIT-2", "SPLIT-2"]


def test_an_mmio_spte_is_overwritten_without_protection() -> None:
    over = split_spte("from-M,set-B", readers=0, processor=True)
    assert found(over) == ["SPLIT-1", "SPLIT-1"]
    assert found(split_spte("from-M,set-B")) == ["SPLIT-2", "SPLIT-2"]
    assert found(split_spte("from-M,clear,set-B", processor=True)) == [None, None]


# The words for updates.


@pytest.mark.parametrize(
    ("updates", "text"),
    [
        ("set-B", "only an spte that is not present is set"),
        ("clear,update-B", "an update keeps the frame"),
        ("update-B", "an update keeps the frame"),
        ("zap", "'zap' is no update"),
        ("clear-B", "'clear-B' is no update"),
        ("set-X", "'set-X' is no update"),
        ("from-X,clear", "no spte is named 'X'"),
    ],
)
def test_what_kvm_would_not_do_is_refused(updates: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parsed(updates)
    with pytest.raises(ProgramError, match=text):
        split_spte(updates)


def test_what_is_held() -> None:
    assert held("update-AW,change-B,clear,set-A") == (A, SPTES["AW"], B)


@st.composite
def updates(draw: st.DrawFn) -> str:
    """Draw up to three updates that KVM may do one after the other."""
    words, now = [], A
    for _ in range(draw(st.integers(1, 3))):
        slow = draw(st.sampled_from(["", "-slow"]))
        choices = [f"change-{name}{slow}" for name in "ABC"] + ["clear" + slow]
        choices += [f"set-{name}" for name in "ABC"] if not is_shadow_present_pte(now) else []
        words.append(draw(st.sampled_from(choices)))
        now = one(words[-1]).spte
    return ",".join(words)


@settings(max_examples=12, deadline=None)
@given(updates())
def test_no_updates_tear(text: str) -> None:
    assert decide(split_spte(text), SC).found is None
