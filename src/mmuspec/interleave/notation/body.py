"""The statements of one CPU, written out as micro-operations."""

import ast
from collections.abc import Sequence

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, Op, Reg
from mmuspec.interleave.notation.assemble import Label
from mmuspec.interleave.notation.calls import Calls, Exit
from mmuspec.interleave.notation.declared import UNKNOWN, Operand, Scope, Symbol
from mmuspec.interleave.notation.values import (
    constant,
    is_every,
    negated,
    not_modelled,
    reading,
    source_of,
)
from mmuspec.interleave.operations import Assign, Check, GiveUp, Load, Lock, Unlock
from mmuspec.interleave.program import Instruction, Source


class Body(Calls):
    """The code of one CPU while it is written: statements."""

    def __init__(self) -> None:
        super().__init__()
        self.loops: list[tuple[Exit, Exit]] = []

    def main(self, node: ast.FunctionDef, scope: Scope) -> None:
        """Write out the function that a CPU runs."""
        end = Label()
        self.returns.append((Exit(end, 0), None))
        self.block(node.body, scope)
        self.out.here(end)

    def finish(self) -> tuple[Instruction, ...]:
        """Return the code."""
        return self.out.finish()

    def block(self, statements: Sequence[ast.stmt], scope: Scope) -> None:
        """Write out statements one after the other."""
        for statement in statements:
            self.statement(statement, scope)

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        """Write out one statement.

        :raises NotModelledError: if no micro-operation stands for it
        """
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[target], value=value):
                self.assign(target, value, node, scope)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self.assign(target, value, node, scope)
            case ast.AugAssign(target=target, op=op, value=value):
                whole = ast.copy_location(ast.BinOp(reading(target), op, value), value)
                self.assign(target, whole, node, scope)
            case ast.Expr(value=ast.Call() as call):
                self.do(call, None, scope)
            case ast.If():
                self.branch(node, scope)
            case ast.While():
                self.loop(node, scope)
            case ast.For():
                self.repeat(node, scope)
            case ast.With():
                self.with_lock(node, scope)
            case ast.Assert(test=test, msg=msg):
                text = ast.unparse(test) if msg is None else constant(msg, scope)
                self.emit(Check(self.expr(test, scope), str(text)), node, scope)
            case ast.Break() | ast.Continue():
                self.leave(self.loop_exit(node, scope), node, scope)
            case ast.Return(value=value):
                self.give_back(value, node, scope)
            case _:
                raise not_modelled(node, scope)

    def assign(self, target: ast.expr, value: ast.expr, node: ast.stmt, scope: Scope) -> None:
        """Write out ``target = value``: a store to a shared place, or a register's new value."""
        known = constant(reading(target), scope)
        if isinstance(known, Operand):
            self.store(known, self.expr(value, scope), node, scope)
        elif isinstance(target, ast.Name) and known is UNKNOWN:
            self.into(scope.prefix + target.id, value, scope)
        else:
            expected = "a register or a shared word"
            raise ProgramError(
                source_of(target, scope),
                f"{ast.unparse(target)} is assigned, but is not {expected}",
            )

    def into(self, register: str, value: ast.expr, scope: Scope) -> None:
        """Compute *value* into *register*, by a load or a call if it is one."""
        known = constant(value, scope)
        if isinstance(known, Operand) and not known.shared.ghost:
            self.emit(Load(register, known.place), value, scope)
        elif known is UNKNOWN and isinstance(value, ast.Call) and not is_every(value):
            self.do(value, register, scope)
        else:
            self.emit(Assign(register, self.expr(value, scope)), value, scope)

    def branch(self, node: ast.If, scope: Scope) -> None:
        """Write out ``if``; one whose condition is constant is decided now."""
        known = constant(node.test, scope)
        if not isinstance(known, Symbol):
            self.block(node.body if known else node.orelse, scope)
            return
        otherwise, end = Label(), Label()
        self.unless(node.test, otherwise, scope)
        self.block(node.body, scope)
        if node.orelse:
            self.out.jump(end, source_of(node, scope))
        self.out.here(otherwise)
        self.block(node.orelse, scope)
        self.out.here(end)

    def unless(self, test: ast.expr, label: Label, scope: Scope) -> None:
        """Jump to *label* unless *test* holds, looking no further than needed."""
        known = constant(test, scope)
        match test:
            case _ if not isinstance(known, Symbol):
                if not known:
                    self.out.jump(label, source_of(test, scope))
            case ast.BoolOp(op=ast.And(), values=values):
                for value in values:
                    self.unless(value, label, scope)
            case ast.BoolOp(op=ast.Or(), values=[first, *_]) if self.certain(first, scope):
                pass
            case ast.BoolOp(op=ast.Or(), values=[*values, last]):
                yes = Label()
                for value in values:
                    self.unless(negated(value), yes, scope)
                self.unless(last, label, scope)
                self.out.here(yes)
            case ast.UnaryOp(op=ast.Not(), operand=ast.BoolOp(op=op, values=values)):
                other = ast.Or() if isinstance(op, ast.And) else ast.And()
                parts = [negated(value) for value in values]
                self.unless(ast.copy_location(ast.BoolOp(other, parts), test), label, scope)
            case ast.UnaryOp(op=ast.Not(), operand=ast.UnaryOp(op=ast.Not(), operand=operand)):
                self.unless(operand, label, scope)
            case _:
                self.out.jump_unless(self.expr(test, scope), label, source_of(test, scope))

    def certain(self, test: ast.expr, scope: Scope) -> bool:
        """Tell whether *test* is known to hold before the protocol runs."""
        known = constant(test, scope)
        return not isinstance(known, Symbol) and bool(known)

    def loop(self, node: ast.While, scope: Scope) -> None:
        """Write out ``while``."""
        again, end = Label(), Label()
        self.out.here(again)
        if isinstance(constant(node.test, scope), Symbol):
            self.unless(node.test, end, scope)
        self.inside(node.body, again, end, scope)
        self.out.jump(again, source_of(node, scope))
        self.out.here(end)

    def inside(self, body: Sequence[ast.stmt], again: Label, end: Label, scope: Scope) -> None:
        """Write out the body of a loop."""
        self.loops.append((Exit(again, len(self.held)), Exit(end, len(self.held))))
        self.block(body, scope)
        self.loops.pop()

    def repeat(self, node: ast.For, scope: Scope) -> None:
        """Write out ``for``: bounded retries as a loop, anything else round by round."""
        if not isinstance(node.target, ast.Name) or node.orelse:
            raise not_modelled(node, scope)
        match node.iter:
            case ast.Call(func=ast.Name(id="retries"), args=[bound]):
                self.retry(node, node.target.id, bound, scope)
                return
        rounds = constant(node.iter, scope)
        if rounds is UNKNOWN:
            raise not_modelled(node.iter, scope, "for over ")
        end = Label()
        for item in rounds:
            again = Label()
            self.inside(node.body, again, end, scope.within(**{node.target.id: item}))
            self.out.here(again)
        self.out.here(end)

    def retry(self, node: ast.For, name: str, bound: ast.expr, scope: Scope) -> None:
        """Write out a loop that is left by ``break`` or ``return``, or gives up."""
        limit, again, count, end = constant(bound, scope), Label(), Label(), Label()
        if not isinstance(limit, int) or limit < 1:
            raise ProgramError(source_of(bound, scope), "a bound of retries is a number from 1")
        # The bound is no part of the protocol: nobody wrote these instructions.
        source, counter = Source(), Reg(scope.prefix + name)
        self.out.emit(Assign(counter.name, Const(0)), source)
        self.out.here(again)
        self.inside(node.body, count, end, scope)
        self.out.here(count)
        self.out.emit(Assign(counter.name, Op("+", (counter, Const(1)))), source)
        self.out.jump_unless(Op("==", (counter, Const(limit))), again, source)
        self.out.emit(GiveUp(), source)
        self.out.here(end)

    def with_lock(self, node: ast.With, scope: Scope) -> None:
        """Write out ``with lock(word):``."""
        match node.items:
            case [ast.withitem(context_expr=ast.Call(func=ast.Name(id="lock"), args=[word]))]:
                name = self.shared(word, scope).name
            case _:
                raise not_modelled(node, scope)
        self.emit(Lock(name), node, scope)
        self.held.append(name)
        self.block(node.body, scope)
        self.held.pop()
        self.emit(Unlock(name), node, scope)

    def loop_exit(self, node: ast.stmt, scope: Scope) -> Exit:
        """Return where ``break`` or ``continue`` leads."""
        if not self.loops:
            raise ProgramError(source_of(node, scope), "there is no loop to leave")
        again, end = self.loops[-1]
        return again if isinstance(node, ast.Continue) else end

    def leave(self, to: Exit, node: ast.AST, scope: Scope) -> None:
        """Jump out, and drop the locks that were taken since."""
        for name in reversed(self.held[to.held :]):
            self.emit(Unlock(name), node, scope)
        self.out.jump(to.label, source_of(node, scope))

    def give_back(self, value: ast.expr | None, node: ast.Return, scope: Scope) -> None:
        """Write out ``return``."""
        to, register = self.returns[-1]
        if value is not None and register is not None:
            self.into(register, value, scope)
        elif value is not None and not isinstance(value, ast.Constant):
            self.expr(value, scope)
        self.leave(to, node, scope)
