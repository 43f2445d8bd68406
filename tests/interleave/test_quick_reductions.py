"""A reduced search finds what the plain one finds, in fewer states."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.operations import Load, Store, Update
from mmuspec.interleave.program import Always, Final, Memory, Program, Quantifier
from mmuspec.interleave.protocols.split_spte import split_spte
from mmuspec.interleave.quick.alike import classes
from mmuspec.interleave.quick.explore import explore_fast
from mmuspec.interleave.quick.independent import Independence
from mmuspec.interleave.quick.shape import Shape
from mmuspec.interleave.words import Place, Word
from tests.interleave.programs import programs
from tests.interleave.test_quick import thread

REDUCTIONS = [(True, False), (False, True), (True, True)]
X, Y = Place("x"), Place("y")


def assert_same_verdict(reduced: Answer, plain: Answer) -> None:
    for name in ("found", "gave_up", "finals"):
        assert getattr(reduced, name) == getattr(plain, name), name
    assert len(reduced.schedule) == len(plain.schedule)
    assert reduced.states <= plain.states


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), st.sampled_from(Memory), st.sampled_from(REDUCTIONS))
def test_random_programs(program: Program, memory: Memory, reductions: tuple[bool, bool]) -> None:
    reduce, symmetry = reductions
    reduced = explore_fast(program, memory, reduce=reduce, symmetry=symmetry)
    assert_same_verdict(reduced, explore(program, memory))


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), st.sampled_from(Memory), st.sampled_from(REDUCTIONS))
def test_very_many_random_programs(
    program: Program, memory: Memory, reductions: tuple[bool, bool]
) -> None:
    reduce, symmetry = reductions
    reduced = explore_fast(program, memory, reduce=reduce, symmetry=symmetry)
    assert_same_verdict(reduced, explore(program, memory))


@pytest.mark.parametrize("memory", Memory)
def test_readers_of_a_split_spte_are_alike(memory: Memory) -> None:
    program = split_spte("clear,set-B", readers=3)
    plain = explore_fast(program, memory)
    for reduce, symmetry in REDUCTIONS:
        reduced = explore_fast(program, memory, reduce=reduce, symmetry=symmetry)
        assert_same_verdict(reduced, plain)
        assert reduced.states < plain.states * (0.3 if symmetry else 0.9)


def pair(*finals: Final, always: tuple[Always, ...] = (), second: int = 1) -> Program:
    """Two CPUs that add to a word, by 1 and by *second*, and look at another."""
    cpus = [
        thread(f"P{n}", Update("old", X, "+", Const(by)), Load("seen", Y))
        for n, by in enumerate((1, second))
    ]
    return Program("pair", (Word("x"), Word("y")), tuple(cpus), finals, always)


def test_cpus_that_a_property_names_are_not_exchanged() -> None:
    who = Op("==", (Reg("old", "P0"), Const(1)))
    assert classes(Shape(pair(), Memory.SC)) == [[0, 1]]
    assert classes(Shape(pair(second=2), Memory.SC)) == []
    named = pair(Final(Quantifier.EXISTS, who, "P0 is second"))
    assert classes(Shape(named, Memory.SC)) == []
    answer = explore_fast(named, symmetry=True)
    assert_same_verdict(answer, explore(named))
    assert answer.found == "P0 is second"


def test_all_ends_are_given_though_cpus_are_exchanged() -> None:
    program = pair()
    reduced = explore_fast(program, symmetry=True)
    plain = explore(program)
    assert reduced.finals == plain.finals
    assert reduced.states < plain.states


def independent(program: Program, memory: Memory, cpu: int, at: int) -> bool:
    """Tell whether a step may be taken alone when nobody else has begun."""
    conflicts = Independence(Shape(program, memory)).conflicts(cpu, at)
    return conflicts is not None and not any(numbers & 1 for numbers in conflicts)


def test_which_steps_are_independent() -> None:
    assert independent(pair(), Memory.SC, 0, 1), "nobody writes what it reads"
    assert not independent(pair(), Memory.SC, 0, 0), "the other one adds to it, too"
    above = Op("<", (Read(Y), Const(9)))
    watched = pair(always=(Always(above, "y is small"),))
    assert independent(watched, Memory.SC, 0, 1), "reading changes nothing that is claimed"


def test_a_store_into_a_buffer_is_independent_of_everything() -> None:
    program = Program(
        "MP",
        (Word("x"), Word("y")),
        (thread("P0", Store(X, Const(1)), Store(Y, Const(1))), thread("P1", Load("a", X))),
    )
    assert independent(program, Memory.TSO, 0, 0)
    assert not independent(program, Memory.SC, 0, 0)
    assert not independent(program, Memory.TSO, 1, 0), "the store may still be waiting"


def test_a_step_that_an_invariant_looks_at_is_not_taken_alone() -> None:
    never = Op("!=", (Read(X), Const(1)))
    program = Program(
        "passing",
        (Word("x"), Word("y")),
        (thread("P0", Store(X, Const(1)), Store(X, Const(2))), thread("P1", Load("a", Y))),
        always=(Always(never, "x is never 1"),),
    )
    assert not independent(program, Memory.SC, 0, 0)
    for memory in Memory:
        assert_same_verdict(explore_fast(program, memory, reduce=True), explore(program, memory))
