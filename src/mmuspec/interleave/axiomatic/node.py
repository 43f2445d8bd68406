"""One access that was made: a node of the graph that the axioms speak of."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmuspec.interleave.axiomatic.locations import Location
from mmuspec.interleave.program import Memory

INITIAL = 0
"""The number of the node that wrote what memory holds at first."""


@dataclass(frozen=True)
class Node:
    """An access, or a fence.

    A locked access is one node that reads and writes: since nothing comes between the two,
    the axiom of atomicity is part of the others.

    :param cpu: the number of its CPU; ``None`` for the initial values
    :param at: its index in the code of the CPU
    :param locked: whether it is a locked access or a fence
    :param sources: rf, backwards: for each location read, the number of the node read from
    :param writes: the value left in each location written
    """

    cpu: int | None
    at: int
    locked: bool
    sources: Mapping[Location, int]
    writes: Mapping[Location, int]

    def touches(self, location: Location) -> bool:
        """Tell whether it reads or writes *location*."""
        return location in self.sources or location in self.writes


Nodes = tuple[Node, ...]
"""The accesses of an execution: those of one CPU in program order, and none before its sources."""


def in_program_order(before: Node, after: Node) -> bool:
    """Tell whether *before*, which stands first in `Nodes`, is before *after* for one CPU."""
    return before.cpu is None or before.cpu == after.cpu


def preserved(before: Node, after: Node, memory: Memory) -> bool:
    """Tell whether two nodes in program order take effect in that order, for all CPUs to see.

    Under TSO all do but a store and a later load, if neither is locked.
    """
    if memory is Memory.SC or before.cpu is None:
        return True
    store = bool(before.writes) and not before.locked
    load = bool(after.sources) and not after.locked
    return not (store and load)
