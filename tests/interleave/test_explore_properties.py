"""What the plain explorer does with every protocol: on random ones."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmuspec.interleave.answer import DEADLOCK, Answer, judge, stuck
from mmuspec.interleave.explore import explore
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.semantics import Semantics
from tests.interleave.fenced import fenced
from tests.interleave.programs import Kinds, programs
from tests.interleave.renamed import permuted, renamed

MEMORIES = st.sampled_from(Memory)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NIGHT = settings(QUICK, max_examples=1000)


def first_found(program: Program, memory: Memory) -> tuple[int, int] | None:
    """Return how far off the first thing to be found is, and how many states are seen then.

    With sets of states, by distance; a deadlock is seen when one tries to go on.
    """
    semantics, distance = Semantics(program, memory), 0
    steps = [semantics.initial()]
    seen = level = {steps[0].state}
    while steps:
        if any(judge(semantics, step) for step in steps):
            return distance, len(seen)
        deadlock = any(not [*semantics.steps(s)] and stuck(semantics, s) for s in level)
        steps = [step for state in level for step in semantics.steps(state)]
        level = {step.state for step in steps} - seen
        seen = seen | level
        if deadlock:
            return distance, len(seen)
        distance += 1
    return None


def is_replayed(program: Program, memory: Memory) -> None:
    answer = explore(program, memory)
    semantics = Semantics(program, memory)
    state = semantics.initial().state
    for step in answer.schedule:
        assert step in list(semantics.steps(state))
        state = step.state
    if answer.found == DEADLOCK:
        assert stuck(semantics, state)
        assert not list(semantics.steps(state))
    elif answer.found:
        last = answer.schedule[-1] if answer.schedule else semantics.initial()
        assert answer.found in judge(semantics, last)


def is_shortest(program: Program, memory: Memory) -> None:
    answer = explore(program, memory)
    found = (len(answer.schedule), answer.states) if answer.found is not None else None
    assert found == first_found(program, memory)


def sc_is_part_of_tso(program: Program) -> None:
    sc, tso = (explore(program, memory, all_states=True) for memory in Memory)
    assert sc.finals <= tso.finals


def fences_make_tso_sc(program: Program) -> None:
    sc, tso = (explore(p, memory, all_states=True) for p, memory in
               ((program, Memory.SC), (fenced(program), Memory.TSO)))  # fmt: skip

    def ends_of(answer: Answer) -> set[object]:
        return {(tuple(cpu.registers for cpu in s.cpus), s.memory) for s in answer.finals}

    assert ends_of(sc) == ends_of(tso)


def names_do_not_matter(program: Program, memory: Memory) -> None:
    names = {word.name: f"other_{9 - n}" for n, word in enumerate(program.words)}
    answer, other = explore(program, memory), explore(renamed(program, names), memory)
    assert (other.states, other.depth, other.found) == (answer.states, answer.depth, answer.found)
    assert [(s.cpu, s.at) for s in other.schedule] == [(s.cpu, s.at) for s in answer.schedule]


def order_does_not_matter(program: Program, memory: Memory, order: list[int]) -> None:
    order = [number for number in order if number < len(program.threads)]
    answer, other = explore(program, memory), explore(permuted(program, order), memory)
    assert (other.states, other.depth) == (answer.states, answer.depth)
    assert (other.found is None, other.gave_up) == (answer.found is None, answer.gave_up)
    assert {(tuple(s.cpus[order.index(n)] for n in range(len(order))), s.memory)
            for s in other.finals} == set(answer.finals)  # fmt: skip


@QUICK
@given(programs(max_accesses=6), MEMORIES)
def test_schedules_replay(program: Program, memory: Memory) -> None:
    is_replayed(program, memory)
    is_shortest(program, memory)


@QUICK
@given(programs(max_accesses=6))
def test_sc_is_part_of_tso(program: Program) -> None:
    sc_is_part_of_tso(program)


@QUICK
@given(programs(Kinds(ghosts=False), max_accesses=6))
def test_fences_make_tso_sc(program: Program) -> None:
    fences_make_tso_sc(program)


@QUICK
@given(programs(max_accesses=6), MEMORIES, st.permutations(range(3)))
def test_neither_names_nor_order_matter(program: Program, memory: Memory, order: list[int]) -> None:
    names_do_not_matter(program, memory)
    order_does_not_matter(program, memory, order)


@pytest.mark.nightly
@NIGHT
@given(programs(), MEMORIES, st.permutations(range(3)))
def test_all_of_it_on_many(program: Program, memory: Memory, order: list[int]) -> None:
    is_replayed(program, memory)
    is_shortest(program, memory)
    sc_is_part_of_tso(program)
    names_do_not_matter(program, memory)
    order_does_not_matter(program, memory, order)


@pytest.mark.nightly
@NIGHT
@given(programs(Kinds(ghosts=False)))
def test_fences_make_tso_sc_on_many(program: Program) -> None:
    fences_make_tso_sc(program)
