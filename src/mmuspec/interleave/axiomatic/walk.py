"""One CPU on its way through its code, told what its loads read."""

from collections.abc import Mapping
from typing import NamedTuple

from mmuspec.interleave.axiomatic.locations import Location, Locations, Pieces
from mmuspec.interleave.axiomatic.node import INITIAL, Node, Nodes
from mmuspec.interleave.axiomatic.order import ImpossibleError
from mmuspec.interleave.expressions import OPERATORS, WIDE, Expr, evaluate
from mmuspec.interleave.operations import (
    ACCESSES,
    LOCKED,
    Access,
    Assign,
    CompareExchange,
    Fence,
    Jump,
    JumpUnless,
    Load,
    Local,
    Lock,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Thread
from mmuspec.interleave.words import Place

Effect = tuple[dict[str, int], dict[Place, int]]
"""The registers that an access sets, and the places that it writes."""


class Walk(NamedTuple):
    """Where a CPU stands.

    :param cpu: its number
    :param at: the index of what it does next
    :param sources: the nodes that its next access reads from, as far as they are chosen
    :param refused: how many nodes, from the first, were refused as the source of the next choice
    """

    cpu: int
    thread: Thread
    registers: Mapping[str, int]
    at: int = 0
    sources: Mapping[Location, int] = {}
    refused: int = INITIAL

    @classmethod
    def begin(cls, cpu: int, thread: Thread) -> "Walk":
        """Return the beginning."""
        return cls(cpu, thread, dict(thread.registers))

    @property
    def ended(self) -> bool:
        """Whether it has run off its end."""
        return self.at == len(self.thread.code)

    @property
    def operation(self) -> Access | Local:
        """What it does next."""
        return self.thread.code[self.at].operation

    def value(self, expr: Expr, seen: Mapping[Place, int]) -> int:
        """Compute *expr*; the shared places that it may look at are *seen*."""
        return evaluate(expr, lambda reg: self.registers.get(reg.name, 0), seen.__getitem__)

    def compute(self) -> "Walk":
        """Return it at its next access, or at its end."""
        walk = self
        while not walk.ended and not isinstance(walk.operation, ACCESSES):
            walk = walk.local()
        return walk

    def local(self) -> "Walk":
        """Return it after an operation that nobody else sees."""
        match self.operation:
            case Assign(register, value):
                registers = {**self.registers, register: self.value(value, {})}
                return self._replace(at=self.at + 1, registers=registers)
            case Jump(target):
                return self._replace(at=target)
            case JumpUnless(condition, target) if not self.value(condition, {}):
                return self._replace(at=target)
            case _:
                return self._replace(at=self.at + 1)

    def access(self, nodes: Nodes, locations: Locations) -> tuple[Node, "Walk"]:
        """Return the next access, whose sources are chosen, and where the CPU stands after it.

        :raises ImpossibleError: if the access never comes about when it reads that
        """
        pieces = {place: nodes[number].writes[place] for place, number in self.sources.items()}
        registers, written = self.effect(Seen(locations, pieces))
        writes = {
            piece: value
            for place, whole in written.items()
            for piece, value in locations.split(place, whole).items()
        }
        after = self._replace(
            registers={**self.registers, **registers}, at=self.at + 1, sources={}, refused=INITIAL
        )
        return self.node(writes), after

    def node(self, writes: Pieces) -> Node:
        """Return the next access, as far as its sources are chosen."""
        locked = isinstance(self.operation, LOCKED)
        return Node(self.cpu, self.at, locked, self.sources, writes)

    def effect(self, seen: "Seen") -> Effect:
        """Return what the next access does when it sees *seen*."""
        match self.operation:
            case Load(register, place):
                return {register: seen[place]}, {}
            case Store(place, value):
                return {}, {place: self.value(value, {})}
            case Unlock(word):
                return {}, {Place(word): 0}
            case Fence():
                return {}, {}
            case Lock(word) if seen[Place(word)] == 0:
                return {}, {Place(word): 1}
            case WaitUntil(condition) if self.value(condition, seen):
                return {}, {}
            case Update() | CompareExchange() as operation:
                return self.locked_effect(operation, seen[operation.place], seen)
            case _:
                raise ImpossibleError

    def locked_effect(self, operation: Update | CompareExchange, old: int, seen: "Seen") -> Effect:
        """Return what a locked read-modify-write does when it sees *old*."""
        registers = {} if operation.register is None else {operation.register: old}
        if isinstance(operation, Update):
            value = self.value(operation.value, {})
            new = value if operation.operator == "=" else OPERATORS[operation.operator](old, value)
            return registers, {operation.place: new & WIDE}
        expected = seen.locations.split(operation.place, self.value(operation.expected, {}))
        if seen.locations.join(operation.place, expected) != old:
            return registers, {}
        return registers, {operation.place: self.value(operation.new, {})}


class Seen(dict[Place, int]):
    """What an access sees, by place."""

    def __init__(self, locations: Locations, pieces: Pieces) -> None:
        super().__init__()
        self.locations, self.pieces = locations, pieces

    def __missing__(self, place: Place) -> int:
        """Return what *place* holds."""
        return self.locations.join(place, self.pieces)
