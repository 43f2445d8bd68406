"""A schedule put in the order that is easiest to read.

A store that waits although nobody takes advantage of it is put off until it becomes visible,
so that the stores which do wait are those that matter.
"""

from collections.abc import Iterator, Sequence

from mmuspec.interleave.answer import DEADLOCK, Answer, judge, stuck
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import Step

Turn = tuple[int, bool]
"""A CPU, and whether its oldest waiting store becomes visible; otherwise it goes on."""


def in_order(answer: Answer) -> tuple[Step, ...]:
    """Return the schedule of *answer* with every store as late as it can be.

    It has as many steps, and ends with the same claim falling.
    """
    semantics = Semantics(answer.program, answer.memory)
    best = list(answer.schedule)
    for wanted in range(len(waits(best)) - 1, -1, -1):
        store, drain = waits(best)[wanted]
        for turns in moves([turn(step) for step in best], store, drain):
            steps = taken(semantics, turns)
            if steps is not None and falls(semantics, steps, answer.found):
                best = steps
                break
    return tuple(best)


def turn(step: Step) -> Turn:
    """Return whose turn *step* was."""
    assert step.cpu is not None
    return step.cpu, step.at is None


def waits(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Return where each store that becomes visible stands, and where it becomes visible."""
    waiting: dict[int, list[int]] = {}
    length: dict[int, int] = {}
    found = []
    for index, step in enumerate(steps):
        cpu, visible = turn(step)
        buffered = len(step.state.cpus[cpu].buffer)
        if visible:
            found.append((waiting[cpu].pop(0), index))
        elif buffered > length.get(cpu, 0):
            waiting.setdefault(cpu, []).append(index)
        length[cpu] = buffered
    return sorted(found)


def moves(turns: list[Turn], store: int, drain: int) -> Iterator[list[Turn]]:
    """Yield *turns* with the two at these places one after the other, if they are not."""
    if drain == store + 1:
        return
    between = turns[store + 1 : drain]
    if turns[store] not in between:
        yield [*turns[:store], *between, turns[store], *turns[drain:]]
    yield [*turns[: store + 1], turns[drain], *between, *turns[drain + 1 :]]


def taken(semantics: Semantics, turns: Sequence[Turn]) -> list[Step] | None:
    """Return the steps of *turns* from the beginning on; ``None`` if one cannot happen."""
    state, steps = semantics.initial().state, []
    for each in turns:
        step = next((step for step in semantics.steps(state) if turn(step) == each), None)
        if step is None:
            return None
        steps.append(step)
        state = step.state
    return steps


def falls(semantics: Semantics, steps: Sequence[Step], claim: str | None) -> bool:
    """Tell whether *claim* falls with the last of *steps*."""
    last = steps[-1]
    if claim == DEADLOCK:
        return not any(semantics.steps(last.state)) and stuck(semantics, last.state)
    return claim in judge(semantics, last)
