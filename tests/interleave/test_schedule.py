"""Schedules as rows and as tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.decide import decide
from mmuspec.interleave.expressions import Const, Op, Reg
from mmuspec.interleave.operations import CompareExchange, Load, Store, Update
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.schedule.end import ending, rule_of, what_is_seen
from mmuspec.interleave.schedule.order import falls, in_order, taken, turn
from mmuspec.interleave.schedule.rows import Kind, rows
from mmuspec.interleave.schedule.statement import spoken
from mmuspec.interleave.schedule.text import WIDTH, layout, table, wrapped
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.programs import programs
from tests.interleave.protocols_for_tests import (
    counting,
    embrace,
    handover,
    publish,
    store_buffering,
    swapping,
    trying,
)


def text(answer: Answer) -> str:
    return "\n".join(table(answer.program, rows(answer), ending(answer)))


def test_a_store_that_waits_and_becomes_visible_is_two_rows() -> None:
    answer = decide(store_buffering(), Memory.TSO)
    assert text(answer) == (
        "    at first: everything is 0\n"
        "\n"
        "    CPU0 left                             CPU1 right\n"
        "    --------------------------------------------------------------------------\n"
        "  1 L1: x = 1;  (buffered)\n"
        "  2 L3: seen = READ_ONCE(y);  // 0\n"
        "  3                                       T1: y = 1;\n"
        "                                            y: 0 -> 1\n"
        "  4                                       T3: seen = READ_ONCE(x);  // 0\n"
        "  5 L1: x = 1 becomes visible\n"
        "      x: 0 -> 1\n"
        "    => TEST-1: neither CPU sees the other's store (left:seen = 0,\n"
        "       right:seen = 0)"
    )


def test_a_store_that_becomes_visible_at_once_is_one_row() -> None:
    answer = decide(counting(locked=False), Memory.TSO)
    found = rows(answer)
    assert [row.kind for row in found] == [Kind.DONE] * 4
    assert sum(row.steps for row in found) == len(answer.schedule) == 6
    assert [row.words for row in found] == [
        "A1: old = READ_ONCE(count);  // 0",
        "A1: old = READ_ONCE(count);  // 0",
        "A2: count = old + 5;",
        "A2: count = old + 5;  // 5",
    ]
    # The ghosts of a store are written when the CPU does it, in the same step.
    assert [str(change) for row in found for change in row.changes] == [
        "done[0]: 0 -> 1",
        "count: 0 -> 5",
        "done[1]: 0 -> 1",
    ]


def test_rows_of_sequential_consistency_are_steps() -> None:
    answer = decide(counting(locked=False), Memory.SC)
    assert [row.at for row in rows(answer)] == [step.at for step in answer.schedule]


def test_halves_are_shown_as_bit_patterns_and_words_as_they_change() -> None:
    answer = decide(publish_broken(), Memory.SC)
    shown = text(answer)
    assert "at first: spte = 0xa11110001; all else is 0" in shown
    assert "W2: spte.high = 0xb;\n      spte: 0xa11110001 -> 0xb11110001" in shown
    assert shown.endswith("=> TEST-2: the value is not complete (value = 0xb11110001)")


def publish_broken() -> Program:
    """Return `publish` with the first store left for last."""
    from mmuspec.interleave.edit import edited, with_threads

    program = publish()
    writer = program.threads[0]
    code = writer.code
    moved = edited(writer, {0: (), len(code) - 1: (code[-1], code[0])})
    return with_threads(program, {"writer": moved})


def test_what_a_lock_holds_is_not_shown() -> None:
    answer = decide(trying_locked(), Memory.TSO)
    assert [row.words for row in rows(answer)][:2] == [
        "C1: spin_lock(&mutex);",
        "A1: old = READ_ONCE(count);  // 0",
    ]
    assert all(change.word != "mutex" for row in rows(answer) for change in row.changes)


def trying_locked() -> Program:
    """Return `counting` with a claim that falls."""
    from dataclasses import replace

    program = counting()
    return replace(
        program, finals=tuple(replace(f, condition=Const(0), text="no") for f in program.finals)
    )


def test_a_deadlock_tells_what_everybody_waits_for() -> None:
    answer = decide(embrace(), Memory.TSO)
    assert ending(answer) == (
        "deadlock: nobody can go on, and not everybody has ended "
        "(forward waits: spin_lock(&second);, backward waits: spin_lock(&first);)"
    )


def test_a_claim_that_falls_before_the_first_step_has_no_rows() -> None:
    answer = decide(at_once(), Memory.TSO)
    assert rows(answer) == ()
    assert ending(answer) == "TEST-8: the number is right (seven = 7)"
    assert text(answer).startswith("    at first: everything is 0")


def at_once() -> Program:
    from mmuspec.interleave.operations import Assign, Check
    from mmuspec.interleave.program import Instruction, Thread

    wrong = Check(Op("==", (Reg("seven"), Const(8))), "TEST-8: the number is right")
    code = (Instruction(Assign("seven", Const(7))), Instruction(wrong))
    return Program("at-once", (Word("x"),), (Thread("P0", code),))


def test_idle_cpus_have_no_column() -> None:
    answer = decide(handover(waits=False), Memory.TSO)
    shown = text(answer)
    assert "not shown, because nothing happens there: CPU0 giver" in shown
    assert "    CPU1 taker\n" in shown
    assert "  1 K2: value = READ_ONCE(data);  // 7" in shown


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Load("walk.low", Place("spte", Part.LOW)), "low = READ_ONCE(spte.low);"),
        (Load("_3", Place("x")), "READ_ONCE(x);"),
        (Store(Place("x"), Op("+", (Reg("_3"), Const(1)))), "x = 5;"),
        (Store(Place("x"), Op("+", (Reg("_3"), Reg("f.n")))), "x = 4 + n;"),
        (Store(Place("spte", Part.HIGH), Const(0xB)), "spte.high = 0xb;"),
        (Store(Place("spte", Part.HIGH), Const(9)), "spte.high = 9;"),
        (Update("_3", Place("x"), "=", Const(1)), "xchg(&x, 1);"),
        (Update("f.old", Place("x"), "=", Const(1)), "old = xchg(&x, 1);"),
        (CompareExchange("_1", Place("x"), Reg("_3"), Const(2)), "cmpxchg(&x, 4, 2);"),
        (Update(None, Place("x"), "+", Const(-1)), "atomic_add(-1, &x);"),
    ],
)
def test_statements_are_short(operation: Load, expected: str) -> None:
    program = Program("p", (Word("spte"), Word("x", 32)), ())
    assert spoken(operation, program, {"_3": 4}) == expected


def test_what_is_seen() -> None:
    assert rule_of("LW-7: torn") == "LW-7"
    assert rule_of("LW-7a") is None
    assert rule_of("who sees the flag sees the data") is None
    assert what_is_seen("exists (x=1)") == "(x=1)"
    assert what_is_seen("~exists (x=1)") == "(x=1)"
    assert what_is_seen("forall (x=1)") == "an end without (x=1)"
    assert what_is_seen("exists") == "exists"


def test_values_of_an_assertion_are_traced_to_their_names() -> None:
    answer = decide(swapping(indivisible=False), Memory.SC)
    assert ending(answer) == "TEST-5: both get it (each0:got = 0, each1:got = 0)"
    assert ending(decide(trying(), Memory.SC)) == "both changed it (x = 41)"


@pytest.mark.parametrize("cpus", range(1, 9))
def test_columns_fit(cpus: int) -> None:
    columns, cell = layout(cpus)
    assert len(columns) == cpus
    assert columns == sorted(set(columns))
    assert columns[-1] + cell <= WIDTH
    assert cell >= 30 or cpus == 1


@given(st.text("ab_.(, ", min_size=1, max_size=80).map(str.strip), st.integers(5, 40))
def test_wrapping_keeps_every_sign(words: str, width: int) -> None:
    lines = list(wrapped(words, width))
    assert all(len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(words.split())


@settings(max_examples=60, deadline=None)
@given(programs(max_accesses=8), st.sampled_from(Memory))
def test_every_schedule_can_be_told(program: Program, memory: Memory) -> None:
    answer = decide(program, memory)
    semantics = Semantics(program, memory)
    if answer.found is None:
        assert rows(answer) == ()
        return
    steps = in_order(answer)
    assert len(steps) == len(answer.schedule)
    if steps:
        assert taken(semantics, [turn(step) for step in steps]) == list(steps)
        assert falls(semantics, steps, answer.found)
    found = rows(answer)
    assert sum(row.steps for row in found) == len(steps)
    last = steps[-1].state if steps else semantics.initial().state
    first = semantics.initial().state
    memory_now = {w.name: v for w, v in zip(program.words, first.memory, strict=True)}
    for row in found:
        for change in row.changes:
            assert memory_now[change.word] == change.before
            memory_now[change.word] = change.after
    memory_now.pop("lock", None)
    assert memory_now == {
        w.name: v for w, v in zip(program.words, last.memory, strict=True) if w.name != "lock"
    }
    assert all(len(line) <= WIDTH for line in table(program, found, ending(answer)))
