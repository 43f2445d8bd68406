"""What decides a step, and what it may change: known from the code alone."""

from dataclasses import dataclass

from mmuspec.interleave.expressions import reads, registers
from mmuspec.interleave.liveness import expressions, live, targets
from mmuspec.interleave.operations import (
    ACCESSES,
    CompareExchange,
    GiveUp,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
)
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.words import Place


@dataclass(frozen=True)
class Footprint:
    """One step of a CPU: an access, and what the CPU computes after it.

    :param registers: those whose values decide what happens
    :param places: the places whose values do; ghosts among them
    :param target: the place that the access writes, at once or later
    :param ghosts: those that may be written on the way
    :param after: where the CPU may be then
    """

    registers: frozenset[str]
    places: frozenset[Place]
    target: Place | None
    ghosts: frozenset[str]
    after: frozenset[int]


def boundaries(thread: Thread) -> tuple[int, ...]:
    """Return the indices at which *thread* can stand between two steps."""
    code = thread.code
    found = [n for n, one in enumerate(code) if isinstance(one.operation, ACCESSES)]
    return (*found, len(code))


def footprint(program: Program, thread: Thread, at: int) -> Footprint:
    """Return what decides the step that begins with the access at index *at*."""
    path, after = within(thread, at)
    operations = [thread.code[index].operation for index in path]
    computed = [expr for operation in operations for expr in expressions(operation)]
    used = {reg.name for expr in computed for reg in registers(expr)}
    seen = {place for expr in computed for place in reads(expr)} | read(operations[0])
    return Footprint(
        registers=frozenset(used) & live(program, thread)[at],
        places=frozenset(seen),
        target=written_place(operations[0]),
        ghosts=frozenset(op.ghost for op in operations if isinstance(op, Note)),
        after=after,
    )


def within(thread: Thread, at: int) -> tuple[list[int], frozenset[int]]:
    """Return the indices that belong to the step at index *at*, and where it can end."""
    path, after, todo = [at], set[int](), list(targets(thread.code[at].operation, at))
    while todo:
        index = todo.pop()
        if index == len(thread.code) or isinstance(thread.code[index].operation, ACCESSES):
            after.add(index)
        elif index not in path:
            path.append(index)
            todo += targets(thread.code[index].operation, index)
    return path, frozenset(after)


def read(operation: Operation) -> set[Place]:
    """Return the place that an access looks at, besides those in its expressions."""
    match operation:
        case Load(_, place) | Update(_, place, _, _) | CompareExchange(_, place, _, _):
            return {place}
        case Lock(word):
            return {Place(word)}
        case _:
            return set()


def written_place(operation: Operation) -> Place | None:
    """Return the place that an access writes."""
    match operation:
        case Store(place, _) | Update(_, place, _, _) | CompareExchange(_, place, _, _):
            return place
        case Lock(word) | Unlock(word):
            return Place(word)
        case _:
            return None


def gives_up(thread: Thread, at: int) -> bool:
    """Tell whether *thread* has given up once it is at index *at*."""
    return at < len(thread.code) and isinstance(thread.code[at].operation, GiveUp)


def goes_on(thread: Thread, at: int) -> bool:
    """Tell whether a CPU at index *at* can ever go on."""
    return at < len(thread.code) and not gives_up(thread, at)
