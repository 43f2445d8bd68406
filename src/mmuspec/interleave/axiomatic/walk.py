"""One CPU on its way through its code, told what its loads read."""

from collections.abc import Mapping
from typing import NamedTuple

from mmuspec.interleave.axiomatic.locations import Locations
from mmuspec.interleave.axiomatic.node import INITIAL, Node, Nodes
from mmuspec.interleave.expressions import OPERATORS, WIDE, Expr, evaluate
from mmuspec.interleave.operations import (
    ACCESSES,
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

Effect = tuple[bool, dict[str, int], dict[Place, int]]
"""Whether an access is locked, the registers it sets, the places it writes."""


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
    sources: Mapping[Place, int] = {}
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
        at, registers = self.at, self.registers
        while at < len(self.thread.code):
            match self.thread.code[at].operation:
                case Assign(register, value):
                    result = self._replace(registers=registers).value(value, {})
                    registers = {**registers, register: result}
                case Jump(target):
                    at = target
                    continue
                case JumpUnless(condition, target):
                    if not self._replace(registers=registers).value(condition, {}):
                        at = target
                        continue
                case operation if isinstance(operation, ACCESSES):
                    break
            at += 1
        return self._replace(at=at, registers=registers)

    def access(self, nodes: Nodes, locations: Locations) -> tuple[Node, "Walk"] | None:
        """Return the next access, whose sources are chosen, and where the CPU stands after it.

        None if the access never comes about when it reads that.
        """
        pieces = {place: nodes[number].writes[place] for place, number in self.sources.items()}
        effect = self.effect(Seen(locations, pieces))
        if effect is None:
            return None
        locked, registers, written = effect
        writes = {
            piece: value
            for place, whole in written.items()
            for piece, value in locations.split(place, whole).items()
        }
        after = self._replace(
            registers={**self.registers, **registers}, at=self.at + 1, sources={}, refused=INITIAL
        )
        return Node(self.cpu, self.at, locked, self.sources, writes), after

    def effect(self, seen: "Seen") -> Effect | None:
        """Return what the next access does when it sees *seen*; None if it cannot come about."""
        match self.operation:
            case Load(register, place):
                return False, {register: seen[place]}, {}
            case Store(place, value):
                return False, {}, {place: self.value(value, {})}
            case Unlock(word):
                return False, {}, {Place(word): 0}
            case Fence():
                return True, {}, {}
            case Lock(word) if seen[Place(word)] == 0:
                return True, {}, {Place(word): 1}
            case WaitUntil(condition) if self.value(condition, seen):
                return False, {}, {}
            case Update() | CompareExchange() as operation:
                return self.locked_effect(operation, seen[operation.place], seen)
            case _:
                return None

    def locked_effect(self, operation: Update | CompareExchange, old: int, seen: "Seen") -> Effect:
        """Return what a locked read-modify-write does when it sees *old*."""
        registers = {} if operation.register is None else {operation.register: old}
        if isinstance(operation, Update):
            value = self.value(operation.value, {})
            new = value if operation.operator == "=" else OPERATORS[operation.operator](old, value)
            return True, registers, {operation.place: new & WIDE}
        expected = seen.locations.split(operation.place, self.value(operation.expected, {}))
        if seen.locations.join(operation.place, expected) != old:
            return True, registers, {}
        return True, registers, {operation.place: self.value(operation.new, {})}


class Seen(dict[Place, int]):
    """What an access sees, by place."""

    def __init__(self, locations: Locations, pieces: Mapping[Place, int]) -> None:
        super().__init__()
        self.locations, self.pieces = locations, pieces

    def __missing__(self, place: Place) -> int:
        """Return what *place* holds."""
        return self.locations.join(place, self.pieces)
