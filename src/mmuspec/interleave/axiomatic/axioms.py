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
from itertools import permutations

from mmuspec.interleave.axiomatic.locations import Location
from mmuspec.interleave.axiomatic.node import Node, Nodes, in_program_order, preserved
from mmuspec.interleave.axiomatic.order import ImpossibleError, Order
from mmuspec.interleave.program import Memory

Coherence = Mapping[Location, tuple[int, ...]]
"""co: the numbers of the nodes that write each location, in their order."""


class Orders:
    """Both orders of some accesses, as far as they are known.

    :param memory: the memory model
    :param initial: the node that writes the initial values
    """

    def __init__(self, memory: Memory, initial: Node) -> None:
        self.memory = memory
        self.nodes: Nodes = (initial,)
        self.writers: dict[Location, tuple[int, ...]] = dict.fromkeys(initial.writes, (0,))
        self.decided: set[tuple[Location, int, int]] = set()
        """co, as far as it is known: at a location, the first is before the second."""
        self.ghb = Order([0])
        self.uniproc = {place: Order([0]) for place in initial.writes}

    def copy(self) -> "Orders":
        """Return the same orders, to go on with."""
        new = object.__new__(Orders)
        new.memory, new.nodes = self.memory, self.nodes
        new.writers, new.decided = dict(self.writers), set(self.decided)
        new.ghb = self.ghb.copy()
        new.uniproc = {place: order.copy() for place, order in self.uniproc.items()}
        return new

    def joined(self, node: Node) -> "Orders":
        """Return the orders with one more access.

        :raises ImpossibleError: if the axioms do not allow it, whatever comes later
        """
        new, number = self.copy(), len(self.nodes)
        new.ghb.join(self.before(node))
        for place, order in new.uniproc.items():
            order.join(self.before_at(place, node))
        new.nodes = (*self.nodes, node)
        for place in node.writes:
            new.writers[place] += (number,)
        for place, first, second in self.decided:
            if node.sources.get(place) == first:
                new.add(place, number, second)
        new.infer()
        return new

    def before(self, node: Node) -> Iterator[int]:
        """Yield what everybody sees before *node*: preserved program order, and rf from others."""
        for number, earlier in enumerate(self.nodes):
            if in_program_order(earlier, node) and preserved(earlier, node, self.memory):
                yield number
        yield from (n for n in node.sources.values() if self.nodes[n].cpu != node.cpu)

    def before_at(self, place: Location, node: Node) -> Iterator[int]:
        """Yield what comes before *node* among the accesses to *place*: program order, and rf."""
        if node.touches(place):
            for number, earlier in enumerate(self.nodes):
                if in_program_order(earlier, node) and earlier.touches(place):
                    yield number
        if place in node.sources:
            yield node.sources[place]

    def add(self, place: Location, first: int, second: int) -> None:
        """Let one access to *place* come before another, as co and fr do."""
        self.ghb.add(first, second)
        self.uniproc[place].add(first, second)

    def decide(self, place: Location, first: int, second: int) -> None:
        """Let two stores be in co; and, in fr, those who read from the first before the second."""
        self.decided.add((place, first, second))
        self.add(place, first, second)
        for number, node in enumerate(self.nodes):
            if node.sources.get(place) == first and number != second:
                self.add(place, number, second)

    def infer(self) -> None:
        """Decide what follows from the orders, and what follows from that."""
        known = -1
        while known < len(self.decided):
            known = len(self.decided)
            for place, first, second in self.undecided():
                if self.ghb.precedes(first, second) or self.uniproc[place].precedes(first, second):
                    self.decide(place, first, second)

    def undecided(self) -> Iterator[tuple[Location, int, int]]:
        """Yield, both ways round, the stores to a location whose order is open."""
        for place, writers in self.writers.items():
            for first, second in permutations(writers, 2):
                pair = (place, first, second)
                if pair not in self.decided and (place, second, first) not in self.decided:
                    yield pair

    def coherences(self) -> Iterator[Coherence]:
        """Yield every co that the axioms allow."""
        pair = next(self.undecided(), None)
        if pair is None:
            yield {place: self.sorted(place) for place in self.writers}
            return
        place, first, second = pair
        for both in ((first, second), (second, first)):
            orders = self.copy()
            try:
                orders.decide(place, *both)
                orders.infer()
            except ImpossibleError:
                continue
            yield from orders.coherences()

    def sorted(self, place: Location) -> tuple[int, ...]:
        """Return the stores to *place* in co: the later one is, the more come before it."""
        writers = self.writers[place]
        earlier = {n: sum((place, m, n) in self.decided for m in writers) for n in writers}
        return tuple(sorted(writers, key=earlier.__getitem__))
