"""What the names of a protocol stand for, while it is read."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, NoReturn

from mmuspec.interleave.expressions import Reg
from mmuspec.interleave.words import Part, Place, Word


class Symbol:
    """Something whose value nobody knows before the protocol runs, so Python may not ask for it."""

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("it has no value before the protocol runs")

    def __bool__(self) -> NoReturn:
        raise TypeError("it has no value before the protocol runs")

    __hash__ = None  # type: ignore[assignment]


UNKNOWN = Symbol()
"""What has a value only in the running protocol, and is no single word or register."""


class Operand(Symbol):
    """A shared word, or half of one.

    :param shared: the word
    """

    def __init__(self, shared: "Shared", part: Part) -> None:
        self.shared, self.part = shared, part

    @property
    def place(self) -> Place:
        """It, as the operand of an instruction."""
        return Place(self.shared.name, self.part)


class Shared(Operand):
    """A word that a protocol declares; it learns its name from what it is assigned to.

    :param bits: 32 or 64
    """

    def __init__(self, bits: int, initial: int = 0, *, ghost: bool = False, name: str = "") -> None:
        super().__init__(self, Part.WHOLE)
        self.bits, self.initial, self.ghost, self.name = bits, initial, ghost, name

    @property
    def low(self) -> Operand:
        """Bits 0 to 31."""
        return Operand(self, Part.LOW)

    @property
    def high(self) -> Operand:
        """Bits 32 to 63."""
        return Operand(self, Part.HIGH)

    def word(self) -> Word:
        """Return the word of the program."""
        return Word(self.name, self.bits, self.initial, self.ghost)


class Register(Symbol):
    """A register of a CPU, as a property speaks of it."""

    def __init__(self, reg: Reg) -> None:
        self.reg = reg


class Observed:
    """A CPU, as a property speaks of it: its attributes are its registers."""

    def __init__(self, thread: str) -> None:
        self._thread = thread

    def __getattr__(self, name: str) -> Register:
        return Register(Reg(name, self._thread))


class Scope:
    """The names that a piece of code sees.

    :param names: constants, words, functions
    :param registers: names that the code assigns; they hide all but words
    :param file: where the code stands
    :param labels: labels by line
    :param prefix: what its registers' names begin with
    """

    def __init__(
        self,
        names: Mapping[str, Any],
        registers: Iterable[str] = (),
        file: str = "",
        labels: Mapping[int, str] = MappingProxyType({}),
        prefix: str = "",
    ) -> None:
        self.registers = {name for name in registers if not isinstance(names.get(name), Shared)}
        self.names = {name: names[name] for name in names if name not in self.registers}
        self.file, self.labels, self.prefix = file, labels, prefix

    def within(self, **names: Any) -> "Scope":
        """Return this scope with more constants."""
        registers = self.registers - names.keys()
        return Scope({**self.names, **names}, registers, self.file, self.labels, self.prefix)


class Inline:
    """A function that is written out where it is called, in its own scope."""

    def __init__(self, node: ast.FunctionDef, scope: Scope) -> None:
        self.node, self.scope = node, scope

    def inner(self, given: Mapping[str, Any]) -> Scope:
        """Return the scope of its body, with the constants *given* for parameters."""
        registers = assigned(self.node.body) | {arg.arg for arg in self.node.args.args}
        outer = self.scope
        names = {**outer.names, **given}
        prefix = f"{self.node.name}."
        return Scope(names, registers - given.keys(), outer.file, outer.labels, prefix)


def assigned(body: Iterable[ast.stmt]) -> set[str]:
    """Return the names that *body* assigns."""
    return {
        part.id
        for statement in body
        for part in ast.walk(statement)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def name_words(name: str, value: object) -> Iterator[Shared]:
    """Give the new words within *value* their names, after the *name* that it is assigned to."""
    match value:
        case Shared(name=""):
            value.name = name
            yield value
        case list() | tuple():
            for index, item in enumerate(value):
                yield from name_words(f"{name}[{index}]", item)
        case SimpleNamespace():
            for key, item in vars(value).items():
                yield from name_words(f"{name}.{key}", item)
