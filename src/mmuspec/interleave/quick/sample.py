"""A few runs of a program, to see which values its fields will have to hold."""

from collections.abc import Iterator

from mmuspec.interleave.quick.shape import Shape
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State
from mmuspec.interleave.words import Place

LONGEST = 100
"""Steps of one run."""

LONGEST_BUFFER = 24
"""Stores in a buffer whose parts are all noted."""


def sample(shape: Shape) -> None:
    """Note in *shape* what its fields hold in a few runs."""
    semantics = Semantics(shape.program, shape.memory)
    seen: set[object] = set()
    for state in runs(semantics):
        look(shape, state, seen)


def runs(semantics: Semantics) -> Iterator[State]:
    """Yield the states of some runs: each CPU first, the rest after it; then all in turn."""
    first = semantics.initial().state
    yield first
    count = len(first.cpus)
    for start in range(count):
        order = [*range(start, count), *range(start)]
        yield from run(semantics, first, order, turns=False)
    yield from run(semantics, first, list(range(count)), turns=True)


def run(semantics: Semantics, state: State, order: list[int], turns: bool) -> Iterator[State]:
    """Yield the states of one run; a CPU goes on as long as it can, or (*turns*) for one step."""
    idle = 0
    for _ in range(LONGEST):
        after = step(semantics, state, order[0], late=turns)
        if after == state:
            idle += 1
        else:
            idle, state = 0, after
            yield state
        if idle > len(order):
            return
        if turns or idle:
            order = order[1:] + order[:1]


def step(semantics: Semantics, state: State, number: int, late: bool) -> State:
    """Return the state after a step of one CPU; stores become visible soon or *late*."""
    cpu = state.cpus[number]
    if cpu.buffer and not late:
        return drained(semantics, state, number)
    run = semantics.run(cpu, number, semantics.words(state))
    if run.access():
        return semantics.taken(state, number, cpu.at, run.compute()).state
    return drained(semantics, state, number) if cpu.buffer else state


def drained(semantics: Semantics, state: State, number: int) -> State:
    """Return the state after the oldest store of one CPU became visible."""
    run = semantics.run(state.cpus[number], number, semantics.words(state))
    run.drain()
    return semantics.taken(state, number, None, run).state


def look(shape: Shape, state: State, seen: set[object]) -> None:
    """Note what the fields hold in *state*, but for what was *seen* before."""
    for one in zip(shape.program.words, state.memory, strict=True):
        if one not in seen:
            seen.add(one)
            shape.note(Place(one[0].name), one[1])
    for cpu, kind in zip(state.cpus, shape.kinds, strict=True):
        if (id(kind), cpu) in seen:
            continue
        seen.add((id(kind), cpu))
        for name, value in cpu.registers:
            kind.registers[name].number(value)
        if len(cpu.buffer) <= LONGEST_BUFFER:
            for end in range(1, len(cpu.buffer) + 1):
                kind.buffer(cpu.buffer[:end])
