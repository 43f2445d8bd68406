"""Why something cannot happen."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.decide import decide
from mmuspec.interleave.explain.asked import demanded
from mmuspec.interleave.explain.drawn import as_drawn, furthest
from mmuspec.interleave.explain.guards import Without, needed, ordered
from mmuspec.interleave.explain.order import Wanted, follow
from mmuspec.interleave.explain.why import MOST_STATES, explained
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.readers.table import read_table
from mmuspec.interleave.schedule.rows import rows
from mmuspec.interleave.semantics import Semantics
from tests.interleave.programs import LITMUS, programs
from tests.interleave.protocols_for_tests import (
    counting,
    handover,
    publish,
    store_buffering,
    swapping,
)

FENCED = """
u32 x; u32 y;

CPU0                  CPU1
----                  ----
x = 1;
smp_mb();
r0 = READ_ONCE(y);
                      y = 1;
                      smp_mb();
                      r1 = READ_ONCE(x);

exists (CPU0:r0 == 0 && CPU1:r1 == 0)
"""


def without(program: Program, name: str, memory: Memory = Memory.TSO) -> Without:
    found = needed(program, memory).found
    return next(each for each in found if each.guard.name == name)


def answer(program: Program, memory: Memory = Memory.TSO) -> Answer:
    found = decide(program, memory)
    assert found.found is None
    return found


def test_a_fence_keeps_a_load_from_reading_too_early() -> None:
    program = store_buffering(fences=True)
    assert [each.guard.name for each in needed(program, Memory.TSO).found] == ["L2", "T2"]
    assert needed(program, Memory.SC).found == ()
    first = without(program, "L2")
    blocked = first.rows[first.done]
    assert blocked.words == "T3: seen = READ_ONCE(x);  // 0"
    assert first.text == f"With it, row {first.done + 1} cannot happen: it reads 1, not 0."


def test_a_lock_keeps_the_other_cpu_waiting() -> None:
    lock = without(counting(), "C1")
    assert lock.text == (
        "With it, row 2 cannot happen: before it comes C1: spin_lock(&mutex), "
        "which waits for mutex, which each0 holds."
    )


def test_an_exchange_that_is_one_step_reads_what_came_before() -> None:
    exchange = without(swapping(), "X1")
    assert [row.words for row in exchange.rows if row.reads] == ["X1: READ_ONCE(taken);  // 0"] * 2
    assert exchange.reasons == ("it reads 1, not 0",)


def test_a_wait_keeps_what_follows_from_happening() -> None:
    wait = without(handover(), "K1")
    assert wait.text == (
        "With it, row 1 cannot happen: before it comes K1: wait_until(flag == 1), "
        "which waits, because flag == 1 does not hold."
    )


def test_a_write_barrier_keeps_the_order_of_stores() -> None:
    barrier = without(publish(), "W3")
    assert barrier.guard.text.startswith("smp_wmb() left out")
    (reason,) = barrier.reasons
    assert reason.endswith(" instead")


def test_a_test_that_is_left_out_leads_elsewhere() -> None:
    """Every row can happen, but the real CPU ends where the other one goes on."""
    looked_at = without(publish(), "R1.1")
    assert looked_at.text.startswith("With it, row 2 cannot happen: reader has ended by then.")


def test_rows_of_a_table_are_followed_to_the_one_that_cannot_happen() -> None:
    table = read_table(FENCED)
    drawn = as_drawn(table.program, Memory.TSO, table.drawn_order)
    assert drawn.done == 5
    assert drawn.rows[5].statement == "r1 = READ_ONCE(x);"
    assert drawn.text == "As drawn, row 6 cannot happen: it reads 1, not 0."


def test_a_table_that_can_happen_has_nothing_to_say() -> None:
    table = read_table(FENCED.replace("smp_mb();", ""))
    drawn = as_drawn(table.program, Memory.TSO, table.drawn_order)
    assert drawn.text == ""
    assert drawn.done == len(drawn.rows)


def test_a_table_whose_end_is_another() -> None:
    table = read_table(FENCED.replace("exists (", "exists (x == 2 && "))
    drawn = as_drawn(
        replace(table.program, finals=tuple(only_memory(table.program))),
        Memory.TSO,
        table.drawn_order,
    )
    assert (
        drawn.text == "All rows can happen as drawn, but at the end x == 2 does not hold (x = 1)."
    )


def only_memory(program: Program):  # type: ignore[no-untyped-def]
    """Yield the questions about the end of *program* with their first conjunct alone."""
    from mmuspec.interleave.explain.asked import conjuncts

    for final in program.finals:
        yield replace(final, condition=next(conjuncts(final.condition)))


def test_a_drawn_lock_that_is_taken() -> None:
    table = read_table(
        "CPU0              CPU1\n----              ----\n"
        "spin_lock(&l);\n                  spin_lock(&l);\n"
        "x = 1;\n                  y = x;\nspin_unlock(&l);\n                  spin_unlock(&l);\n"
    )
    drawn = as_drawn(table.program, Memory.TSO, table.drawn_order)
    assert drawn.text == "As drawn, row 2 cannot happen: it waits for l, which CPU0 holds."


def test_values_that_are_asked_for_lead_to_the_access_that_blocks_them() -> None:
    program = read_table(FENCED).program
    assert sorted(demanded(program).values()) == [0, 0]
    far = furthest(program, Memory.TSO)
    assert far is not None
    assert far.done == 5
    assert far.text == "No order gets further: row 6 cannot happen: it reads 1, not 0."
    assert furthest(store_buffering(), Memory.TSO) is None


def test_sequential_consistency_is_told_what_tso_allows() -> None:
    why = explained(answer(store_buffering(), Memory.SC))
    assert why.under_tso
    assert not explained(answer(store_buffering(fences=True))).under_tso


def test_an_order_that_nothing_guards_is_named() -> None:
    (found,) = ordered(store_buffering(), Memory.SC).found[:1]
    assert found.guard.text == "left did seen = READ_ONCE(y) before x = 1"


def test_guards_of_large_protocols_are_not_looked_for() -> None:
    large = replace(answer(counting()), states=MOST_STATES + 1)
    assert explained(large).too_large


def test_an_order_is_followed_through_stores_that_become_visible() -> None:
    semantics = Semantics(store_buffering(), Memory.TSO)
    early = follow(semantics, [Wanted(0, 0), Wanted(0, 1, 0), Wanted(1, 0), Wanted(1, 1, 0)])
    assert early.done == 4
    late = follow(semantics, [Wanted(0, 0), Wanted(1, 0), Wanted(1, 1, 1), Wanted(0, 1, 2)])
    assert late.done == 3
    assert late.reasons == ("it reads 0 or 1, not 2",)


@settings(max_examples=25, deadline=None)
@given(programs(max_accesses=6), st.sampled_from(Memory))
def test_a_guard_that_is_needed_stops_the_protocol(program: Program, memory: Memory) -> None:
    if decide(program, memory).found is not None:
        return
    for each in ordered(program, memory).found:
        assert each.answer.found is not None
        assert each.rows == rows(each.answer)
        assert each.done <= len(each.rows)
        assert each.text.startswith(("With it, row", "All of these rows"))


@settings(max_examples=40, deadline=None)
@given(programs(LITMUS, max_accesses=6), st.sampled_from(Memory))
def test_what_is_possible_is_never_blocked(program: Program, memory: Memory) -> None:
    far = furthest(program, memory)
    found = decide(program, memory).found
    if far is not None and len(program.finals) == 1:
        assert (far.text == "") == (found == program.finals[0].text)


@pytest.mark.parametrize("memory", Memory)
def test_a_schedule_of_the_protocol_itself_is_followed_to_its_end(memory: Memory) -> None:
    program = counting(locked=False)
    found = decide(program, memory)
    steps = [step for step in found.schedule if step.at is not None]
    order = [Wanted(step.cpu or 0, step.at or 0) for step in steps]
    assert follow(Semantics(program, memory), order).done == len(order)
