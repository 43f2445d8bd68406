"""The axioms: which orders of stores can explain what was read.

With rf (which store a load reads from), co (in which order the stores to a location take
effect) and fr (a load comes before the stores that are later in co than the one it reads
from), an execution is allowed if there is no cycle

* of program order, rf, co and fr among the accesses to one location ("uniproc": each
  location alone behaves); and
* of what everybody agrees on: program order as far as it is preserved, rf from another
  CPU, co and fr ("ghb").

Under SC all of program order is preserved. (Owens, Sarkar and Sewell, "A better x86 memory
model: x86-TSO", 2009; Alglave, Maranget and Tautschnig, "Herding cats", 2014. The names
are those of the second.)
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, permutations

from mmuspec.interleave.axiomatic.node import Nodes, in_program_order, preserved
from mmuspec.interleave.axiomatic.order import CycleError, Order
from mmuspec.interleave.program import Memory
from mmuspec.interleave.words import Place

Coherence = Mapping[Place, tuple[int, ...]]
"""co: the numbers of the nodes that write each location, in their order."""


def coherences(nodes: Nodes, memory: Memory) -> Iterator[Coherence]:
    """Yield each co with which the axioms allow *nodes*."""
    try:
        orders = Orders(nodes, memory)
    except CycleError:
        return
    yield from orders.complete()


def possible(nodes: Nodes, memory: Memory) -> bool:
    """Tell whether *nodes* break no axiom yet; more of them cannot mend one that is broken."""
    try:
        Orders(nodes, memory)
    except CycleError:
        return False
    return True


class Orders:
    """Both orders, as far as they are known.

    :raises CycleError: if the axioms do not allow *nodes*
    """

    def __init__(self, nodes: Nodes, memory: Memory) -> None:
        self.nodes, self.memory = nodes, memory
        places = dict.fromkeys(place for node in nodes for place in node.writes)
        self.writers = {
            place: [number for number, node in enumerate(nodes) if place in node.writes]
            for place in places
        }
        self.ghb = Order(len(nodes))
        self.uniproc = {place: Order(len(nodes)) for place in places}
        self.decided: set[tuple[Place, int, int]] = set()
        self.add_program_order()
        self.add_reads()
        self.infer()

    def copy(self) -> "Orders":
        """Return the same orders, to go on with."""
        new = object.__new__(Orders)
        new.nodes, new.memory, new.writers = self.nodes, self.memory, self.writers
        new.ghb, new.decided = self.ghb.copy(), set(self.decided)
        new.uniproc = {place: order.copy() for place, order in self.uniproc.items()}
        return new

    def add_program_order(self) -> None:
        """Add program order, as far as each of the two orders has it."""
        for (first, before), (second, after) in combinations(enumerate(self.nodes), 2):
            if in_program_order(before, after):
                if preserved(before, after, self.memory):
                    self.ghb.add(first, second)
                for place, order in self.uniproc.items():
                    if before.touches(place) and after.touches(place):
                        order.add(first, second)

    def add_reads(self) -> None:
        """Add rf; everybody agrees on it only when it is from one CPU to another."""
        for number, node in enumerate(self.nodes):
            for place, source in node.sources.items():
                self.uniproc[place].add(source, number)
                if self.nodes[source].cpu != node.cpu:
                    self.ghb.add(source, number)

    def add_coherence(self, place: Place, first: int, second: int) -> None:
        """Let two stores be in co, and so, in fr, those who read from the first."""
        self.decided.add((place, first, second))
        readers = [n for n, node in enumerate(self.nodes) if node.sources.get(place) == first]
        for number in (first, *(reader for reader in readers if reader != second)):
            self.ghb.add(number, second)
            self.uniproc[place].add(number, second)

    def infer(self) -> None:
        """Add the co that follows from the orders, and what follows from that."""
        known = -1
        while known < len(self.decided):
            known = len(self.decided)
            for place, first, second in self.undecided():
                if self.ghb.precedes(first, second) or self.uniproc[place].precedes(first, second):
                    self.add_coherence(place, first, second)

    def undecided(self) -> Iterator[tuple[Place, int, int]]:
        """Yield, both ways round, the stores to a place whose order is open."""
        for place, writers in self.writers.items():
            for first, second in permutations(writers, 2):
                pair = (place, first, second)
                if pair not in self.decided and (place, second, first) not in self.decided:
                    yield pair

    def complete(self) -> Iterator[Coherence]:
        """Yield every co that is left."""
        pair = next(self.undecided(), None)
        if pair is None:
            yield self.coherence()
            return
        place, first, second = pair
        for both in ((first, second), (second, first)):
            orders = self.copy()
            try:
                orders.add_coherence(place, *both)
                orders.infer()
            except CycleError:
                continue
            yield from orders.complete()

    def coherence(self) -> Coherence:
        """Return co, once it is decided: the later in it, the more stores come before."""
        return {
            place: tuple(
                sorted(writers, key=lambda n: sum((place, m, n) in self.decided for m in writers))
            )
            for place, writers in self.writers.items()
        }
