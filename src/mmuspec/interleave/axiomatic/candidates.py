"""What CPUs could do if loads read from any store: the candidates for an execution.

Each is found once, and built so that every access comes after those it reads from. That
leaves out nothing: under TSO, and so under SC, no access depends on itself (loads are not
delayed, so a cycle of program order and rf would be one of "ghb").
"""

from collections.abc import Iterator
from typing import NamedTuple

from mmuspec.interleave.axiomatic.axioms import Orders
from mmuspec.interleave.axiomatic.locations import (
    Location,
    Locations,
    places_read,
    places_written,
)
from mmuspec.interleave.axiomatic.modelled import reachable
from mmuspec.interleave.axiomatic.node import INITIAL, Node
from mmuspec.interleave.axiomatic.order import ImpossibleError
from mmuspec.interleave.axiomatic.walk import Walk
from mmuspec.interleave.program import Memory, Program, Thread


class Candidate(NamedTuple):
    """Some accesses, with what the axioms say of them, and how far they brought each CPU."""

    orders: Orders
    walks: tuple[Walk, ...]

    def at(self, walk: Walk) -> "Candidate":
        """Return the candidate with one CPU somewhere else."""
        walks = self.walks
        return self._replace(walks=(*walks[: walk.cpu], walk, *walks[walk.cpu + 1 :]))


class Candidates:
    """A search for candidates; those that break an axiom are dropped as soon as they do."""

    def __init__(self, program: Program, memory: Memory) -> None:
        self.program, self.memory = program, memory
        self.locations = Locations(program)
        self.later = [self.later_writes(thread) for thread in program.threads]

    def __iter__(self) -> Iterator[Candidate]:
        """Yield all candidates in which every CPU comes to its end."""
        try:
            first = self.begin()
        except ImpossibleError:
            return
        yield from self.extend(first)

    def begin(self) -> Candidate:
        """Return the beginning: each CPU stands before its first load."""
        initial = Node(None, 0, True, {}, self.locations.initial())
        walks = tuple(map(Walk.begin, range(len(self.program.threads)), self.program.threads))
        candidate = Candidate(Orders(self.memory, initial), walks)
        for walk in walks:
            candidate = self.forward(candidate, walk)
        return candidate

    def extend(self, candidate: Candidate) -> Iterator[Candidate]:
        """Yield what *candidate* can become."""
        if all(walk.ended for walk in candidate.walks):
            yield candidate
        for walk in candidate.walks:
            location = self.wanted(walk)
            if location and walk.refused < len(candidate.orders.nodes):
                yield from self.choose(candidate, walk, location)
                return

    def choose(self, candidate: Candidate, walk: Walk, location: Location) -> Iterator[Candidate]:
        """Let a CPU read *location* from each store not yet refused; or from one still to come."""
        nodes = candidate.orders.nodes
        for source in range(walk.refused, len(nodes)):
            if location in nodes[source].writes:
                chosen = walk._replace(sources={**walk.sources, location: source}, refused=INITIAL)
                try:
                    longer = self.forward(candidate, chosen)
                except ImpossibleError:
                    continue
                yield from self.extend(longer)
        others = (other for other in candidate.walks if other.cpu != walk.cpu)
        if any(location in self.later[other.cpu][other.at] for other in others):
            yield from self.extend(candidate.at(walk._replace(refused=len(nodes))))

    def forward(self, candidate: Candidate, walk: Walk) -> Candidate:
        """Let a CPU go on while it need not read.

        :raises ImpossibleError: if it never comes to its end, or the axioms forbid it
        """
        orders, walk = candidate.orders, walk.compute()
        while not walk.ended and self.wanted(walk) is None:
            node, walk = walk.access(orders.nodes, self.locations)
            orders, walk = orders.joined(node), walk.compute()
        if walk.sources:
            orders.joined(walk.node({}))  # those chosen so far must be possible already
        return candidate._replace(orders=orders).at(walk)

    def wanted(self, walk: Walk) -> Location | None:
        """Return a location that the CPU's next access reads, and whose source is not chosen."""
        if walk.ended:
            return None
        for place in places_read(walk.operation):
            for location in self.locations.touched(place):
                if location not in walk.sources:
                    return location
        return None

    def later_writes(self, thread: Thread) -> list[frozenset[Location]]:
        """Return the locations that a CPU may still write, by the index at which it stands."""
        return [
            frozenset(
                location
                for index in reachable(thread, start) | {start}
                if index < len(thread.code)
                for place in places_written(thread.code[index].operation)
                for location in self.locations.touched(place)
            )
            for start in range(len(thread.code) + 1)
        ]
