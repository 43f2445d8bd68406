"""How far the rows of a table can happen in the order in which they are drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mmuspec.interleave.explain.asked import Demanded, conjuncts, demanded
from mmuspec.interleave.explain.order import Followed, Wanted, Ways, follow, read, reasons
from mmuspec.interleave.operations import ACCESSES, Access
from mmuspec.interleave.program import Memory, Program, Quantifier
from mmuspec.interleave.schedule.end import values
from mmuspec.interleave.schedule.rows import Kind, Row, place_of, rows_of
from mmuspec.interleave.schedule.statement import spoken
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step
from mmuspec.interleave.writers.statements import expression

Order = Sequence[tuple[int, int]]
"""Numbers of CPUs and indices of instructions, from the top of a table down."""


@dataclass(frozen=True)
class Drawn:
    """What becomes of the rows of a table.

    :param rows: those that can happen, in that order, and the one that cannot
    :param done: how many can
    :param reasons: why the next cannot; or, of the end, what is not as it was asked
    :param drawn: whether somebody drew them
    """

    rows: tuple[Row, ...]
    done: int
    reasons: tuple[str, ...]
    drawn: bool = True

    @property
    def text(self) -> str:
        """The step that blocks it, as a sentence; nothing if nothing does."""
        why = "; ".join(self.reasons)
        if self.done < len(self.rows):
            if self.drawn:
                return f"As drawn, row {self.done + 1} cannot happen: {why}."
            return f"No order gets further: row {self.done + 1} cannot happen: {why}."
        order = "as drawn" if self.drawn else "in this order"
        return f"All rows can happen {order}, but at the end {why}." if why else ""


def as_drawn(program: Program, memory: Memory, order: Order) -> Drawn:
    """Follow the rows of a table.

    If the table asks for final states in which registers have certain values, the rows that
    give the registers their last values are to read just those.
    """
    semantics = Semantics(program, memory)
    wanted = list(wishes(program, order))
    followed = follow(semantics, wanted)
    way = min(followed.ways, key=len)
    if followed.reasons:
        done = rows_of(program, memory, way)
        return Drawn((*done, blocked(program, wanted[followed.done])), len(done), followed.reasons)
    way, missed = best_end(semantics, followed)
    done = rows_of(program, memory, way)
    return Drawn(done, len(done), missed)


def blocked(program: Program, wanted: Wanted) -> Row:
    """Return the row of an access that does not happen."""
    instruction = program.threads[wanted.cpu].code[wanted.at]
    operation = instruction.operation
    assert isinstance(operation, Access)
    text = spoken(operation, program, {})
    source, place = instruction.source, place_of(operation)
    return Row(wanted.cpu, wanted.at, Kind.DONE, source, text, wanted.value, place, ())


def wishes(program: Program, order: Order) -> Iterator[Wanted]:
    """Yield the accesses of *order*, with the values that are asked for."""
    asked = demanded(program)
    for cpu, at in order:
        if isinstance(program.threads[cpu].code[at].operation, ACCESSES):
            yield Wanted(cpu, at, asked.get((cpu, at)))


def best_end(semantics: Semantics, followed: Followed) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """Return the way after which most is as it was asked, and what is not."""
    ways = [way for way in followed.ways if way and semantics.ended(way[-1].state)]
    if not ways:
        return min(followed.ways, key=len), ("somebody has not ended, or a store is not visible",)
    missed = [(way, tuple(unmet(semantics, way))) for way in ways]
    return min(missed, key=lambda pair: (len(pair[1]), len(pair[0])))


def unmet(semantics: Semantics, way: Sequence[Step]) -> Iterator[str]:
    """Yield what is asked of the end and does not hold after *way*."""
    program, state = semantics.program, way[-1].state
    for final in program.finals:
        if final.quantifier is Quantifier.FORALL:
            continue
        for part in conjuncts(final.condition):
            if not semantics.holds(part, state):
                seen = ", ".join(values(program, part, state))
                yield f"{expression(part)} does not hold ({seen})"


def furthest(program: Program, memory: Memory) -> Drawn | None:
    """Return how far the CPUs get if every register has to get the value that is asked for.

    ``None`` if no value is asked for, or a register that is may change later.
    """
    asked = demanded(program)
    if not asked:
        return None
    semantics = Semantics(program, memory)
    first = semantics.initial().state
    ways: Ways = {first: ()}
    todo, ends = [first], []
    for state in todo:
        steps = [step for step in semantics.steps(state) if agrees(semantics, state, step, asked)]
        if not steps:
            ends.append(ways[state])
        for step in steps:
            if step.state not in ways:
                ways[step.state] = (*ways[state], step)
                todo.append(step.state)
    return far_enough(semantics, max(ends, key=len), asked)


def agrees(semantics: Semantics, state: State, step: Step, asked: Demanded) -> bool:
    """Tell whether *step* reads what it is to read."""
    if step.cpu is None or step.at is None or (step.cpu, step.at) not in asked:
        return True
    return read(semantics, state, Wanted(step.cpu, step.at)) == asked[step.cpu, step.at]


def far_enough(semantics: Semantics, way: tuple[Step, ...], asked: Demanded) -> Drawn | None:
    """Return *way* as rows, and why it does not go on as it was asked."""
    program = semantics.program
    state = way[-1].state if way else semantics.initial().state
    done = tuple(rows_of(program, semantics.memory, way))
    stopped = [
        Wanted(cpu, now.at, asked[cpu, now.at])
        for cpu, now in enumerate(state.cpus)
        if (cpu, now.at) in asked
    ]
    if stopped:
        first, *others = stopped
        why = list(reasons(semantics, {state: way}, first, lambda cpu, at: False))
        for other in others:
            said = " and ".join(reasons(semantics, {state: way}, other, lambda cpu, at: False))
            row = blocked(program, other)
            name, text = program.threads[other.cpu].name, row.statement.removesuffix(";")
            why.append(f"nor can {name} go on with {text}: {said}")
        return Drawn((*done, blocked(program, first)), len(done), tuple(why), drawn=False)
    if way and semantics.ended(state):
        return Drawn(done, len(done), tuple(unmet(semantics, way)), drawn=False)
    return None
