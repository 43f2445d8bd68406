"""What CPUs could do if loads read from any store: the candidates for an execution.

Each is found once, and built so that every access comes after those it reads from. That
leaves out nothing: under TSO, and so under SC, no access depends on itself (loads are not
delayed, so a cycle of program order and rf would be one of the axiom of TSO).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from mmuspec.interleave.axiomatic.locations import Locations, places_read, places_written
from mmuspec.interleave.axiomatic.node import INITIAL, Node, Nodes
from mmuspec.interleave.axiomatic.walk import Walk
from mmuspec.interleave.program import Program
from mmuspec.interleave.words import Place


class Candidate(NamedTuple):
    """Some accesses, and how far they brought each CPU."""

    nodes: Nodes
    walks: tuple[Walk, ...]


class Candidates:
    """A search for candidates.

    :param allowed: tells whether nodes can belong to an execution; asked early and often
    """

    def __init__(self, program: Program, allowed: Callable[[Nodes], bool]) -> None:
        self.allowed = allowed
        self.locations = Locations(program)
        self.threads = program.threads

    def __iter__(self) -> Iterator[Candidate]:
        """Yield all candidates in which every CPU comes to its end."""
        initial = Node(None, 0, True, {}, self.locations.initial())
        walks = tuple(Walk.begin(number, thread) for number, thread in enumerate(self.threads))
        candidate: Candidate | None = Candidate((initial,), walks)
        for number in range(len(walks)):
            candidate = candidate and self.forward(candidate, number)
        if candidate:
            yield from self.extend(candidate)

    def extend(self, candidate: Candidate) -> Iterator[Candidate]:
        """Yield what *candidate* can become."""
        if all(walk.ended for walk in candidate.walks):
            yield candidate
        for number, walk in enumerate(candidate.walks):
            location = self.wanted(walk)
            if location and walk.refused < len(candidate.nodes):
                yield from self.choose(candidate, number, location)
                return

    def choose(self, candidate: Candidate, number: int, location: Place) -> Iterator[Candidate]:
        """Let a CPU read *location* from each store not yet refused; or from one still to come."""
        nodes, walk = candidate.nodes, candidate.walks[number]
        for source in range(walk.refused, len(nodes)):
            if location in nodes[source].writes:
                reads = walk._replace(sources={**walk.sources, location: source}, refused=INITIAL)
                chosen = self.forward(replace(candidate, reads), number)
                if chosen and self.allowed(chosen.nodes):
                    yield from self.extend(chosen)
        if any(self.may_write(other, location) for other in candidate.walks if other.cpu != number):
            yield from self.extend(replace(candidate, walk._replace(refused=len(nodes))))

    def forward(self, candidate: Candidate, number: int) -> Candidate | None:
        """Let a CPU go on while it need not read; return None if it never comes to its end."""
        nodes, walk = candidate.nodes, candidate.walks[number].compute()
        while not walk.ended and self.wanted(walk) is None:
            done = walk.access(nodes, self.locations)
            if done is None:
                return None
            node, walk = done
            nodes, walk = (*nodes, node), walk.compute()
        return replace(candidate._replace(nodes=nodes), walk)

    def wanted(self, walk: Walk) -> Place | None:
        """Return a location that the CPU's next access reads, and whose source is not chosen."""
        if walk.ended:
            return None
        for place in places_read(walk.operation):
            for location in self.locations.touched(place):
                if location not in walk.sources:
                    return location
        return None

    def may_write(self, walk: Walk, location: Place) -> bool:
        """Tell whether the CPU may still write *location*."""
        return any(
            location in self.locations.touched(place)
            for instruction in walk.thread.code[walk.at :]
            for place in places_written(instruction.operation)
        )


def replace(candidate: Candidate, walk: Walk) -> Candidate:
    """Return *candidate* with one CPU somewhere else."""
    walks = candidate.walks
    return candidate._replace(walks=(*walks[: walk.cpu], walk, *walks[walk.cpu + 1 :]))
