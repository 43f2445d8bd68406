"""Reads a protocol: its declarations, its CPUs, its claims."""

import ast
import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.notation.body import Body
from mmuspec.interleave.notation.declared import (
    Inline,
    Observed,
    Scope,
    Shared,
    Symbol,
    assigned,
    name_words,
)
from mmuspec.interleave.notation.source import written
from mmuspec.interleave.notation.values import Values, constant, not_modelled, source_of
from mmuspec.interleave.program import Always, Final, Program, Quantifier, Thread
from mmuspec.interleave.validate import validate

QUANTIFIERS = {"at_end": Quantifier.FORALL, "possible": Quantifier.EXISTS}


class Protocol:
    """A protocol that has been written down; call it with its parameters for the program."""

    def __init__(self, function: Callable[..., Any]) -> None:
        update_wrapper(self, function)
        self.__wrapped__ = function

    def __call__(self, *args: Any, **kwargs: Any) -> Program:
        """Return the program.

        :raises ProgramError: if it is none, with file and line
        """
        function = self.__wrapped__
        given = inspect.signature(function).bind(*args, **kwargs)
        given.apply_defaults()
        node, file, labels = written(function)
        names = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        return Reading({**names, **given.arguments}, file, labels).program(node)


def protocol(function: Callable[..., Any]) -> Protocol:
    """Make a protocol of a function that writes one down."""
    return Protocol(function)


class Reading:
    """A protocol while it is read."""

    def __init__(self, names: dict[str, Any], file: str, labels: dict[int, str]) -> None:
        self.scope = Scope(names, (), file, labels)
        self.words: list[Shared] = []
        self.threads: list[Thread] = []
        self.always: list[Always] = []
        self.finals: list[Final] = []

    def program(self, node: ast.FunctionDef) -> Program:
        """Return the program that *node* writes down."""
        self.block(node.body)
        words = tuple(shared.word() for shared in self.words)
        threads, finals, always = tuple(self.threads), tuple(self.finals), tuple(self.always)
        return validate(Program(node.name.replace("_", "-"), words, threads, finals, always))

    def block(self, statements: list[ast.stmt]) -> None:
        """Read statements of the protocol itself."""
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Read one statement of the protocol itself."""
        match node:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.declare(name, value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, item in zip(names, values, strict=True):
                    self.statement(ast.copy_location(ast.Assign([target], item), node))
            case ast.FunctionDef(decorator_list=[decorator]) if named(decorator) == "cpu":
                self.cpu(node, decorator)
            case ast.FunctionDef(decorator_list=[]):
                self.scope.names[node.name] = Inline(node, self.scope)
            case ast.If(test=test, body=body, orelse=orelse):
                known = constant(test, self.scope)
                if isinstance(known, Symbol):
                    raise ProgramError(source_of(test, self.scope), "this is decided too early")
                self.block(body if known else orelse)
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=[condition, text])):
                self.claim(name, condition, str(constant(text, self.scope)), node)
            case _:
                raise not_modelled(node, self.scope)

    def declare(self, name: str, value: ast.expr) -> None:
        """Read a word, words or a constant."""
        known = constant(value, self.scope)
        if isinstance(known, Symbol) and not isinstance(known, Shared):
            raise ProgramError(source_of(value, self.scope), f"{name} has no constant value")
        self.scope.names[name] = known
        self.words += name_words(name, known)

    def cpu(self, node: ast.FunctionDef, decorator: ast.expr) -> None:
        """Read the code of a CPU, or of several that run the same function."""
        copies = 1
        if isinstance(decorator, ast.Call):
            copies = constant(decorator.args[0], self.scope)
            if not isinstance(copies, int):
                raise ProgramError(source_of(decorator, self.scope), "expected a number of CPUs")
        threads = [self.thread(node, number, copies) for number in range(copies)]
        self.threads += threads
        observed = [Observed(thread.name) for thread in threads]
        several = isinstance(decorator, ast.Call)
        self.scope.names[node.name] = observed if several else observed[0]

    def thread(self, node: ast.FunctionDef, number: int, copies: int) -> Thread:
        """Return CPU *number* of those that run the function *node*."""
        parameters = [arg.arg for arg in node.args.args]
        names = {**self.scope.names, **dict.fromkeys(parameters, number)}
        scope = Scope(names, assigned(node.body), self.scope.file, self.scope.labels)
        body = Body()
        body.main(node, scope)
        return Thread(f"{node.name}{number}" if copies > 1 else node.name, body.finish())

    def claim(self, name: str, condition: ast.expr, text: str, node: ast.stmt) -> None:
        """Read ``always``, ``at_end`` or ``possible``."""
        expr = Values().expr(condition, self.scope)
        if name == "always":
            self.always.append(Always(expr, text))
        elif name in QUANTIFIERS:
            self.finals.append(Final(QUANTIFIERS[name], expr, text))
        else:
            raise not_modelled(node, self.scope)


def named(decorator: ast.expr) -> str:
    """Return the name of a decorator, called or not."""
    inner = decorator.func if isinstance(decorator, ast.Call) else decorator
    return inner.id if isinstance(inner, ast.Name) else ""
