"""The fast explorer: the same answers as the plain one, from machine code.

The kernel knows nothing of programs: it takes steps from tables, and asks for the
entries that it misses. They are answered by the plain meaning of programs.
"""

import os
from collections.abc import Callable

from mmuspec.fast.explorer.context import MAX_CPUS
from mmuspec.fast.explorer.model import HALF_BITS, CpuModel, Model, OutOfMemory
from mmuspec.fast.jit import NO_JIT
from mmuspec.interleave.answer import DEADLOCK, Answer, Progress, TooManyStates, claims
from mmuspec.interleave.program import Memory, Program, Quantifier
from mmuspec.interleave.quick.alike import alike, exchanged
from mmuspec.interleave.quick.condition import Condition
from mmuspec.interleave.quick.encode import CpuFields, Encoding, encoding
from mmuspec.interleave.quick.fields import TooNarrow, TooWide
from mmuspec.interleave.quick.footprint import gives_up
from mmuspec.interleave.quick.independent import Independence
from mmuspec.interleave.quick.oracle import Oracle
from mmuspec.interleave.quick.plain import explore_plainly, memory_share
from mmuspec.interleave.quick.report import Report
from mmuspec.interleave.quick.sample import sample
from mmuspec.interleave.quick.shape import Shape
from mmuspec.interleave.quick.spread import spread
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step

FIRST_HALF = (1 << HALF_BITS) - 1


def explore_fast(
    program: Program,
    memory: Memory = Memory.TSO,
    *,
    all_states: bool = False,
    reduce: bool = False,
    symmetry: bool = False,
    threads: int = 1,
    bytes_bound: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Look at every state that *program* can reach, as the plain `explore` does.

    With a reduction there are fewer states, and their number and depth are those of the
    reduced search; but what is found, `finals` and `gave_up` are the same, and if something
    is found, everything is that of a search without reductions: the schedule is a shortest.

    A program whose states need more than 124 bits, or with more than 8 CPUs, goes to the
    plain explorer; so does every program if ``MMUSPEC_NO_JIT`` is 1.

    :param all_states: go on after something was found
    :param reduce: take one step alone if nothing that others may still do depends on it
    :param symmetry: take states for one that differ in the order of CPUs that are alike
    :param threads: 1 or 2
    :param bytes_bound: how many bytes the states may take; half of the memory if not given
    :param progress: is told how far the search is, a few times a second
    :raises TooManyStates: if the bound was reached
    """
    report = Report(progress)
    bound = memory_share() if bytes_bound is None else bytes_bound
    shape = Shape(program, memory)
    if os.environ.get(NO_JIT) == "1" or len(program.threads) > MAX_CPUS:
        return explore_plainly(program, memory, all_states, bound, report)
    sample(shape)
    spread(shape)

    def search(reduce: bool, symmetry: bool) -> Answer:
        while True:
            try:
                packed = encoding(shape)
                model = Exploration(packed, reduce, symmetry)
                return model.answer(all_states, threads, bound, report)
            except TooNarrow:
                continue

    try:
        if reduce or symmetry:
            answer = search(reduce, symmetry)
            if answer.found is None:
                return answer
        return search(False, False)
    except OutOfMemory as full:
        raise TooManyStates(full.states, bound) from None
    except TooWide:
        return explore_plainly(program, memory, all_states, bound, report)


Found = dict[str, tuple[int, bool]]
"""What was found: a state, and whether it is a step from there that breaks the claim."""


class Exploration:
    """One search with one encoding of states."""

    def __init__(self, encoding: Encoding, reduce: bool, symmetry: bool) -> None:
        self.encoding, shape = encoding, encoding.shape
        self.symmetry, self.reduced = symmetry and encoding.blocks, reduce or symmetry
        self.program, self.semantics = shape.program, Semantics(shape.program, shape.memory)
        conditions = [Condition(encoding, claim.condition) for claim in self.program.always]
        self.finals = [Condition(encoding, final.condition) for final in self.program.finals]
        self.first = self.semantics.initial()
        self.model = model_of(encoding, self.first.state, conditions, reduce, symmetry)
        self.ended: list[int] = []
        self.gave_up = False

    def answer(self, all_states: bool, threads: int, bound: int, report: Report) -> Answer:
        """Return what is known when everything was looked at."""
        # Not above: what brings the machine code is slow to import.
        from mmuspec.fast.explorer.machine_code import gathers, kernel
        from mmuspec.fast.explorer.search import Search
        from mmuspec.fast.explorer.tables import Tables

        tables = Tables(self.model, gathers())
        self.search = Search(self.model, tables, kernel(self.encoding.wide), bound, threads)
        self.report = report
        try:
            # What a reduced search finds is looked for again, without reductions.
            return self.written(self.levels(all_states and not self.reduced))
        finally:
            self.search.close()

    def levels(self, all_states: bool) -> Found:
        """Go through all levels; return what was found first."""
        found: Found = dict.fromkeys(self.first.broken, (self.search.first, False))
        self.look(found)
        while all_states or not found:
            new: Found = {}
            depth = self.search.depth
            self.expand(new)
            if self.search.depth > depth:
                self.look(new)
            found = found or new
            if self.search.depth == depth:
                break
        return found

    def expand(self, found: Found) -> None:
        """Take every step from the newest level."""
        hits, stuck = self.search.expand(self.report)
        if stuck is not None:
            found[DEADLOCK] = stuck, False
        for index in hits:
            state = self.encoding.get(self.search.state(index))
            for step in self.semantics.steps(state):
                for text in step.broken:
                    found.setdefault(text, (index, True))

    def look(self, found: Found) -> None:
        """Look at what is claimed of the states of the newest level."""
        for number, index in self.search.check():
            if number < len(self.program.always):
                found.setdefault(self.program.always[number].text, (index, False))
            else:
                self.gave_up = True
        for index in self.search.ends():
            self.ended.append(index)
            self.judge(index, found)

    def judge(self, index: int, found: Found) -> None:
        """Put the final questions to a state."""
        packed = self.search.state(index) if self.finals else 0
        for final, holds in zip(self.program.finals, self.finals, strict=True):
            if holds(packed) == (final.quantifier is not Quantifier.FORALL):
                found.setdefault(final.text, (index, False))

    def written(self, found: Found) -> Answer:
        """Return the answer."""
        text = next((text for text in claims(self.program) if text in found), None)
        return Answer(
            program=self.program,
            memory=self.semantics.memory,
            states=self.search.count,
            depth=self.search.depth,
            found=text,
            schedule=() if text is None or self.reduced else self.schedule(text, *found[text]),
            finals=self.ends(),
            gave_up=self.gave_up,
            reduced=self.reduced,
        )

    def ends(self) -> frozenset[State]:
        """Return the states in which everybody has ended."""
        states = [self.encoding.get(self.search.state(number)) for number in self.ended]
        if self.symmetry:
            shape = self.encoding.shape
            return frozenset(other for state in states for other in exchanged(shape, state))
        return frozenset(states)

    def schedule(self, text: str, index: int, breaks: bool) -> tuple[Step, ...]:
        """Return the steps to a state, and the one from there that breaks the claim *text*."""
        state, *way = map(self.encoding.get, self.search.way(index))
        steps = []
        for after in way:
            steps.append(next(s for s in self.semantics.steps(state) if s.state == after))
            state = after
        if breaks:
            steps.append(next(s for s in self.semantics.steps(state) if text in s.broken))
        return tuple(steps)


def model_of(
    encoding: Encoding,
    first: State,
    conditions: list[Condition],
    reduce: bool,
    symmetry: bool,
) -> Model:
    """Return what the kernel is told."""
    independence = Independence(encoding.shape) if reduce else None
    gives = [fields for fields in encoding.cpus if any_gives_up(fields)]
    masks = [condition.mask for condition in conditions] + [fields.at.mask for fields in gives]
    oracle = Oracle(encoding, [*conditions, *(follows(fields) for fields in gives)], independence)
    cpus = []
    for number, fields in enumerate(encoding.cpus):
        groups = tuple(oracle.group(number, n) for n in range(len(fields.kind.stops.values)))
        at, buffer = fields.at, fields.buffer
        cpus.append(CpuModel(at.shift, at.bits, groups, buffer.shift, buffer.bits))
    ends = [(fields.at, len(fields.kind.thread.code)) for fields in encoding.cpus]
    return Model(
        wide=encoding.wide,
        initial=encoding.put(first),
        cpus=tuple(cpus),
        oracle=oracle,
        claims=tuple(masks),
        end_mask=sum(fields.at.mask | fields.buffer.mask for fields in encoding.cpus),
        end_value=sum(at.put(end) for at, end in ends),
        divide=max((fields.mask for fields in encoding.cpus), key=int.bit_count) & FIRST_HALF,
        alike=alike(encoding) if symmetry else (),
        reduce=reduce,
    )


def any_gives_up(fields: CpuFields) -> bool:
    """Tell whether a CPU may reach the bound of a retry loop."""
    return any(gives_up(fields.kind.thread, at) for at in fields.kind.stops.values)


def follows(fields: CpuFields) -> Callable[[int], bool]:
    """Return what tells of a packed state whether a CPU is still followed."""
    return lambda packed: not gives_up(fields.kind.thread, fields.at.get(packed))
