"""What a litmus test comes to, in herd's words and in herd's form."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import factorial, prod

from mmuspec.interleave.axiomatic import executions
from mmuspec.interleave.decide import decide
from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.expressions import Const, Expr, Reg, evaluate
from mmuspec.interleave.litmus.litmus import Litmus, Observed
from mmuspec.interleave.operations import (
    CompareExchange,
    Load,
    Lock,
    Store,
    Unlock,
    Update,
)
from mmuspec.interleave.program import Memory, Program, Quantifier, Thread
from mmuspec.interleave.state import State
from mmuspec.interleave.words import Place, extract

KINDS = {
    Quantifier.EXISTS: "Allowed",
    Quantifier.NOT_EXISTS: "Forbidden",
    Quantifier.FORALL: "Required",
}

MOST_CANDIDATES = 100_000
"""Executions are counted if there can be no more than so many candidates; otherwise states are."""

Values = tuple[int, ...]
"""The last values of the observed locations, as they are held."""


@dataclass(frozen=True)
class Outcome:
    """What a test came to.

    :param states: the different final states, of the observed locations
    :param positive: how many executions end with the claim
    :param negative: how many end without it
    :param executions: whether those are executions; otherwise they are final states
    """

    litmus: Litmus
    memory: Memory
    states: tuple[Values, ...]
    positive: int
    negative: int
    executions: bool
    seconds: float

    @property
    def holds(self) -> bool:
        """Tell whether the quantified claim is true."""
        if self.litmus.quantifier is Quantifier.FORALL:
            return self.negative == 0
        return (self.positive > 0) == (self.litmus.quantifier is Quantifier.EXISTS)

    @property
    def observation(self) -> str:
        """Always, Sometimes or Never: how often the claim is true."""
        if self.positive == 0:
            return "Never"
        return "Sometimes" if self.negative else "Always"

    @property
    def expected(self) -> str | None:
        """What the file says is to come out; ``None`` if it does not say."""
        expected = dict(self.litmus.expected)
        return expected.get(self.memory.value, expected.get(""))

    @property
    def as_expected(self) -> bool:
        """Tell whether nothing else was expected.

        What comes out sometimes under a weaker model (the kernel's for files in C, x86-TSO
        when the question is about SC) may come out always or never.
        """
        weaker = self.litmus.arch == "C" or self.memory is Memory.SC
        if (
            self.expected == "Sometimes"
            and weaker
            and self.memory.value not in dict(self.litmus.expected)
        ):
            return True
        return self.expected in (None, self.observation)


def ask(litmus: Litmus, memory: Memory = Memory.TSO) -> Outcome:
    """Look at every way in which *litmus* can end.

    :raises TooManyStates: when the memory given does not hold them
    """
    start = time.perf_counter()
    answer = decide(litmus.program, memory, all_states=True)
    ends = [reader(litmus.program, state) for state in answer.finals]
    ends = [end for end in ends if end(litmus.counts)]
    states = {tuple(end(each.value) for each in litmus.observed) for end in ends}
    counted = witnesses(litmus, memory)
    positive, negative = counted or distinct(litmus, ends)
    return Outcome(
        litmus,
        memory,
        tuple(sorted(states, key=lambda values: _order(litmus, values))),
        positive,
        negative,
        counted is not None,
        time.perf_counter() - start,
    )


End = Callable[[Expr], int]
"""A final state: it tells the value of an expression."""


def reader(program: Program, state: State) -> End:
    """Return what tells the values of expressions in *state*."""
    words = dict(zip(program.word, state.memory, strict=True))
    registers = {
        (thread.name, name): value
        for thread, cpu in zip(program.threads, state.cpus, strict=True)
        for name, value in cpu.registers
    }

    def register(reg: Reg) -> int:
        return registers.get((reg.thread, reg.name), 0)

    def read(place: Place) -> int:
        return extract(words[place.word], program.word[place.word], place.part)

    return lambda expr: evaluate(expr, register, read)


def witnesses(litmus: Litmus, memory: Memory) -> tuple[int, int] | None:
    """Return how many executions end with the claim, and how many without it.

    Two executions differ if a load reads from another store, or if the stores to a word come
    in another order: that is what herd counts.

    :returns: ``None`` if there are loops, or too many candidates for executions
    """
    if candidates(litmus.program) > MOST_CANDIDATES:
        return None
    found = [0, 0]
    try:
        for execution in executions(litmus.program, memory):
            if litmus.counts == Const(1) or execution.holds(litmus.counts):
                found[not execution.holds(litmus.holds)] += 1
    except NotModelledError:
        return None
    return found[0], found[1]


def candidates(program: Program) -> int:
    """Return how many executions there are at most: stores in any order, loads of any store."""
    total = 1
    for word in program.words:
        counts = [accesses(thread, word.name) for thread in program.threads]
        stores, loads = [stores for stores, _ in counts], sum(loads for _, loads in counts)
        orders = factorial(sum(stores)) // prod(map(factorial, stores))
        total *= orders * (sum(stores) + 1) ** loads
    return total


def accesses(thread: Thread, word: str) -> tuple[int, int]:
    """Return how often *word* is written, and read, in the code of *thread*."""
    stores = loads = 0
    for instruction in thread.code:
        match instruction.operation:
            case Load(_, Place(name)) if name == word:
                loads += 1
            case Store(Place(name), _) | Unlock(name) if name == word:
                stores += 1
            case Update(_, Place(name)) | CompareExchange(_, Place(name)) | Lock(name) if (
                name == word
            ):
                stores, loads = stores + 1, loads + 1
    return stores, loads


def distinct(litmus: Litmus, ends: list[End]) -> tuple[int, int]:
    """Return how many different final states have the claim, and how many have not."""
    states = {(bool(end(litmus.holds)), *(end(o.value) for o in litmus.observed)) for end in ends}
    positive = sum(state[0] for state in states)
    return positive, len(states) - positive


def block(outcome: Outcome) -> str:
    """Return the result in the form in which herd prints it, without an empty line at the end."""
    return "\n".join(_lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    litmus, numbers = outcome.litmus, (outcome.positive, outcome.negative)
    yield f"Test {litmus.name} {KINDS[litmus.quantifier]}"
    yield f"States {len(outcome.states)}"
    for values in outcome.states:
        yield " ".join(f"{name}={value};" for name, value in named(litmus, values))
    yield "Ok" if outcome.holds else "No"
    yield "Witnesses"
    swap = litmus.quantifier is Quantifier.NOT_EXISTS
    yield "Positive: {} Negative: {}".format(*(numbers[::-1] if swap else numbers))
    yield f"Condition {litmus.claim}"
    yield "Observation {} {} {} {}".format(litmus.name, outcome.observation, *numbers)
    yield f"Time {litmus.name} {outcome.seconds:.2f}"
    for key, value in litmus.info:
        if key == "Hash":
            yield f"{key}={value}"


def named(litmus: Litmus, values: Values) -> Iterator[tuple[str, int | str]]:
    """Yield the observed locations and what they hold: a number, or the name of a word."""
    names = dict(litmus.addresses)
    for each, value in zip(litmus.observed, values, strict=True):
        yield str(each.location), names.get(value, each.type.shown(value))


def _order(litmus: Litmus, values: Values) -> tuple[tuple[bool, int, str], ...]:
    """Return where herd shows a state: numbers count as signed, and come before addresses."""
    names: Mapping[int, str] = dict(litmus.addresses)
    return tuple(
        (value in names, 0 if value in names else _signed(each, value), names.get(value, ""))
        for each, value in zip(litmus.observed, values, strict=True)
    )


def _signed(observed: Observed, value: int) -> int:
    """Return *value* as herd compares it."""
    value = observed.type.shown(value)
    return value - (1 << 64) if value >> 63 > 0 else value
