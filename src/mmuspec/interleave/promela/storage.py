"""Where registers and words are kept in Promela: global variables, two where one is too narrow."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from mmuspec.interleave.expressions import Read, Reg
from mmuspec.interleave.program import Program
from mmuspec.interleave.promela.analysis import Analysis
from mmuspec.interleave.promela.halves import Halves
from mmuspec.interleave.promela.names import Names, signed
from mmuspec.interleave.words import HALF, Part, Place


class Target(NamedTuple):
    """The variables for a value.

    :param low: of its lower 32 bits; ``None`` where they are always 0
    :param high: of its upper ones; ``None`` where they are always 0
    """

    low: str | None
    high: str | None = None

    def halves(self, most: int) -> Halves:
        """Return what the variables hold, which is never greater than *most*."""
        high = self.high if most > HALF and self.high is not None else "0"
        return Halves(self.low or "0", high, most)


SPARE = Target("spare", "spare_high")
"""Keeps an old value within a step; 0 between steps."""


class Storage:
    """The variables of a protocol."""

    def __init__(self, program: Program, analysis: Analysis, names: Names) -> None:
        self.program, self.analysis, self.names = program, analysis, names

    def place(self, place: Place) -> Target:
        """Return the variables of *place*."""
        name = place.word
        if not self.analysis.place(Place(name, Part.HIGH)).most:
            return Target(None if place.part is Part.HIGH else self.names.name(name))
        low, high = self.names.name(name, "low"), self.names.name(name, "high")
        whole = {Part.WHOLE: Target(low, high), Part.LOW: Target(low), Part.HIGH: Target(high)}
        return whole[place.part]

    def register(self, register: Reg) -> Target:
        """Return the variables of *register*, which names its CPU."""
        name = self.names.name(self.names.name(register.thread), register.name)
        if self.analysis.anywhere(register).most <= HALF:
            return Target(name)
        return Target(name, self.names.name(name, "high"))

    def held(self, operand: Reg | Read) -> Halves:
        """Return what a register or a place holds, at whatever point."""
        most = self.analysis.anywhere(operand).most
        if isinstance(operand, Read):
            return self.place(operand.place).halves(most)
        return self.register(operand).halves(most)


def declarations(target: Target, value: int, comment: str = "") -> Iterator[str]:
    """Yield the declarations of the variables of one value, and what they hold at first."""
    for variable, half in ((target.low, value & HALF), (target.high, value >> 32)):
        if variable is not None:
            yield f"int {variable} = {signed(half)};  {comment}".rstrip()


def assigned(target: Target, value: Halves) -> list[str]:
    """Return statements that put *value* into *target*; neither half spoils the other."""
    low = [f"{target.low} = {value.low}"] if target.low is not None else []
    high = [f"{target.high} = {value.high}"] if target.high is not None else []
    if not mentions(value.high, target.low) or not high:
        return [*low, *high]
    if not mentions(value.low, target.high):
        return [*high, *low]
    return [f"half = {value.high}", *low, f"{target.high} = half", "half = 0"]


def mentions(text: str, variable: str | None) -> bool:
    """Tell whether an expression looks at *variable*."""
    return variable is not None and re.search(rf"\b{variable}\b", text) is not None
