"""64-bit arithmetic in Promela, which has 32-bit signed numbers: a value is two halves."""

from collections.abc import Callable
from typing import NamedTuple

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.expressions import WIDE, Const, Expr, Op, Read, Reg
from mmuspec.interleave.program import Source
from mmuspec.interleave.promela.names import Names
from mmuspec.interleave.promela.possible import Look, possible
from mmuspec.interleave.words import HALF

MACROS = """\
/* Sums and comparisons of 32 bits without sign, which Promela's numbers do not have. */
#define BELOW(a, b) (((a) ^ (-2147483647 - 1)) < ((b) ^ (-2147483647 - 1)))
#define CARRY(a, b) (((((a) & (b)) | (((a) | (b)) & ~((a) + (b)))) >> 31) & 1)
#define RIGHT(a, n) (((a) >> (n)) & (2147483647 >> ((n) - 1)))
"""
INT = HALF >> 1
"""The greatest number for which Promela's signs do no harm."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


class Halves(NamedTuple):
    """An expression in Promela.

    :param low: its lower 32 bits
    :param high: its upper 32 bits; ``"0"`` if they are never anything else
    :param most: it is never greater
    """

    low: str
    high: str
    most: int

    def is_plain(self) -> bool:
        """Tell whether Promela's own arithmetic and comparisons are right for it."""
        return self.most <= INT


Leaf = Callable[[Reg | Read], Halves]
"""How a register or a place is written."""


class Arithmetic:
    """Writes expressions where *look* tells what is known of their operands.

    :param source: what a construct that cannot be written is blamed on
    """

    def __init__(self, names: Names, leaf: Leaf, look: Look, source: Source) -> None:
        self.names, self.leaf, self.look, self.source = names, leaf, look, source

    def truth(self, expr: Expr) -> str:
        """Return a condition: whether *expr* is not 0."""
        if isinstance(expr, Op) and (expr.operator in (*COMPARISONS, "and", "or", "not")):
            return self.halves(expr).low
        value = self.halves(expr)
        if value.high == "0":
            return f"({value.low} != 0)"
        return f"({value.low} != 0 || {value.high} != 0)"

    def halves(self, expr: Expr) -> Halves:
        """Return *expr*.

        :raises NotModelledError: if it needs more than Promela has
        """
        match expr:
            case Const(value):
                return self.constant(value & WIDE)
            case Op(name, operands) if name in ("and", "or", "not"):
                return truth_value(name, [self.truth(operand) for operand in operands])
            case Op("~", (only,)):
                inner = self.halves(only)
                return Halves(f"(~{inner.low})", f"(~{inner.high})", WIDE)
            case Op(name, (left, right)) if name in ("<<", ">>"):
                return self.shift(name, left, right)
            case Op(name, (left, right)):
                return self.combined(expr, name, self.halves(left), self.halves(right))
            case _:
                return self.leaf(expr)  # type: ignore[arg-type]

    def constant(self, value: int) -> Halves:
        """Return a number."""
        return Halves(self.names.number(value & HALF), self.names.number(value >> 32), value)

    def combined(self, expr: Op, name: str, a: Halves, b: Halves) -> Halves:
        """Return an operator applied to two values."""
        if name in COMPARISONS:
            return Halves(compared(name, a, b), "0", 1)
        most = possible(expr, self.look).most
        match name:
            case "&" | "|" | "^":
                high = bitwise(name, a.high, b.high)
                return Halves(bitwise(name, a.low, b.low), high if most > HALF else "0", most)
            case "+":
                return Halves(f"({a.low} + {b.low})", added(a, b) if most > HALF else "0", most)
            case "-":
                high = f"({a.high} - {b.high} - BELOW({a.low}, {b.low}))"
                return Halves(f"({a.low} - {b.low})", high if most > HALF else "0", most)
        if most > INT or not (a.is_plain() and b.is_plain()):
            raise NotModelledError(self.source, "in Promela, a product of more than 31 bits")
        return Halves(f"({a.low} * {b.low})", "0", most)

    def shift(self, name: str, left: Expr, right: Expr) -> Halves:
        """Return *left* shifted by *right*, of which the possible values must be known."""
        amounts = possible(right, self.look).exact
        value, amount = self.halves(left), self.halves(right)
        if amounts is None:
            raise NotModelledError(self.source, "in Promela, a shift by too many different amounts")
        shifted = [(n, shifted_by(name, value, n)) for n in sorted(amounts)]
        *rest, (_, (low, high)) = shifted or [(0, ("0", "0"))]
        for n, (other_low, other_high) in reversed(rest):
            here = compared("==", amount, self.constant(n))
            low = f"({here} -> {other_low} : {low})"
            high = f"({here} -> {other_high} : {high})" if high != other_high else high
        most = possible(Op(name, (left, right)), self.look).most
        return Halves(low, high if most > HALF else "0", most)


def truth_value(name: str, sides: list[str]) -> Halves:
    """Return a logical operator applied to conditions."""
    text = f"!{sides[0]}" if name == "not" else {"and": " && ", "or": " || "}[name].join(sides)
    return Halves(f"({text})", "0", 1)


def bitwise(operator: str, a: str, b: str) -> str:
    """Return one half of a bitwise operation; halves that are always 0 fall away."""
    if "0" in (a, b):
        other = b if a == "0" else a
        return "0" if operator == "&" else other
    return f"({a} {operator} {b})"


def added(a: Halves, b: Halves) -> str:
    """Return the upper half of a sum."""
    parts = [high for high in (a.high, b.high) if high != "0"]
    if min(a.most, HALF) + min(b.most, HALF) > HALF:
        parts.append(f"CARRY({a.low}, {b.low})")
    return f"({' + '.join(parts)})"


def compared(name: str, a: Halves, b: Halves) -> str:
    """Return a comparison without sign."""
    if name in ("==", "!="):
        highs = "" if a.high == b.high else f"{a.high} {name} {b.high}"
        join = " && " if name == "==" else " || "
        return f"({a.low} {name} {b.low}{join + highs if highs else ''})"
    if a.is_plain() and b.is_plain():
        return f"({a.low} {name} {b.low})"
    match name:
        case "<":
            return below(a, b)
        case ">":
            return below(b, a)
        case "<=":
            return f"(!{below(b, a)})"
    return f"(!{below(a, b)})"


def below(a: Halves, b: Halves) -> str:
    """Return whether *a* is less than *b*."""
    low = f"BELOW({a.low}, {b.low})"
    if a.high == b.high:
        return low
    return f"(BELOW({a.high}, {b.high}) || ({a.high} == {b.high} && {low}))"


def shifted_by(name: str, value: Halves, n: int) -> tuple[str, str]:
    """Return both halves of *value* shifted by *n*."""
    low, high = value.low, value.high
    if n >= 64:
        return "0", "0"
    if n >= 32:
        return ("0", left(low, n - 32)) if name == "<<" else (right(high, n - 32), "0")
    if n == 0:
        return low, high
    if name == "<<":
        return left(low, n), bitwise("|", left(high, n), right(low, 32 - n))
    if value.is_plain():
        return f"({low} >> {n})", "0"
    return bitwise("|", right(low, n), left(high, 32 - n)), right(high, n)


def left(half: str, n: int) -> str:
    """Return 32 bits shifted to the left by *n*, less than 32."""
    return half if n == 0 or half == "0" else f"({half} << {n})"


def right(half: str, n: int) -> str:
    """Return 32 bits shifted to the right by *n*, less than 32, filled up with zeros."""
    return half if n == 0 or half == "0" else f"RIGHT({half}, {n})"
