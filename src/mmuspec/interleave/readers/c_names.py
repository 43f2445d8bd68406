"""Which names C code uses, and how."""

import ast
from collections.abc import Iterable, Iterator


def walk(code: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all nodes of *code*."""
    return (part for statement in code for part in ast.walk(statement))


def assigned(code: Iterable[ast.stmt]) -> set[str]:
    """Return the names that *code* assigns."""
    found = set()
    for part in walk(code):
        match part:
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case ast.Call(func=ast.Name(id="="), args=[ast.Name(id=name), _]):
                found.add(name)
    return found
