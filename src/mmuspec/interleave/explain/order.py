"""How far an order of accesses can be followed, and what stands in the way of the next.

An order is what people draw: this access, then that one. Whether a store becomes visible at
once or later, the drawing does not say; so everything that x86-TSO allows in between is tried.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mmuspec.interleave.operations import (
    Access,
    CompareExchange,
    GiveUp,
    Load,
    Lock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program
from mmuspec.interleave.schedule.statement import in_form, spoken
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step
from mmuspec.interleave.words import Place
from mmuspec.interleave.writers.statements import expression


class Wanted(NamedTuple):
    """An access that is to happen next.

    :param cpu: the number of its CPU
    :param at: its index there
    :param value: what it is to read; ``None`` if that does not matter
    """

    cpu: int
    at: int
    value: int | None = None


@dataclass(frozen=True)
class Followed:
    """How far an order was followed.

    :param done: how many accesses can happen, one after the other
    :param ways: the ways to get there: the steps of each
    :param reasons: why the next cannot, in words; none if all happened
    """

    done: int
    ways: tuple[tuple[Step, ...], ...]
    reasons: tuple[str, ...] = ()


Ways = dict[State, tuple[Step, ...]]
"""States, and the steps by which each was reached first."""

Free = Callable[[int, int], bool]
"""Tells of a CPU and an index whether the access there may happen at any time."""


def follow(semantics: Semantics, order: Sequence[Wanted], free: Free | None = None) -> Followed:
    """Follow *order* from the beginning on as far as possible.

    :param free: accesses that may come at any time, because the order does not speak of them
    """
    allowed = free or (lambda cpu, at: False)
    ways: Ways = {semantics.initial().state: ()}
    for done, wanted in enumerate(order):
        ways = closed(semantics, ways, allowed)
        after: Ways = {}
        for state, way in ways.items():
            step = taken(semantics, state, wanted)
            if step is not None:
                after.setdefault(step.state, (*way, step))
        if not after:
            found = tuple(reasons(semantics, ways, wanted, allowed))
            return Followed(done, tuple(ways.values()), found)
        ways = after
    return Followed(len(order), tuple(closed(semantics, ways, allowed).values()))


def closed(semantics: Semantics, ways: Ways, free: Free) -> Ways:
    """Return *ways* and all that lead on from there, with stores that become visible."""
    found, todo = dict(ways), list(ways)
    for state in todo:
        for step in semantics.steps(state):
            assert step.cpu is not None
            if (step.at is None or free(step.cpu, step.at)) and step.state not in found:
                found[step.state] = (*found[state], step)
                todo.append(step.state)
    return found


def taken(semantics: Semantics, state: State, wanted: Wanted) -> Step | None:
    """Return the step of *wanted* from *state*, if it can happen and reads what it is to read."""
    if wanted.value is not None and read(semantics, state, wanted) != wanted.value:
        return None
    mine = (step for step in semantics.steps(state) if step.cpu == wanted.cpu)
    return next((step for step in mine if step.at == wanted.at), None)


def read(semantics: Semantics, state: State, wanted: Wanted) -> int | None:
    """Return what the access would read in *state*."""
    place = source(operation_of(semantics.program, wanted))
    cpu = state.cpus[wanted.cpu]
    run = semantics.run(cpu, wanted.cpu, semantics.words(state))
    return run.see(place) if place is not None else None


def source(operation: Access) -> Place | None:
    """Return the place that *operation* reads."""
    match operation:
        case Load(_, place) | Update(_, place, _, _) | CompareExchange(_, place, _, _):
            return place
        case _:
            return None


def operation_of(program: Program, wanted: Wanted) -> Access:
    """Return the operation of an access."""
    operation = program.threads[wanted.cpu].code[wanted.at].operation
    assert isinstance(operation, Access)
    return operation


def reasons(semantics: Semantics, ways: Ways, wanted: Wanted, free: Free) -> Iterator[str]:
    """Yield why *wanted* cannot happen in any of the states of *ways*.

    The states that matter are those in which its CPU comes as close to it as it can.
    """
    by_place: dict[int, Ways] = {}
    for state, way in ways.items():
        by_place.setdefault(state.cpus[wanted.cpu].at, {})[state] = way
    if wanted.at in by_place:
        for what in obstacles(semantics, by_place[wanted.at], wanted):
            yield f"it {what}"
        return
    elsewhere = [at for at in by_place if not free(wanted.cpu, at)] or list(by_place)
    for at in elsewhere:
        state = next(iter(by_place[at]))
        thread = semantics.program.threads[wanted.cpu]
        if at == len(thread.code):
            yield f"{thread.name} has ended by then"
            continue
        access = next_access(semantics.program, wanted.cpu, state)
        if free(wanted.cpu, at):
            for what in obstacles(semantics, by_place[at], Wanted(wanted.cpu, at)):
                yield f"before it comes {access}, which {what}"
        else:
            yield f"{thread.name} does {access} instead"


def obstacles(semantics: Semantics, ways: Ways, wanted: Wanted) -> Iterator[str]:
    """Yield what keeps *wanted* from happening, in states in which its CPU stands before it."""
    program, operation = semantics.program, operation_of(semantics.program, wanted)
    drained = {s: way for s, way in ways.items() if not s.cpus[wanted.cpu].buffer} or ways
    match operation:
        case GiveUp():
            yield "is where its CPU gives up"
        case Lock(word):
            holders = dict.fromkeys(holder(program, way, word) for way in drained.values())
            yield f"waits for {word}, which {' or '.join(holders)} holds"
        case WaitUntil(condition):
            yield f"waits, because {expression(condition)} does not hold"
        case _:
            place = source(operation)
            values = sorted({read(semantics, state, wanted) or 0 for state in drained})
            found = " or ".join(in_form(value, place) for value in values)
            yield f"reads {found}, not {in_form(wanted.value or 0, place)}"


def holder(program: Program, way: Sequence[Step], word: str) -> str:
    """Return the name of the CPU that took the lock *word* last."""
    taken_by = "somebody"
    for step in way:
        if step.cpu is not None and step.at is not None:
            thread = program.threads[step.cpu]
            if thread.code[step.at].operation == Lock(word):
                taken_by = thread.name
    return taken_by


def next_access(program: Program, cpu: int, state: State) -> str:
    """Return the access that CPU number *cpu* does next in *state*, with its label."""
    now = state.cpus[cpu]
    instruction = program.threads[cpu].code[now.at]
    operation = instruction.operation
    assert isinstance(operation, Access)
    label = f"{instruction.source.label}: " if instruction.source.label else ""
    return label + spoken(operation, program, dict(now.registers)).removesuffix(";")
