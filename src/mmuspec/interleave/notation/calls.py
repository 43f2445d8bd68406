"""Calls and loads of one CPU, written out as micro-operations."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Expr, Reg
from mmuspec.interleave.notation.assemble import Assembler, Label
from mmuspec.interleave.notation.declared import UNKNOWN, Inline, Operand, Scope, Shared
from mmuspec.interleave.notation.source import inlined
from mmuspec.interleave.notation.values import Values, constant, not_modelled, source_of
from mmuspec.interleave.operations import (
    Barrier,
    CompareExchange,
    Fence,
    GiveUp,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.words import Place

LOADS = ("READ_ONCE", "smp_load_acquire")
UPDATES = {"xchg": "=", "xadd": "+", "fetch_and": "&", "fetch_or": "|", "fetch_xor": "^"}
"""Locked updates that return the old value."""


class Exit:
    """Where ``break``, ``continue`` or ``return`` leads, and how many locks are held there."""

    def __init__(self, label: Label, held: int) -> None:
        self.label, self.held = label, held


class Calls(Values, ABC):
    """The code of one CPU while it is written: loads and calls."""

    def __init__(self) -> None:
        self.out = Assembler()
        self.temporaries = 0
        self.held: list[str] = []
        self.returns: list[tuple[Exit, str | None]] = []
        self.open: list[str] = []

    @abstractmethod
    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Write out statements one after the other."""

    @abstractmethod
    def into(self, register: str, value: ast.expr, scope: Scope) -> None:
        """Compute *value* into *register*."""

    def emit(self, operation: Operation, node: ast.AST, scope: Scope) -> None:
        """Append one operation that *node* asks for."""
        self.out.emit(operation, source_of(node, scope))

    def store(self, operand: Operand, value: Expr, node: ast.AST, scope: Scope) -> None:
        """Write *value* to a shared place."""
        if operand.shared.ghost:
            self.emit(Note(operand.shared.name, value), node, scope)
        else:
            self.emit(Store(operand.place, value), node, scope)

    def operand(self, operand: Operand, node: ast.expr, scope: Scope) -> Expr:
        """Load a shared place that stands in an expression; look at a ghost."""
        if operand.shared.ghost:
            return super().operand(operand, node, scope)
        register = self.temporary()
        self.emit(Load(register, operand.place), node, scope)
        return Reg(register)

    def temporary(self) -> str:
        """Return a register that no source names."""
        self.temporaries += 1
        return f"_{self.temporaries}"

    def call(self, node: ast.Call, scope: Scope) -> Expr:
        """Do a call within an expression; its value is a register's."""
        register = self.temporary()
        self.do(node, register, scope)
        return Reg(register)

    def do(self, node: ast.Call, register: str | None, scope: Scope) -> None:
        """Write out a call, its value to *register*."""
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise not_modelled(node, scope)
        name, args = node.func.id, node.args
        function: Any = scope.names.get(name)
        if isinstance(function, Inline):
            self.write_out(function, node, register, scope)
        elif getattr(function, "is_inline", False):
            self.write_out(inlined(function), node, register, scope)
        elif name in LOADS and len(args) == 1:
            place = self.place(args[0], scope)
            self.emit(Load(register or self.temporary(), place), node, scope)
        elif name in UPDATES and len(args) == 2:
            value = self.expr(args[1], scope)
            place = self.place(args[0], scope)
            self.emit(Update(register, place, UPDATES[name], value), node, scope)
        elif name == "cmpxchg" and len(args) == 3:
            expected, new = self.expr(args[1], scope), self.expr(args[2], scope)
            place = self.place(args[0], scope)
            self.emit(CompareExchange(register, place, expected, new), node, scope)
        elif register is None:
            self.act(name, args, node, scope)
        else:
            raise not_modelled(node, scope, "the value of ")

    def act(self, name: str, args: list[ast.expr], node: ast.Call, scope: Scope) -> None:
        """Write out a call for its effect."""
        match name, args:
            case (("WRITE_ONCE" | "smp_store_release" | "note"), [target, value]):
                self.store(self.operand_of(target, scope), self.expr(value, scope), node, scope)
            case "smp_mb", []:
                self.emit(Fence(), node, scope)
            case (("smp_wmb" | "smp_rmb" | "barrier"), []):
                self.emit(Barrier(name), node, scope)
            case (("lock" | "spin_lock"), [word]):
                self.emit(Lock(self.shared(word, scope).name), node, scope)
            case (("unlock" | "spin_unlock"), [word]):
                self.emit(Unlock(self.shared(word, scope).name), node, scope)
            case "wait_until", [condition]:
                self.emit(WaitUntil(Values().expr(condition, scope)), node, scope)
            case "give_up", []:
                self.emit(GiveUp(), node, scope)
            case _:
                raise not_modelled(node, scope)

    def operand_of(self, node: ast.expr, scope: Scope) -> Operand:
        """Return the shared place that *node* names.

        :raises ProgramError: if it names something else
        """
        known = constant(node, scope)
        if not isinstance(known, Operand):
            raise ProgramError(source_of(node, scope), f"{ast.unparse(node)} is no shared word")
        return known

    def place(self, node: ast.expr, scope: Scope) -> Place:
        """Return the operand that *node* names, for an access."""
        return self.operand_of(node, scope).place

    def shared(self, node: ast.expr, scope: Scope) -> Shared:
        """Return the word that *node* names."""
        return self.operand_of(node, scope).shared

    def write_out(
        self, function: Inline, node: ast.Call, register: str | None, scope: Scope
    ) -> None:
        """Write out the body of a function where it is called."""
        name, parameters = function.node.name, [arg.arg for arg in function.node.args.args]
        if name in self.open or len(parameters) != len(node.args):
            expected = f"{name}({', '.join(parameters)}), not within itself"
            raise ProgramError(source_of(node, scope), f"expected {expected}")
        given = {}
        for parameter, arg in zip(parameters, node.args, strict=True):
            given[parameter] = constant(arg, scope)
            if given[parameter] is UNKNOWN:
                self.into(f"{name}.{parameter}", arg, scope)
        constants = {key: value for key, value in given.items() if value is not UNKNOWN}
        end = Label()
        self.open.append(name)
        self.returns.append((Exit(end, len(self.held)), register))
        self.block(function.node.body, function.inner(constants))
        self.returns.pop()
        self.open.pop()
        self.out.here(end)
