"""Which guard is needed: a protocol without each of them in turn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from mmuspec.interleave.answer import Answer, TooManyStates
from mmuspec.interleave.decide import decide
from mmuspec.interleave.edit import edited, with_threads
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.program import Instruction, Memory, Program, Source, Thread
from mmuspec.interleave.validate import validate
from mmuspec.interleave.weaken import NOT_LOOKED_AT, weakenings

BOUND = 64 << 20
"""Bytes for the states of a protocol without one of its guards."""


@dataclass(frozen=True)
class Guard:
    """A barrier, recheck, count, exchange, lock or order that a protocol relies on.

    :param name: its label in the protocol, or the CPU and the line; numbered if not alone
    :param text: what is weaker without it
    :param weakened: the protocol without it
    """

    name: str
    text: str
    source: Source
    weakened: Program


@dataclass(frozen=True)
class Verdict:
    """What is found without a guard: one answer a memory model.

    :param answers: ``None`` where there are too many states to know
    """

    guard: Guard
    answers: tuple[Answer | None, ...]

    @property
    def harmful(self) -> bool:
        """Whether a claim falls without the guard."""
        return any(answer is not None and answer.found is not None for answer in self.answers)


class UnknownGuardError(Exception):
    """A name that no guard of the protocol has."""

    def __init__(self, name: str, guards: tuple[Guard, ...]) -> None:
        known = "\n".join(f"  {guard.name}: {guard.text}" for guard in guards)
        super().__init__(f"no guard is named {name}; there are\n{known}")


def guards(program: Program) -> tuple[Guard, ...]:
    """Return every guard of *program*.

    CPUs that run the same lines lose them together, and so do all places where a function
    is written out.
    """
    found = list(unnamed(program))
    named = []
    for name, same in groupby(sorted(found, key=order), key=lambda guard: guard.name):
        alike = list(same)
        numbers = [f".{number}" for number in range(1, len(alike) + 1)] if alike[1:] else [""]
        named += [
            Guard(name + number, guard.text, guard.source, guard.weakened)
            for guard, number in zip(alike, numbers, strict=True)
        ]
    return tuple(sorted(named, key=lambda guard: guard.source.line))


def order(guard: Guard) -> tuple[str, int, int]:
    """Return how guards are sorted before they are numbered."""
    return guard.name, guard.source.line, guard.source.column


def unnamed(program: Program) -> Iterator[Guard]:
    """Yield the guards, several of which may have the same name."""
    seen = set()
    for thread in program.threads:
        for index, instruction in enumerate(thread.code):
            for text, _ in weakenings(thread, index):
                source = instruction.source
                if source.line and (source, text) not in seen:
                    seen.add((source, text))
                    weakened = without(program, source, text)
                    if weakened is not None:
                        name = source.label or f"{thread.name}:{source.line}"
                        yield Guard(name, text, source, weakened)


def without(program: Program, source: Source, text: str) -> Program | None:
    """Return *program* with every instruction of *source* weakened as *text* says.

    ``None`` if that is no protocol, because a loop would have no access left.
    """
    threads = {thread.name: weakened(thread, source, text) for thread in program.threads}
    try:
        return validate(with_threads(program, threads))
    except ProgramError:
        return None


def weakened(thread: Thread, source: Source, text: str) -> Thread:
    """Return *thread* with every instruction of *source* weakened as *text* says."""
    edits: dict[int, Sequence[Instruction]] = {}
    for index, instruction in enumerate(thread.code):
        if instruction.source == source:
            for meaning, edit in weakenings(thread, index):
                if meaning == text:
                    edits.update(edit)
    return edited(thread, edits)


def guard(program: Program, name: str) -> Guard:
    """Return the guard of that name.

    :raises UnknownGuardError: if there is none; it lists those that there are
    """
    found = guards(program)
    for candidate in found:
        if candidate.name == name:
            return candidate
    raise UnknownGuardError(name, found)


def examine(program: Program, memories: tuple[Memory, ...] = tuple(Memory)) -> Iterator[Verdict]:
    """Yield, guard by guard, what is found without it.

    A test can be left out in two ways. If just one of them is harmful, the other, which does
    more than is needed, is passed over.
    """
    for _, group in groupby(guards(program), key=lambda guard: (guard.source, is_test(guard))):
        verdicts = [
            Verdict(each, tuple(answer(each.weakened, memory) for memory in memories))
            for each in group
        ]
        harmful = [verdict for verdict in verdicts if verdict.harmful]
        alternatives = is_test(verdicts[0].guard)
        yield from (harmful or verdicts[:1]) if alternatives else verdicts


def answer(weakened: Program, memory: Memory) -> Answer | None:
    """Look at a protocol that lacks a guard; it may never end, and then nothing is known."""
    try:
        return decide(weakened, memory, bound=BOUND)
    except TooManyStates:
        return None


def is_test(guard: Guard) -> bool:
    """Tell whether *guard* is one of the two ways to leave out a test."""
    return guard.text.startswith(NOT_LOOKED_AT)
