"""The fast explorer gives the answers of the plain one."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmuspec.fast.explorer import search
from mmuspec.fast.jit import NO_JIT
from mmuspec.interleave.answer import Answer, TooManyStates
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.operations import Assign, Jump, Load, Store, Update
from mmuspec.interleave.program import (
    Final,
    Instruction,
    Memory,
    Program,
    Quantifier,
    Thread,
)
from mmuspec.interleave.protocols.split_spte import split_spte
from mmuspec.interleave.quick import encode, fields
from mmuspec.interleave.quick import explore as quick
from mmuspec.interleave.quick.explore import explore_fast
from mmuspec.interleave.quick.oracle import Oracle
from mmuspec.interleave.words import Place, Word
from tests.interleave.programs import programs

SAME = ("states", "depth", "found", "gave_up", "finals")
MEMORIES = st.sampled_from(Memory)
LIGHT = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def assert_same(fast: Answer, plain: Answer) -> None:
    for name in SAME:
        assert getattr(fast, name) == getattr(plain, name), name
    assert len(fast.schedule) == len(plain.schedule)


def thread(name: str, *operations: Any) -> Thread:
    return Thread(name, tuple(map(Instruction, operations)))


@LIGHT
@given(programs(), MEMORIES, st.booleans())
def test_random_programs(program: Program, memory: Memory, all_states: bool) -> None:
    plain = explore(program, memory, all_states=all_states)
    assert_same(explore_fast(program, memory, all_states=all_states), plain)


@LIGHT
@given(programs(), MEMORIES)
def test_random_programs_with_two_threads(program: Program, memory: Memory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "WORTH_IT", 0)
        fast = explore_fast(program, memory, threads=2)
    assert_same(fast, explore(program, memory))


@LIGHT
@given(programs(), MEMORIES)
def test_random_programs_in_two_numbers(program: Program, memory: Memory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "HALF_BITS", 22)
        patch.setattr(encode, "ATTEMPTS", ((True, 1), (True, 0)))
        fast = explore_fast(program, memory)
    assert_same(fast, explore(program, memory))


@LIGHT
@given(programs(), MEMORIES)
def test_values_that_nobody_expected(program: Program, memory: Memory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quick, "sample", lambda shape: None)
        patch.setattr(quick, "spread", lambda shape: None)
        fast = explore_fast(program, memory)
    assert_same(fast, explore(program, memory))


@pytest.mark.nightly
@settings(LIGHT, max_examples=10_000)
@given(programs(), MEMORIES, st.booleans(), st.integers(1, 2))
def test_very_many_random_programs(
    program: Program, memory: Memory, all_states: bool, threads: int
) -> None:
    plain = explore(program, memory, all_states=all_states)
    fast = explore_fast(program, memory, all_states=all_states, threads=threads)
    assert_same(fast, plain)


def store_buffering() -> Program:
    """Both CPUs store, then load what the other stored."""
    zero = [Op("==", (Reg("seen", name), Const(0))) for name in ("P0", "P1")]
    return Program(
        "SB",
        (Word("x", 32), Word("y", 32)),
        (
            thread("P0", Store(Place("x"), Const(1)), Load("seen", Place("y"))),
            thread("P1", Store(Place("y"), Const(1)), Load("seen", Place("x"))),
        ),
        finals=(Final(Quantifier.EXISTS, Op("and", tuple(zero)), "both see 0"),),
    )


def test_store_buffering() -> None:
    assert explore_fast(store_buffering(), Memory.SC).found is None
    answer = explore_fast(store_buffering(), Memory.TSO)
    assert answer.found == "both see 0"
    assert len(answer.schedule) == 6
    assert answer.schedule[-1].state in answer.finals


@pytest.mark.parametrize("memory", Memory)
@pytest.mark.parametrize("count", ["once", "never"])
def test_a_reader_of_a_split_spte(count: str, memory: Memory) -> None:
    program = split_spte("clear,set-B", count=count, readers=2)
    plain = explore(program, memory, all_states=True)
    assert_same(explore_fast(program, memory, all_states=True), plain)
    assert (plain.found is None) == (count == "once")


@pytest.mark.parametrize("threads", [1, 2])
def test_a_larger_number_of_states(threads: int) -> None:
    # Spin counts as many in the model that `write_promela` gives.
    answer = explore_fast(split_spte("clear,set-B,clear", readers=3), Memory.SC, threads=threads)
    assert (answer.states, answer.depth, answer.found) == (278_766, 25, None)


def test_a_wrong_entry_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Oracle.entry

    def wrong(oracle: Oracle, cpu: int, number: int, key: int) -> Any:
        return None if (cpu, number) == (1, 1) else right(oracle, cpu, number, key)

    monkeypatch.setattr(Oracle, "entry", wrong)
    program = store_buffering()
    assert explore_fast(program, Memory.TSO).states != explore(program, Memory.TSO).states


def endless() -> Program:
    """One CPU counts for ever."""
    again = Op("+", (Reg("n"), Const(1)))
    code = (Store(Place("x"), Reg("n")), Assign("n", again), Jump(0))
    return Program("endless", (Word("x"),), (thread("P0", *code),))


@pytest.mark.parametrize("bound", [1_000_000, 3_000_000])
def test_states_without_end_are_no_answer(bound: int) -> None:
    with pytest.raises(TooManyStates) as full:
        explore_fast(endless(), Memory.SC, bytes_bound=bound)
    assert full.value.states > 0
    assert full.value.bound == bound


def many_cpus(count: int) -> Program:
    code = [thread(f"P{n}", Update("old", Place("x"), "+", Const(1))) for n in range(count)]
    return Program("many", (Word("x"),), tuple(code))


def test_more_cpus_than_the_kernel_knows() -> None:
    assert_same(explore_fast(many_cpus(9)), explore(many_cpus(9)))


def test_states_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "HALF_BITS", 3)
    assert_same(explore_fast(many_cpus(4)), explore(many_cpus(4)))
    with pytest.raises(TooManyStates):
        explore_fast(many_cpus(4), bytes_bound=10_000)


def test_without_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NO_JIT, "1")
    monkeypatch.setattr(quick, "Exploration", None)
    assert_same(explore_fast(store_buffering()), explore(store_buffering()))


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmuspec.interleave.quick.report.SECONDS", 0)
    told: list[tuple[int, int, float]] = []
    heard: Callable[[int, int, float], None] = lambda *numbers: told.append(numbers)  # noqa: E731
    answer = explore_fast(store_buffering(), progress=heard, all_states=True)
    assert told[-1][0] == answer.states
    assert all(newest <= states and rate > 0 for states, newest, rate in told)


def test_a_place_is_seen_through_its_halves() -> None:
    from mmuspec.interleave.words import Part

    x = Place("x")
    looks = Op("==", (Read(x), Const(1 << 32 | 2)))
    program = Program(
        "halves",
        (Word("x"),),
        (
            thread("P0", Store(Place("x", Part.HIGH), Const(1)), Load("a", x)),
            thread("P1", Store(Place("x", Part.LOW), Const(2)), Load("a", x)),
        ),
        finals=(Final(Quantifier.FORALL, looks, "both halves"),),
    )
    for memory in Memory:
        assert_same(explore_fast(program, memory), explore(program, memory))
