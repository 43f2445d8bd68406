"""A call in C code that is to be written out, and what it is written out with."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.expressions import Const, Expr, Op, Reg
from mmuspec.interleave.notation.assemble import Label
from mmuspec.interleave.notation.declared import Operand, Scope
from mmuspec.interleave.notation.values import source_of
from mmuspec.interleave.operations import Assign, Operation

if TYPE_CHECKING:
    from mmuspec.interleave.readers.c_body import CBody


@dataclass
class Asked:
    """A call of a function of the kernel.

    :param register: receives the value; ``None`` if nobody wants it
    """

    body: CBody
    name: str
    args: list[ast.expr]
    register: str | None
    node: ast.Call
    scope: Scope

    def value(self, index: int) -> Expr:
        """Compute an argument."""
        return self.body.expr(self.args[index], self.scope)

    def pointee(self, index: int) -> Operand | Expr:
        """Return the place that an argument points to."""
        return self.body.pointee(self.args[index], self.scope)

    def place(self, index: int) -> Operand | Expr:
        """Return the place that an argument names."""
        return self.body.target(self.args[index], self.scope)

    def emit(self, operation: Operation) -> None:
        """Append one operation."""
        self.body.emit(operation, self.node, self.scope)

    def at_each(self, place: Operand | Expr, access: Callable[[Operand], None]) -> None:
        """Do *access* at *place*."""
        self.body.at_each(place, self.node, self.scope, access)

    def result(self) -> str:
        """Return the register for the value, or one for nobody."""
        return self.register if self.register is not None else self.temporary()

    def temporary(self) -> str:
        """Return a register that no text names."""
        return self.body.temporary()

    def give(self, value: Expr) -> None:
        """Let *value* be the value of the call."""
        if self.register is not None and value != Reg(self.register):
            self.emit(Assign(self.register, value))

    def jump(self, label: Label) -> None:
        """Go on at *label*."""
        self.body.out.jump(label, source_of(self.node, self.scope))

    def unless(self, condition: Expr, label: Label) -> None:
        """Go on at *label* if *condition* is 0."""
        self.body.out.jump_unless(condition, label, source_of(self.node, self.scope))

    def here(self, label: Label) -> None:
        """Let *label* be here."""
        self.body.out.here(label)

    def not_modelled(self, construct: str) -> NotModelledError:
        """Return the error for what nothing here stands for."""
        return NotModelledError(source_of(self.node, self.scope), construct)

    def text(self, index: int) -> str:
        """Return an argument that is a string; the text of the call if it is not there."""
        match self.args[index:], self.node.keywords:
            case [ast.Constant(value=str(text))], _:
                return text
            case [], [ast.keyword(value=ast.Constant(value=str(text)))]:
                return text
        raise self.not_modelled(f"an argument of {self.name}() that is no string")

    def no_value(self) -> None:
        """Demand that nobody wants the value, for there is none."""
        if self.register is not None:
            raise self.not_modelled(f"the value of {self.name}()")


Function = Callable[[Asked], None]


def equal(left: Expr, right: Expr) -> Expr:
    """Return ``left == right``."""
    return Op("==", (left, right))


ZERO, ONE = Const(0), Const(1)
