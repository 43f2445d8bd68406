"""What an exploration found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from mmuspec.interleave.operations import Check
from mmuspec.interleave.program import Memory, Program, Quantifier
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step

DEADLOCK = "deadlock: nobody can go on, and not everybody has ended"
"""The one thing that is wrong in every protocol."""


Progress = Callable[[int, int, float], None]
"""Is told now and then: the states so far, how many of them are newest, states per second."""


class TooManyStates(Exception):
    """The memory given was used up before everything was seen: nothing is known."""

    def __init__(self, states: int, bound: int) -> None:
        super().__init__(
            f"{states:,} states were seen, which is all that the bound of {bound:,} bytes holds, "
            "and there are more; so nothing is proved. Give more memory, fewer CPUs or fewer rounds"
        )
        self.states, self.bound = states, bound


@dataclass(frozen=True)
class Answer:
    """The result of looking at every interleaving.

    :param states: how many different states were seen
    :param depth: length of the longest shortest way to a state
    :param found: what was found first: the text of a claim that failed, of a final
        question that was answered (``exists``) or failed, or `DEADLOCK`; ``None`` if nothing
    :param schedule: a shortest way there
    :param finals: the states in which everybody has ended
    :param gave_up: whether some CPU reached the bound of a retry loop
    :param reduced: whether states were left out that cannot make a difference
    """

    program: Program
    memory: Memory
    states: int
    depth: int
    found: str | None
    schedule: tuple[Step, ...]
    finals: frozenset[State]
    gave_up: bool
    reduced: bool = False

    def __str__(self) -> str:
        reduced = ", reduced" if self.reduced else ""
        seen = f"{self.states:,} states ({self.memory.value}{reduced})"
        if self.found is None:
            return f"nothing found in {seen}"
        return f"found in {len(self.schedule)} steps, {seen}: {self.found}"


@cache
def claims(program: Program) -> tuple[str, ...]:
    """Return all that can be found, in the order in which it is reported."""

    def texts() -> Iterator[str]:
        yield DEADLOCK
        for thread in program.threads:
            for instruction in thread.code:
                if isinstance(instruction.operation, Check):
                    yield instruction.operation.text
        yield from (claim.text for claim in program.always)
        yield from (final.text for final in program.finals)

    return tuple(dict.fromkeys(texts()))


def judge(semantics: Semantics, step: Step) -> frozenset[str]:
    """Return what is found in the state to which *step* leads, and on the way there."""
    program, state = semantics.program, step.state
    found = set(step.broken)
    found |= {claim.text for claim in program.always if not semantics.holds(claim.condition, state)}
    if semantics.ended(state):
        for final in program.finals:
            wanted = final.quantifier is not Quantifier.FORALL
            if semantics.holds(final.condition, state) == wanted:
                found.add(final.text)
    return frozenset(found)


def stuck(semantics: Semantics, state: State) -> bool:
    """Tell whether *state*, from which no step leads, is a deadlock."""
    return not semantics.ended(state) and not semantics.gave_up(state)
