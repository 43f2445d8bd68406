"""Expressions of the notation: what is a constant, what is a load, what is computed."""

import ast
import builtins
from typing import Any

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.notation.declared import UNKNOWN, Operand, Register, Scope, Symbol
from mmuspec.interleave.program import Source

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Invert: "~",
    ast.Not: "not",
    ast.And: "and",
    ast.Or: "or",
}
"""Python's operators, and those of expressions."""


def source_of(node: ast.AST, scope: Scope) -> Source:
    """Return where *node* stands."""
    line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1
    return Source(scope.file, line, column, scope.labels.get(line, ""))


def not_modelled(node: ast.AST, scope: Scope, what: str = "") -> NotModelledError:
    """Return what to raise for *node*, which no micro-operation stands for."""
    return NotModelledError(source_of(node, scope), what + ast.unparse(node).split("\n")[0])


def constant(node: ast.expr, scope: Scope) -> Any:
    """Return the value of *node* if Python can compute it now, else `UNKNOWN`.

    :raises ProgramError: if Python can see that it has none, such as an index too large
    """
    bound = {name for part in ast.walk(node) for name in bound_by(part)}
    for name in {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - bound:
        hidden = name in scope.registers or not hasattr(builtins, name)
        if name not in scope.names and hidden:
            return UNKNOWN
    try:
        expression = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(expression, scope.file, "eval"), dict(scope.names))
    except TypeError:  # it asked a word or a register for its value
        return UNKNOWN
    except Exception as error:  # whatever the author's own constants raise
        raise ProgramError(source_of(node, scope), f"{ast.unparse(node)}: {error}") from None


def reading(target: ast.expr) -> ast.expr:
    """Return the target of an assignment as an expression that reads it."""
    return ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, target)


def is_every(node: ast.expr) -> bool:
    """Tell whether *node* is ``all(...)`` or ``any(...)`` over constants."""
    match node:
        case ast.Call(func=ast.Name(id="all" | "any"), args=[ast.GeneratorExp()]):
            return True
    return False


def negated(node: ast.expr) -> ast.expr:
    """Return ``not node``."""
    return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)


def bound_by(node: ast.AST) -> list[str]:
    """Return the names that a comprehension binds."""
    if not isinstance(node, ast.comprehension):
        return []
    return [part.id for part in ast.walk(node.target) if isinstance(part, ast.Name)]


class Values:
    """Turns an expression of the notation into one of the representation.

    This one takes no step: a shared word that it meets is read where the expression stands.
    `Calls` makes a load of it.
    """

    def expr(self, node: ast.expr, scope: Scope) -> Expr:
        """Return *node* as an expression."""
        known = constant(node, scope)
        if known is not UNKNOWN:
            return self.known(known, node, scope)
        match node:
            case ast.Name(id=name) if name in scope.registers:
                return Reg(scope.prefix + name)
            case ast.Name(id=name):
                raise ProgramError(source_of(node, scope), f"nothing is named {name} here")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self.op(op, [left, right], scope)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
                return self.op(op, [operand], scope)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Op("-", (Const(0), self.expr(operand, scope)))
            case ast.BoolOp(op=op, values=values):
                return self.chain(op, [self.expr(value, scope) for value in values])
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[among]):
                return self.among(self.expr(left, scope), op, among, scope)
            case ast.Compare(left=left, ops=ops, comparators=others) if all(
                type(op) in OPERATORS for op in ops
            ):
                operands = [self.expr(value, scope) for value in (left, *others)]
                pairs = zip(ops, operands, operands[1:], strict=False)
                return self.chain(
                    ast.And(), [Op(OPERATORS[type(op)], (a, b)) for op, a, b in pairs]
                )
            case ast.Call(func=ast.Name(id=name), args=[ast.GeneratorExp() as of]) if is_every(
                node
            ):
                return self.every(name, of, scope)
            case ast.Call():
                return self.call(node, scope)
        raise not_modelled(node, scope)

    def known(self, value: Any, node: ast.expr, scope: Scope) -> Expr:
        """Return what the names of *node* stand for, as an expression."""
        match value:
            case int():
                return Const(int(value))
            case Operand():
                return self.operand(value, node, scope)
            case Register():
                return value.reg
        raise ProgramError(
            source_of(node, scope), f"{ast.unparse(node)} is no number, word or register"
        )

    def operand(self, operand: Operand, node: ast.expr, scope: Scope) -> Expr:
        """Return how a shared place is looked at."""
        return Read(operand.place)

    def op(self, op: ast.AST, operands: list[ast.expr], scope: Scope) -> Expr:
        """Return an operator applied to expressions."""
        return Op(OPERATORS[type(op)], tuple(self.expr(operand, scope) for operand in operands))

    def chain(self, op: ast.AST, operands: list[Expr]) -> Expr:
        """Return ``a and b and c`` (or with ``or``) in pairs."""
        whole = operands[0]
        for operand in operands[1:]:
            whole = Op(OPERATORS[type(op)], (whole, operand))
        return whole

    def among(self, value: Expr, op: ast.cmpop, items: ast.expr, scope: Scope) -> Expr:
        """Write out ``value in constants``, or ``not in``."""
        known = constant(items, scope)
        if isinstance(known, Symbol):
            raise not_modelled(items, scope, "in ")
        equal: list[Expr] = [Op("==", (value, self.known(item, items, scope))) for item in known]
        whole = self.chain(ast.Or(), equal) if equal else Const(0)
        return Op("not", (whole,)) if isinstance(op, ast.NotIn) else whole

    def every(self, name: str, generator: ast.GeneratorExp, scope: Scope) -> Expr:
        """Write out ``all(... for x in constants)``, or ``any``."""
        (clause,) = generator.generators
        items = constant(clause.iter, scope)
        if items is UNKNOWN or not isinstance(clause.target, ast.Name) or clause.ifs:
            raise not_modelled(generator, scope)
        variable = clause.target.id
        found = [self.expr(generator.elt, scope.within(**{variable: item})) for item in items]
        return (
            self.chain(ast.And() if name == "all" else ast.Or(), found)
            if found
            else Const(name == "all")
        )

    def call(self, node: ast.Call, scope: Scope) -> Expr:
        """Return the value of a call."""
        raise not_modelled(node, scope)
