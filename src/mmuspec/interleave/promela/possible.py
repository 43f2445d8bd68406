"""Which values an expression may have, as far as that can be told without exploring."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from math import prod
from typing import NamedTuple

from mmuspec.interleave.expressions import WIDE, Const, Expr, Op, Read, Reg, evaluate, leaves
from mmuspec.interleave.words import HALF

LIMIT = 32
"""So many values are told apart; of more, only how great they can be is known."""

COMBINATIONS = 1024
"""So many combinations of operands are tried out."""

GREATEST = (HALF >> 1, HALF, WIDE)
"""What "how great" can be: Promela's ``int``, 32 bits, 64 bits."""


class Values(NamedTuple):
    """The values that something may have.

    :param most: none is greater
    :param exact: all of them; ``None`` if they are too many
    """

    most: int
    exact: frozenset[int] | None = None


Look = Callable[[Reg | Read], Values]
"""What is known of a register or a place."""

Operands = Mapping[Reg | Read, int]
"""A value for each operand of an expression."""


def just(*values: int) -> Values:
    """Return what is known when there are no other values than *values*."""
    return known(frozenset(values))


def known(exact: frozenset[int]) -> Values:
    """Return *exact*, or only how great they can be if they are too many."""
    most = max(exact, default=0)
    return Values(most, exact) if len(exact) <= LIMIT else Values(rounded(most))


def rounded(most: int) -> int:
    """Return the least of `GREATEST` that *most* fits: few steps, so that loops settle."""
    return next(bound for bound in GREATEST if most <= bound)


def either(one: Values, other: Values) -> Values:
    """Return what is known of something that may be *one* or *other*."""
    if one.exact is not None and other.exact is not None:
        return known(one.exact | other.exact)
    return one if other == one else Values(rounded(max(one.most, other.most)))


def mapped(values: Values, function: Callable[[int], int]) -> Values:
    """Return *function* of *values*; it must not fall."""
    if values.exact is None:
        return Values(function(values.most))
    return known(frozenset(map(function, values.exact)))


def possible(expr: Expr, look: Look) -> Values:
    """Return the values that *expr* may have."""
    found = outcomes(expr, look)
    if found is not None:
        return known(frozenset(value for _, value in found))
    return bounded(expr, look)


def outcomes(expr: Expr, look: Look) -> Iterator[tuple[Operands, int]] | None:
    """Return each combination of operands with its result; ``None`` if they are too many."""
    operands = list(dict.fromkeys(x for x in leaves(expr) if not isinstance(x, Const)))
    sets = [look(operand).exact for operand in operands]
    choices = [sorted(exact) for exact in sets if exact is not None]
    if len(choices) < len(sets) or prod(map(len, choices)) > COMBINATIONS:
        return None
    combinations = (dict(zip(operands, values, strict=True)) for values in product(*choices))
    return ((of, result(expr, of)) for of in combinations)


def result(expr: Expr, of: Operands) -> int:
    """Return what *expr* is if its operands are as in *of*."""
    return evaluate(expr, of.__getitem__, lambda place: of[Read(place)])


def bounded(expr: Expr, look: Look) -> Values:
    """Return how great *expr* can be, from how great its operands can be."""
    if not isinstance(expr, Op):
        return just(expr.value & WIDE) if isinstance(expr, Const) else look(expr)
    operands = [possible(operand, look) for operand in expr.operands]
    most = [operand.most for operand in operands]
    match expr.operator:
        case "&":
            return Values(min(most))
        case "|" | "^":
            return Values((1 << max(most).bit_length()) - 1)
        case "+":
            return Values(fitting(sum(most)))
        case "*":
            return Values(fitting(prod(most)))
        case "<<":
            return Values(fitting(most[0] << min(most[1], 64)))
        case ">>":
            least = min(operands[1].exact or {0})
            return Values(most[0] >> min(least, 64))
        case "-" | "~":
            return Values(WIDE)
        case _:
            return just(0, 1)


def fitting(most: int) -> int:
    """Return how great a sum of up to *most* can be: if it can wrap, anything."""
    return most if most <= WIDE else WIDE


def such_that(expr: Expr, holds: bool, look: Look) -> dict[Reg, Values]:
    """Return what is known of the registers in *expr* once it was seen to hold (or not to).

    Registers of which nothing new is known are left out; where nothing can make it
    so, the sets are empty.
    """
    found = outcomes(expr, look)
    if found is None:
        return {}
    left: dict[Reg, set[int]] = {x: set() for x in leaves(expr) if isinstance(x, Reg)}
    for of, value in found:
        if bool(value) == holds:
            for operand in left:
                left[operand].add(of[operand])
    return {operand: known(frozenset(values)) for operand, values in left.items()}
