"""A litmus test, whatever its language: a protocol, what is asked, and what is shown of the end."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from mmuspec.interleave.expressions import Const, Expr, Op, registers
from mmuspec.interleave.litmus.claims import Cells, as_expression, mentioned, shown
from mmuspec.interleave.litmus.conditions import Questions
from mmuspec.interleave.litmus.locations import Location, Register, Type
from mmuspec.interleave.litmus.sections import Sections
from mmuspec.interleave.program import Final, Program, Quantifier

RESULT = re.compile(r"Result[ \t]*[:=][ \t]*(Always|Sometimes|Never)\b")
"""How the kernel's litmus files say what is to come out."""

KINDS = {Quantifier.EXISTS: "Sometimes", Quantifier.NOT_EXISTS: "Never"}
"""What ``with tso: ~exists`` says is to come out; of ``forall`` it is Always."""

OBSERVED = "what is shown of the final states"
"""The text of a final question that only keeps registers from being forgotten."""


@dataclass(frozen=True)
class Observed:
    """A location whose last value is shown.

    :param value: its last value, as many bits as its type has
    """

    location: Location
    value: Expr
    type: Type


@dataclass(frozen=True)
class Litmus:
    """A litmus test.

    :param claim: what is asked, as it is written
    :param holds: the same, as an expression
    :param counts: whether a final state counts at all (``filter``)
    :param observed: in the order in which they are shown
    :param addresses: the addresses of words that may be shown, and their names
    :param expected: what is to come out under the model of the key; ``""``: of x86, or in C
        of the kernel's own, weaker model
    """

    name: str
    arch: str
    program: Program
    quantifier: Quantifier
    claim: str
    holds: Expr
    counts: Expr
    observed: tuple[Observed, ...]
    addresses: tuple[tuple[int, str], ...]
    info: tuple[tuple[str, str], ...]
    expected: tuple[tuple[str, str], ...]


class Naming(Cells, Protocol):
    """What the locations of a test are in its protocol, and how they are shown."""

    @property
    def addresses(self) -> tuple[tuple[int, str], ...]:
        """The addresses of words that values can be, and their names."""

    def type(self, place: Location) -> Type:
        """Return how the last value of *place* is shown."""

    def rank(self, register: str) -> tuple[int, str]:
        """Return where *register* stands among those of its CPU."""


def build(parts: Sections, asked: Questions, program: Program, naming: Naming) -> Litmus:
    """Return the test of *program*, with the questions *asked* of it.

    :param program: without final questions
    """
    places = {*asked.locations, *mentioned(asked.claim)}
    order = sorted(places, key=lambda place: _order(place, naming))
    observed = tuple(Observed(place, naming.read(place), naming.type(place)) for place in order)
    holds, counts = (as_expression(each, naming) for each in (asked.claim, asked.condition))
    claim = f"{asked.quantifier.value} ({shown(asked.claim)})"
    return Litmus(
        name=parts.name,
        arch=parts.arch,
        program=replace(program, finals=_finals(asked.quantifier, claim, holds, counts, observed)),
        quantifier=asked.quantifier,
        claim=claim,
        holds=holds,
        counts=counts,
        observed=observed,
        addresses=naming.addresses,
        info=parts.info,
        expected=tuple(_expected(parts, asked)),
    )


def _order(place: Location, naming: Naming) -> tuple[int, int, tuple[int, str], int]:
    """Return where herd shows *place*: registers by CPU, then words by name."""
    if isinstance(place, Register):
        return 0, place.cpu, naming.rank(place.name), 0
    return 1, 0, (0, place.name), -1 if place.index is None else place.index


def _finals(
    quantifier: Quantifier, claim: str, holds: Expr, counts: Expr, observed: tuple[Observed, ...]
) -> tuple[Final, ...]:
    """Return the final question, and one that makes every observed register matter."""
    condition = holds
    if counts != Const(1) and quantifier is Quantifier.FORALL:
        condition = Op("or", (Op("not", (counts,)), holds))
    elif counts != Const(1):
        condition = Op("and", (counts, holds))
    finals = [Final(quantifier, condition, claim)]
    total: Expr = Const(1)
    for each in observed:
        if not {*registers(each.value)} <= {*registers(condition)}:
            total = Op("or", (total, each.value))
    if total != Const(1):
        finals.append(Final(Quantifier.FORALL, total, OBSERVED))
    return tuple(finals)


def _expected(parts: Sections, asked: Questions) -> Iterator[tuple[str, str]]:
    """Yield what the file says is to come out, and under which model."""
    for model, quantifier in asked.kinds:
        yield model, KINDS.get(quantifier, "Always")
    found = RESULT.search(parts.text.text)
    if found:
        yield "", found[1]
