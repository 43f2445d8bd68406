"""What a CPU computes between two accesses: 64-bit unsigned arithmetic on registers."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mmuspec.interleave.words import Place

WIDE = (1 << 64) - 1
"""Registers have 64 bits; arithmetic wraps."""


@dataclass(frozen=True)
class Const:
    """A number."""

    value: int


@dataclass(frozen=True)
class Reg:
    """A register: of the CPU whose code it stands in, or in a property of the CPU named."""

    name: str
    thread: str = ""


@dataclass(frozen=True)
class Read:
    """A shared place, where an expression may look at it without an access of its own.

    That is: a ghost anywhere; any place in `WaitUntil` and in properties.
    """

    place: Place


@dataclass(frozen=True)
class Op:
    """An operator of `OPERATORS` and its one or two operands."""

    operator: str
    operands: tuple["Expr", ...]


Expr = Const | Reg | Read | Op

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "~": operator.invert,
    "<<": lambda a, b: a << b if b < 64 else 0,
    ">>": lambda a, b: a >> b if b < 64 else 0,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "not": operator.not_,
}
"""Comparisons are unsigned and give 0 or 1; a shift by 64 or more gives 0."""

UNARY = ("~", "not")
"""The operators with one operand."""


def evaluate(expr: Expr, register: Callable[[Reg], int], read: Callable[[Place], int]) -> int:
    """Return the value of *expr*, from 0 to 2**64 - 1."""
    match expr:
        case Const(value):
            return value & WIDE
        case Reg():
            return register(expr)
        case Read(place):
            return read(place)
        case Op(name, operands):
            return int(OPERATORS[name](*(evaluate(e, register, read) for e in operands))) & WIDE


def leaves(expr: Expr) -> Iterator[Const | Reg | Read]:
    """Yield the constants, registers and places of *expr*, from left to right."""
    if isinstance(expr, Op):
        for operand in expr.operands:
            yield from leaves(operand)
    else:
        yield expr


def registers(expr: Expr) -> Iterator[Reg]:
    """Yield the registers that *expr* looks at."""
    return (leaf for leaf in leaves(expr) if isinstance(leaf, Reg))


def reads(expr: Expr) -> Iterator[Place]:
    """Yield the places that *expr* looks at."""
    return (leaf.place for leaf in leaves(expr) if isinstance(leaf, Read))
