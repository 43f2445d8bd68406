"""Why something cannot happen: which guard prevents it, and at which row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from mmuspec.interleave.answer import DEADLOCK, Answer, TooManyStates
from mmuspec.interleave.decide import decide
from mmuspec.interleave.edit import edited, with_threads
from mmuspec.interleave.explain.order import Followed, follow, next_access
from mmuspec.interleave.explain.same import Images, accesses
from mmuspec.interleave.guards import BOUND, Guard, guards
from mmuspec.interleave.operations import ACCESSES
from mmuspec.interleave.program import Instruction, Memory, Program, Thread
from mmuspec.interleave.schedule.rows import Row, rows
from mmuspec.interleave.schedule.statement import spoken
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State
from mmuspec.interleave.weaken import neighbours
from mmuspec.interleave.writers.statements import number


@dataclass(frozen=True)
class Without:
    """A way to weaken a protocol that lets something happen, and where the protocol itself stops.

    :param guard: what is taken out
    :param answer: what is found then
    :param rows: how
    :param done: how many of these rows the protocol itself can do
    :param reasons: why it cannot do the next; or, if there is none, what it does then
    """

    guard: Guard
    answer: Answer
    rows: tuple[Row, ...]
    done: int
    reasons: tuple[str, ...]

    @property
    def text(self) -> str:
        """Why the protocol itself cannot do what it can without the guard, as a sentence."""
        why = "; ".join(self.reasons) or "the claim holds there all the same"
        if self.done == len(self.rows):
            return f"All of these rows can happen with it, but then {why}."
        return f"With it, row {self.done + 1} cannot happen: {why}."

    @property
    def plainness(self) -> tuple[bool, int]:
        """How plain the reason is; the least comes first.

        That something else was computed tells more than that the order was another.
        """
        return any(reason.endswith(" instead") for reason in self.reasons), len(self.rows)


@dataclass(frozen=True)
class Search:
    """What was found when each of some guards was taken out.

    :param found: those without which something happens, the plainest first
    :param unknown: those without which there are too many states to know
    """

    found: tuple[Without, ...] = ()
    unknown: tuple[Guard, ...] = ()


def needed(program: Program, memory: Memory) -> Search:
    """Look for the guards without which something is found."""
    return without_each(program, memory, guards(program))


def ordered(program: Program, memory: Memory) -> Search:
    """Look for pairs of neighbours that would let something happen the other way round."""
    return without_each(program, memory, tuple(exchanges(program)))


def without_each(program: Program, memory: Memory, candidates: Sequence[Guard]) -> Search:
    """Take each of *candidates* out."""
    found, unknown = [], []
    for guard in candidates:
        try:
            answer = decide(guard.weakened, memory, bound=BOUND)
        except TooManyStates:
            unknown.append(guard)
            continue
        if answer.found is not None:
            found.append((guard, answer))
    better = [pair for pair in found if pair[1].found != DEADLOCK]
    explained = [stopped(program, memory, *pair) for pair in better or found]
    return Search(tuple(sorted(explained, key=lambda each: each.plainness)), tuple(unknown))


def exchanges(program: Program) -> Iterator[Guard]:
    """Yield the program with two neighbours exchanged, for all that a CPU does not relate."""
    for thread in program.threads:
        for index in range(len(thread.code) - 1):
            after = next_index(thread, index)
            edits = neighbours(thread, index, after) if after is not None else {}
            if edits and after is not None:
                first, second = (
                    spoken_at(program, thread.code[at]).removesuffix(";") for at in (index, after)
                )
                weakened = with_threads(program, {thread.name: edited(thread, edits)})
                text = f"{thread.name} did {second} before {first}"
                yield Guard(text, text, thread.code[index].source, weakened)


def next_index(thread: Thread, index: int) -> int | None:
    """Return the index of the access after the one at *index*, if that is one."""
    if not isinstance(thread.code[index].operation, ACCESSES):
        return None
    later = range(index + 1, len(thread.code))
    return next((at for at in later if isinstance(thread.code[at].operation, ACCESSES)), None)


def spoken_at(program: Program, instruction: Instruction) -> str:
    """Return the statement of an access."""
    operation = instruction.operation
    assert isinstance(operation, ACCESSES)
    return spoken(operation, program, {})


def stopped(program: Program, memory: Memory, guard: Guard, answer: Answer) -> Without:
    """Return where *program* itself cannot follow what is found without *guard*."""
    schedule = rows(answer)
    images = [
        Images(weak, real)
        for weak, real in zip(guard.weakened.threads, program.threads, strict=True)
    ]
    order = list(accesses(answer, images))
    semantics = Semantics(program, memory)
    followed = follow(
        semantics, [wanted for wanted, _ in order], lambda cpu, at: images[cpu].is_extra(at)
    )
    if followed.done == len(order):
        reasons = tuple(difference(semantics, followed, answer, images))
        return Without(guard, answer, schedule, len(schedule), reasons)
    done = row_of(schedule, order[followed.done][1])
    return Without(guard, answer, schedule, done, followed.reasons)


def difference(
    semantics: Semantics, followed: Followed, answer: Answer, images: Sequence[Images]
) -> Iterator[str]:
    """Yield what is different in the real protocol when it has done all that was wanted."""
    last = answer.schedule[-1].state
    ends = [way[-1].state for way in followed.ways if way]
    closest = min(ends, key=lambda state: len(list(differences(semantics, state, last, images))))
    yield from differences(semantics, closest, last, images)


def differences(
    semantics: Semantics, real: State, weak: State, images: Sequence[Images]
) -> Iterator[str]:
    """Yield in words what differs between two states."""
    program = semantics.program
    for cpu, (mine, other) in enumerate(zip(real.cpus, weak.cpus, strict=True)):
        code = program.threads[cpu].code
        ended = other.at == len(images[cpu].weak.code)
        if (mine.at == len(code)) != ended or (not ended and images[cpu].same[other.at] != mine.at):
            name = program.threads[cpu].name
            if mine.at == len(code):
                yield f"{name} ends there"
            else:
                yield f"{name} goes on with {next_access(program, cpu, real)}"
    for word, mine_value, other_value in zip(program.words, real.memory, weak.memory, strict=True):
        if mine_value != other_value:
            yield f"{word.name} is {number(mine_value)}, not {number(other_value)}"


def row_of(schedule: Sequence[Row], step: int) -> int:
    """Return how many rows there are before the one that has step number *step*, from 0."""
    ends = accumulate(row.steps for row in schedule)
    return next(number for number, end in enumerate(ends) if step < end)
