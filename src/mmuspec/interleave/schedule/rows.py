"""The rows of a schedule: who does what, what is read, and what changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.operations import (
    Access,
    CompareExchange,
    Load,
    Lock,
    Store,
    Unlock,
    Update,
)
from mmuspec.interleave.program import Memory, Program, Source
from mmuspec.interleave.schedule.order import in_order
from mmuspec.interleave.schedule.statement import hidden, in_form, settled, spoken
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step
from mmuspec.interleave.words import Place
from mmuspec.interleave.writers.statements import number


class Kind(Enum):
    """What a row shows."""

    DONE = "done"
    """An access; if it is a store, it is visible to all."""
    BUFFERED = "buffered"
    """A store that waits in the buffer of its CPU."""
    VISIBLE = "visible"
    """An earlier store that becomes visible."""


@dataclass(frozen=True)
class Change:
    """A shared word that holds something else after a row."""

    word: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.word}: {number(self.before)} -> {number(self.after)}"


@dataclass(frozen=True)
class Row:
    """A row of a schedule.

    :param cpu: the number of the CPU
    :param at: the index of the access; ``None`` where a store becomes visible
    :param source: where the access was written
    :param statement: the access in C, or the store that becomes visible
    :param value: what was read; of a store, what is written, if the statement does not say
    :param place: what a load reads from memory, or a store writes to it
    :param changes: what is different in memory afterwards, but for locks
    :param reads: whether something is read from memory, or from the CPU's buffer
    :param steps: how many steps of the exploration the row stands for
    """

    cpu: int
    at: int | None
    kind: Kind
    source: Source
    statement: str
    value: int | None
    place: Place | None
    changes: tuple[Change, ...]
    reads: bool = False
    steps: int = 1

    @property
    def words(self) -> str:
        """The statement with its label, and with what was read."""
        label = f"{self.source.label}: " if self.source.label else ""
        if self.kind is Kind.VISIBLE:
            return f"{label}{self.statement} becomes visible"
        return "  ".join([label + self.statement, *self.remarks])

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said beside the statement: what was read, and that a store waits."""
        value = () if self.value is None else (f"// {in_form(self.value, self.place)}",)
        return (*value, "(buffered)") if self.kind is Kind.BUFFERED else value


def rows(answer: Answer) -> tuple[Row, ...]:
    """Return the schedule of *answer* as rows; none if it has no schedule."""
    return rows_of(answer.program, answer.memory, in_order(answer))


def rows_of(program: Program, memory: Memory, steps: Sequence[Step]) -> tuple[Row, ...]:
    """Return *steps*, from the beginning on, as rows.

    A store that becomes visible in the very next step is one row.
    """
    return tuple(merged(Telling(program, memory).rows(steps)))


def merged(found: Iterator[Row]) -> Iterator[Row]:
    """Yield rows with each store and its becoming visible in one, where nothing is between."""
    waiting: Row | None = None
    for row in found:
        if waiting is not None and row.kind is Kind.VISIBLE and row.source is waiting.source:
            changes = (*waiting.changes, *row.changes)
            value = None if tells(row.changes, row.place) else waiting.value
            yield replace(waiting, kind=Kind.DONE, value=value, changes=changes, steps=2)
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = row
    if waiting is not None:
        yield waiting


class Telling:
    """Steps, told one after the other.

    :param program: whose steps they are
    """

    def __init__(self, program: Program, memory: Memory) -> None:
        self.program, self.semantics = program, Semantics(program, memory)
        self.waiting: dict[int, list[Source]] = {n: [] for n in range(len(program.threads))}
        code = [instruction.operation for thread in program.threads for instruction in thread.code]
        self.locks = {op.word for op in code if isinstance(op, Lock | Unlock)}

    def rows(self, steps: Sequence[Step]) -> Iterator[Row]:
        """Yield a row for each of *steps*."""
        for before, step in pairwise((self.semantics.initial(), *steps)):
            yield (
                self.visible(before.state, step)
                if step.at is None
                else self.done(before.state, step, step.at)
            )

    def done(self, before: State, step: Step, at: int) -> Row:
        """Return the row of an access."""
        cpu = cpu_of(step)
        instruction = self.program.threads[cpu].code[at]
        operation = instruction.operation
        assert isinstance(operation, Access)
        waits = len(step.state.cpus[cpu].buffer) > len(before.cpus[cpu].buffer)
        # A new object for each store: it tells which of them becomes visible.
        source = replace(instruction.source)
        if waits:
            self.waiting[cpu].append(source)
        changes = self.changes(before, step.state)
        return Row(
            cpu=cpu,
            at=at,
            kind=Kind.BUFFERED if waits else Kind.DONE,
            source=source,
            statement=spoken(operation, self.program, dict(before.cpus[cpu].registers)),
            value=self.value(operation, before, cpu, changes),
            place=place_of(operation),
            changes=changes,
            reads=isinstance(operation, Load | Update | CompareExchange),
        )

    def visible(self, before: State, step: Step) -> Row:
        """Return the row of a store that becomes visible."""
        cpu = cpu_of(step)
        place, value = before.cpus[cpu].buffer[0]
        source = self.waiting[cpu].pop(0)
        text = f"{place} = {in_form(value, place)}"
        changes = self.changes(before, step.state)
        return Row(cpu, None, Kind.VISIBLE, source, text, None, place, changes)

    def value(
        self, operation: Access, before: State, cpu: int, changes: Sequence[Change]
    ) -> int | None:
        """Return what *operation* reads or stores, unless the rest of the row says so."""
        run = self.semantics.run(before.cpus[cpu], cpu, self.semantics.words(before))
        match operation:
            case Load(_, place):
                return run.see(place)
            case Update(_, place) | CompareExchange(_, place):
                unwanted = operation.register is None or hidden(operation.register)
                return None if unwanted and tells(changes, place) else run.see(place)
            case Store(place, value):
                told = tells(changes, place) or settled(value, run.registers) is not None
                return None if told else run.cut(place, run.value(value))
            case _:
                return None

    def changes(self, before: State, after: State) -> tuple[Change, ...]:
        """Return the words that differ; that a lock is taken, the statement says."""
        return tuple(
            Change(word, old, new)
            for word, old, new in zip(self.program.word, before.memory, after.memory, strict=True)
            if old != new and word not in self.locks
        )


def tells(changes: Sequence[Change], place: Place | None) -> bool:
    """Tell whether *changes* say what is now in *place*."""
    return place is not None and any(change.word == place.word for change in changes)


def cpu_of(step: Step) -> int:
    """Return the number of the CPU that takes *step*."""
    assert step.cpu is not None, "nobody takes the step that is the beginning"
    return step.cpu


def place_of(operation: Access) -> Place | None:
    """Return the place that *operation* reads or writes."""
    match operation:
        case Lock(word) | Unlock(word):
            return Place(word)
        case Load(_, place) | Store(place, _):
            return place
        case Update(_, place, _, _) | CompareExchange(_, place, _, _):
            return place
        case _:
            return None
