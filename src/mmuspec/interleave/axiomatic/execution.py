"""The executions that a memory model allows, how they end, and how many there are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mmuspec.interleave.axiomatic.axioms import Coherence
from mmuspec.interleave.axiomatic.candidates import Candidate, Candidates
from mmuspec.interleave.axiomatic.locations import Location, Locations
from mmuspec.interleave.axiomatic.modelled import check
from mmuspec.interleave.axiomatic.node import Nodes
from mmuspec.interleave.expressions import Expr, Reg, evaluate, registers
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.words import Place, extract


class Outcome(NamedTuple):
    """How an execution ends, as far as a protocol asks.

    :param memory: the words, in the order of the program
    :param registers: those that final questions look at, in the order of their names
    """

    memory: tuple[int, ...]
    registers: tuple[tuple[Reg, int], ...]


@dataclass(frozen=True)
class Execution:
    """Something that may happen: what each access reads and writes, and in what order.

    :param nodes: the accesses, with rf as their ``sources``; the first are the initial values
    :param co: the numbers of the nodes that write each location, in their order
    :param words: what the words hold at the end
    :param registers: what the registers of each CPU hold at the end
    """

    program: Program
    nodes: Nodes
    co: Coherence
    words: Mapping[str, int]
    registers: Mapping[str, Mapping[str, int]]

    @property
    def rf(self) -> Iterator[tuple[int, Location, int]]:
        """Who is read from, at which location, and by whom."""
        for number, node in enumerate(self.nodes):
            for place, source in node.sources.items():
                yield source, place, number

    def register(self, reg: Reg) -> int:
        """Return what a register holds at the end."""
        return self.registers[reg.thread].get(reg.name, 0)

    def read(self, place: Place) -> int:
        """Return what a place holds at the end."""
        return extract(self.words[place.word], self.program.word[place.word], place.part)

    def holds(self, condition: Expr) -> bool:
        """Tell whether the *condition* of a final question holds at the end."""
        return bool(evaluate(condition, self.register, self.read))


def executions(program: Program, memory: Memory = Memory.TSO) -> Iterator[Execution]:
    """Yield each execution of *program* that *memory* allows, once: those that differ in rf or co.

    Only those in which every CPU comes to its end; claims and invariants are not looked at.

    :raises NotModelledError: if the program has a loop or a ghost
    """
    check(program)
    candidates = Candidates(program, memory)
    for candidate in candidates:
        for co in candidate.orders.coherences():
            yield finished(program, candidates.locations, candidate, co)


def finished(
    program: Program, locations: Locations, candidate: Candidate, co: Coherence
) -> Execution:
    """Return the execution with that *co*: the last store to a location stays there."""
    nodes = candidate.orders.nodes
    pieces = {place: nodes[writers[-1]].writes[place] for place, writers in co.items()}
    return Execution(
        program,
        nodes,
        co,
        {name: locations.join(Place(name), pieces) for name in program.word},
        {walk.thread.name: walk.registers for walk in candidate.walks},
    )


def final_states(program: Program, memory: Memory = Memory.TSO) -> frozenset[Outcome]:
    """Return the ways in which *program* can end under *memory*.

    :raises NotModelledError: if the program has a loop or a ghost
    """
    asked = asked_registers(program)
    return frozenset(
        Outcome(
            tuple(execution.words.values()),
            tuple((reg, execution.register(reg)) for reg in asked),
        )
        for execution in executions(program, memory)
    )


def asked_registers(program: Program) -> tuple[Reg, ...]:
    """Return the registers that the final questions look at, in the order of their names."""
    found = {reg for final in program.finals for reg in registers(final.condition)}
    return tuple(sorted(found, key=lambda reg: (reg.thread, reg.name)))


def count(program: Program, memory: Memory, condition: Expr) -> tuple[int, int]:
    """Return how many allowed executions end with *condition*, and how many without it.

    These are the numbers in herd's ``Observation``; its ``Witnesses`` are the same numbers,
    the other way round if the question is ``~exists``. Executions are counted by rf and co,
    so that two of them may end alike. A compare-exchange that fails writes nothing.

    :raises NotModelledError: if the program has a loop or a ghost
    """
    answers = [execution.holds(condition) for execution in executions(program, memory)]
    return answers.count(True), answers.count(False)
