"""What is claimed of a final state: ``0:EAX=0 /\\ x=1``.

`shown` writes a claim as herd does; `as_expression` makes the condition of a `Final` of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mmuspec.interleave.expressions import Const, Expr, Op
from mmuspec.interleave.litmus.locations import Location, Shared


@dataclass(frozen=True)
class Equals:
    """``x=1``, or ``0:r1=x``: a value, or the address of a word."""

    location: Location
    value: int | Shared


@dataclass(frozen=True)
class Same:
    """``0:r1=1:r2``: two locations hold the same."""

    left: Location
    right: Location


@dataclass(frozen=True)
class Not:
    """``~`` or ``not``."""

    claim: "Claim"


@dataclass(frozen=True)
class Every:
    """``/\\``; of nothing: true."""

    claims: tuple["Claim", ...]


@dataclass(frozen=True)
class Some:
    """``\\/``; of nothing: false."""

    claims: tuple["Claim", ...]


@dataclass(frozen=True)
class Implies:
    """``=>``."""

    premise: "Claim"
    conclusion: "Claim"


Claim = Equals | Same | Not | Every | Some | Implies

TRUE = Every(())


def mentioned(claim: Claim) -> tuple[Location, ...]:
    """Return the locations that *claim* speaks of, from left to right."""
    match claim:
        case Equals(place, _):
            return (place,)
        case Same(left, right):
            return (left, right)
        case Not(inner):
            return mentioned(inner)
        case Implies(premise, conclusion):
            return mentioned(premise) + mentioned(conclusion)
        case Every(claims) | Some(claims):
            return tuple(place for inner in claims for place in mentioned(inner))


class Cells(Protocol):
    """What the locations of a claim are in a program."""

    def read(self, place: Location) -> Expr:
        """Return the value of *place*, as many bits of it as its type has."""

    def constant(self, place: Location, value: int | Shared) -> int:
        """Return *value*, or the address of a word, cut to what the type of *place* holds."""


def as_expression(claim: Claim, cells: Cells) -> Expr:
    """Return *claim* as the condition of a property."""
    match claim:
        case Equals(place, value):
            return Op("==", (cells.read(place), Const(cells.constant(place, value))))
        case Same(left, right):
            return Op("==", (cells.read(left), cells.read(right)))
        case Not(inner):
            return Op("not", (as_expression(inner, cells),))
        case Implies(premise, conclusion):
            return as_expression(Some((Not(premise), conclusion)), cells)
        case Every(claims):
            return _joined("and", claims, cells)
        case Some(claims):
            return _joined("or", claims, cells)


def _joined(name: str, claims: tuple[Claim, ...], cells: Cells) -> Expr:
    """Return *claims* with the operator *name* between them, no deeper than it has to be."""
    if not claims:
        return Const(int(name == "and"))
    if len(claims) == 1:
        return as_expression(claims[0], cells)
    middle = len(claims) // 2
    return Op(name, (_joined(name, claims[:middle], cells), _joined(name, claims[middle:], cells)))


def shown(claim: Claim, name: Callable[[Location], str] = str, outside: type = object) -> str:
    """Return *claim* in the form that herd prints it in.

    :param name: how a location is written
    :param outside: the kind of claim that it stands in; it decides about parentheses
    """
    match claim:
        case Equals(place, value):
            return f"{name(place)}={value.cell if isinstance(value, Shared) else value}"
        case Same(left, right):
            return f"{name(left)}={name(right)}"
        case Not(inner):
            return f"not ({shown(inner, name)})"
        case Every(()):
            return "true"
        case Some(()):
            return "false"
        case Implies(premise, conclusion):
            first = shown(premise, name, Implies)
            first = f"({first})" if isinstance(premise, Implies) else first
            text = f"{first} => {shown(conclusion, name, Implies)}"
            return f"({text})" if outside in (Every, Some) else text
        case Every(claims):
            text = " /\\ ".join(shown(inner, name, Every) for inner in claims)
            return f"({text})" if outside is Implies else text
        case Some(claims):
            text = " \\/ ".join(shown(inner, name, Some) for inner in claims)
            return f"({text})" if outside in (Every, Implies) else text
