"""C expressions as nodes of Python's `ast`; see `c_ast`."""

import ast
import re
from typing import TypeVar

from tree_sitter import Node

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.readers.c_parse import Statements, real, written
from mmuspec.interleave.readers.c_types import type_of

BINARY: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "&": ast.BitAnd,
    "|": ast.BitOr,
    "^": ast.BitXor,
    "<<": ast.LShift,
    ">>": ast.RShift,
}

COMPARE: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}

LOGIC: dict[str, type[ast.boolop]] = {"&&": ast.And, "||": ast.Or}

UNARY: dict[str, type[ast.unaryop]] = {"!": ast.Not, "~": ast.Invert, "-": ast.USub, "+": ast.UAdd}

NAMES = {"true": 1, "false": 0, "NULL": 0}
"""Names of constants."""

ESCAPE = re.compile(r"\\(.)")

Made = TypeVar("Made", bound=ast.stmt | ast.expr)


class Expressions:
    """The translation of expressions."""

    def __init__(self, parsed: Statements) -> None:
        self.parsed = parsed

    def value(self, node: Node) -> ast.expr:
        """Translate an expression."""
        match node.type:
            case "identifier" | "field_identifier":
                name = written(node)
                return self.at(ast.Constant(NAMES[name]) if name in NAMES else ast.Name(name), node)
            case "true" | "false" | "null":
                return self.at(ast.Constant(int(node.type == "true")), node)
            case "number_literal":
                return self.at(ast.Constant(self.number(node)), node)
            case "string_literal" | "concatenated_string":
                return self.at(ast.Constant(self.string(node)), node)
            case "parenthesized_expression":
                return self.value(real(node)[-1])
            case "cast_expression":
                kind = self.at(ast.Constant(written(self.get(node, "type"))), node)
                return self.special("()", [kind, self.value(self.get(node, "value"))], node)
            case "unary_expression":
                operand = self.value(self.get(node, "argument"))
                return self.at(ast.UnaryOp(UNARY[self.operator(node)](), operand), node)
            case "binary_expression":
                return self.binary(node)
            case "pointer_expression":
                operand = self.value(self.get(node, "argument"))
                return self.special(self.operator(node), [operand], node)
            case "field_expression" | "subscript_expression":
                return self.member(node)
            case "conditional_expression":
                parts = ("condition", "consequence", "alternative")
                return self.special("?", [self.value(self.get(node, p)) for p in parts], node)
            case "assignment_expression":
                return self.special("=", [*self.assignment(node)], node)
            case "call_expression":
                return self.call(node)
        raise self.not_modelled(node, f"{written(node)} ({node.type.replace('_', ' ')})")

    def binary(self, node: Node) -> ast.expr:
        """Translate an operator between two values."""
        left, right = self.value(self.get(node, "left")), self.value(self.get(node, "right"))
        name = self.operator(node)
        if name in LOGIC:
            return self.at(ast.BoolOp(LOGIC[name](), [left, right]), node)
        if name in COMPARE:
            return self.at(ast.Compare(left, [COMPARE[name]()], [right]), node)
        if name in BINARY:
            return self.at(ast.BinOp(left, BINARY[name](), right), node)
        raise self.not_modelled(node, f"the operator {name}")

    def member(self, node: Node) -> ast.expr:
        """Translate ``a.b``, ``a->b`` and ``a[1]``: the name of a word, with ``.`` for ``->``."""
        base = self.value(self.get(node, "argument"))
        match base:
            case ast.Call(func=ast.Name(id="*"), args=[pointer]):
                base = pointer  # (*p).f is p->f
        if not isinstance(base, ast.Name):
            raise self.not_modelled(node, written(node))
        if node.type == "field_expression":
            return self.at(ast.Name(f"{base.id}.{written(self.get(node, 'field'))}"), node)
        index = self.value(self.get(node, "index"))
        if not isinstance(index, ast.Constant):
            raise self.not_modelled(node, f"{written(node)}: an index that is not a number")
        return self.at(ast.Name(f"{base.id}[{index.value!r}]"), node)

    def call(self, node: Node) -> ast.expr:
        """Translate a call of a function that has a name."""
        function = self.get(node, "function")
        arguments = [self.value(inner) for inner in real(self.get(node, "arguments"))]
        kind = written(function).strip("()")
        if function.type == "parenthesized_expression" and type_of(kind) and len(arguments) == 1:
            # Only who knows that it is a type can tell (u64)(x) from a call.
            return self.special("()", [self.at(ast.Constant(kind), node), *arguments], node)
        if function.type != "identifier":
            raise self.not_modelled(node, f"a call of {written(function)}")
        call = self.special(written(function), arguments, node)
        # An assertion without a text of its own is named by the text of the call.
        call.keywords.append(ast.keyword("text", ast.Constant(written(node))))
        return call

    def number(self, node: Node) -> int:
        """Return the value of a number, without its suffix."""
        text = written(node).lower().rstrip("ul")
        octal = text.startswith("0") and text.isdigit()
        try:
            return int(text, 8 if octal else 0)
        except ValueError:
            raise self.not_modelled(node, f"the number {written(node)}") from None

    def string(self, node: Node) -> str:
        """Return the value of a string, or of several in a row."""
        if node.type == "concatenated_string":
            return "".join(self.string(inner) for inner in real(node))
        return ESCAPE.sub(
            lambda found: "\n" if found[1] == "n" else found[1], self.parsed.original(node)[1:-1]
        )

    def operator(self, node: Node) -> str:
        """Return the operator of *node*."""
        return written(self.get(node, "operator"))

    def special(self, name: str, arguments: list[ast.expr], node: Node) -> ast.Call:
        """Return a call of *name*."""
        return self.at(ast.Call(self.at(ast.Name(name), node), arguments, []), node)

    def at(self, made: Made, node: Node) -> Made:
        """Let *made* stand where *node* stands."""
        source = self.parsed.source(node)
        made.lineno, made.col_offset = source.line, source.column - 1
        return made

    def get(self, node: Node, name: str) -> Node:
        """Return the part of *node* that the grammar calls *name*."""
        found = node.child_by_field_name(name)
        if found is None:
            raise self.not_modelled(node, written(node))
        return found

    def not_modelled(self, node: Node, construct: str) -> NotModelledError:
        """Return the error for a *construct* at *node*."""
        return NotModelledError(self.parsed.source(node), construct)

    def assignment(self, node: Node) -> tuple[ast.expr, ast.expr]:
        """Translate the sides of ``=``; those of ``+=`` and the like become those of ``=``."""
        target = self.value(self.get(node, "left"))
        value = self.value(self.get(node, "right"))
        operator = written(self.get(node, "operator"))
        if operator != "=":
            if operator[:-1] not in BINARY:
                raise self.not_modelled(node, operator)
            value = self.at(ast.BinOp(target, BINARY[operator[:-1]](), value), node)
        return target, value
