"""C statements as nodes of Python's `ast`, which the notation's compiler takes.

What has no counterpart in Python becomes a call that no C text can write: ``*`` and ``&``
of a pointer and a place, ``?`` of a condition and two values, ``=`` of an assignment that
is used as a value, ``()`` of a type and a value, ``goto`` and ``label`` with the name of a label.
"""

import ast
from dataclasses import dataclass, field

from tree_sitter import Node

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.program import Source
from mmuspec.interleave.readers.c_expressions import BINARY, Expressions
from mmuspec.interleave.readers.c_parse import Statements, parse, real, written


@dataclass
class Code:
    """The translation of one text.

    :param declared: types of the local variables that it declares
    """

    body: list[ast.stmt]
    declared: dict[str, str] = field(default_factory=dict)


def statements(text: str, start: Source) -> Code:
    """Translate C statements that begin at *start*.

    :raises ProgramError: if *text* is no C
    :raises NotModelledError: if it is C that nothing here stands for
    """
    try:
        return Translation(parse(text, start)).code()
    except RecursionError:
        raise NotModelledError(start, "C that is nested so deeply") from None


class Translation(Expressions):
    """A translation under way."""

    def __init__(self, parsed: Statements) -> None:
        super().__init__(parsed)
        self.declared: dict[str, str] = {}
        self.labels = 0
        self.loops: list[tuple[str, str]] = []

    def code(self) -> Code:
        """Translate everything."""
        body = [part for node in self.parsed.nodes for part in self.statement(node)]
        return Code(body, self.declared)

    def statement(self, node: Node) -> list[ast.stmt]:
        """Translate one statement."""
        match node.type:
            case "compound_statement":
                return [part for inner in real(node) for part in self.statement(inner)]
            case "expression_statement":
                return [part for inner in real(node) for part in self.effect(inner)]
            case "declaration":
                return self.declaration(node)
            case "if_statement":
                return [self.branch(node)]
            case "while_statement" | "do_statement" | "for_statement":
                return self.loop(node)
            case "break_statement" | "continue_statement":
                return [self.leave(node)]
            case "goto_statement":
                return [self.goto(node, written(self.get(node, "label")))]
            case "labeled_statement":
                label, *rest = real(node)
                after = [part for inner in rest for part in self.statement(inner)]
                return [self.label(node, written(label)), *after]
            case "return_statement":
                value = [self.value(inner) for inner in real(node)]
                return [self.at(ast.Return(value[0] if value else None), node)]
        raise self.not_modelled(node, f"a {node.type.replace('_', ' ')}")

    def effect(self, node: Node) -> list[ast.stmt]:
        """Translate an expression that stands as a statement."""
        match node.type:
            case "comma_expression":
                return [part for inner in real(node) for part in self.effect(inner)]
            case "cast_expression" | "parenthesized_expression":
                return self.effect(real(node)[-1])
            case "assignment_expression":
                target, value = self.assignment(node)
                return [self.at(ast.Assign([target], value), node)]
            case "update_expression":
                target = self.value(self.get(node, "argument"))
                operator = written(self.get(node, "operator"))[0]
                one = self.at(ast.Constant(1), node)
                value = self.at(ast.BinOp(target, BINARY[operator](), one), node)
                return [self.at(ast.Assign([target], value), node)]
        return [self.at(ast.Expr(self.value(node)), node)]

    def declaration(self, node: Node) -> list[ast.stmt]:
        """Note the type of local variables, and translate their first values."""
        kind = written(self.get(node, "type"))
        found: list[ast.stmt] = []
        for declarator in node.children_by_field_name("declarator"):
            inner: Node = declarator
            value = None
            if declarator.type == "init_declarator":
                inner, value = self.get(declarator, "declarator"), self.get(declarator, "value")
            stars = 0
            while inner.type == "pointer_declarator":
                inner, stars = self.get(inner, "declarator"), stars + 1
            if inner.type != "identifier":
                raise self.not_modelled(inner, f"the declaration of {written(inner)}")
            self.declared[written(inner)] = kind + "*" * stars
            if value is not None:
                target = self.at(ast.Name(written(inner)), inner)
                found.append(self.at(ast.Assign([target], self.value(value)), declarator))
        return found

    def branch(self, node: Node) -> ast.stmt:
        """Translate ``if``."""
        test = self.condition(node)
        body = self.statement(self.get(node, "consequence"))
        other = node.child_by_field_name("alternative")
        orelse = [part for inner in real(other) for part in self.statement(inner)] if other else []
        return self.at(ast.If(test, body, orelse), node)

    def condition(self, node: Node) -> ast.expr:
        """Translate the condition of *node*."""
        return self.value(self.get(node, "condition"))

    def loop(self, node: Node) -> list[ast.stmt]:
        """Translate a loop: labels, and jumps to them."""
        begin, again, end = (self.new_label() for _ in range(3))
        self.loops.append((again, end))
        body = self.statement(self.get(node, "body"))
        self.loops.pop()
        test = node.child_by_field_name("condition")
        leave = self.unless(test, end) if test else []
        if node.type == "do_statement":
            code = [*body, self.label(node, again), *leave]
        else:
            update = node.child_by_field_name("update")
            step = self.effect(update) if update else []
            code = [*leave, *body, self.label(node, again), *step]
        return [
            *self.first(node),
            self.label(node, begin),
            *code,
            self.goto(node, begin),
            self.label(node, end),
        ]

    def first(self, node: Node) -> list[ast.stmt]:
        """Translate what a ``for`` does before its first round."""
        found = node.child_by_field_name("initializer")
        if found is None:
            return []
        return self.declaration(found) if found.type == "declaration" else self.effect(found)

    def unless(self, test: Node, label: str) -> list[ast.stmt]:
        """Return a jump to *label* unless *test* holds; none if it always does."""
        value = self.value(test)
        if isinstance(value, ast.Constant) and value.value:
            return []
        no = self.at(ast.UnaryOp(ast.Not(), value), test)
        return [self.at(ast.If(no, [self.goto(test, label)], []), test)]

    def leave(self, node: Node) -> ast.stmt:
        """Translate ``break`` and ``continue``."""
        if not self.loops:
            raise ProgramError(self.parsed.source(node), "there is no loop to leave")
        again, end = self.loops[-1]
        return self.goto(node, again if node.type == "continue_statement" else end)

    def new_label(self) -> str:
        """Return a label that no text can write."""
        self.labels += 1
        return f"loop {self.labels}"

    def goto(self, node: Node, label: str) -> ast.stmt:
        """Return a jump to *label*."""
        return self.at(ast.Expr(self.special("goto", [ast.Constant(label)], node)), node)

    def label(self, node: Node, label: str) -> ast.stmt:
        """Return the place that jumps to *label* lead to."""
        return self.at(ast.Expr(self.special("label", [ast.Constant(label)], node)), node)
