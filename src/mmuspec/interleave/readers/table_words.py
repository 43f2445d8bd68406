"""Which names in a table are shared words, and which are registers."""

import ast
import re
from collections.abc import Iterable, Sequence

from mmuspec.interleave.readers.c_ast import Code
from mmuspec.interleave.readers.c_functions import pointer_argument
from mmuspec.interleave.readers.c_names import assigned, walk

REGISTER = re.compile(r"_?r?_?\d+$")
"""Names that nobody gives to a word: ``r1``."""


def shared(codes: Sequence[Code], mentioned: Iterable[str], constants: Iterable[str]) -> list[str]:
    """Return the names of the words of a table that does not declare them.

    A word is what an access function or ``&`` is given; and what several CPUs use, or a
    condition mentions, unless every CPU first gets it from an access, as ``r`` in ``r = x``.
    """
    found = dict.fromkeys(name for code in codes for name in operands(code))
    users: dict[str, int] = {}
    for code in codes:
        for name in uses(code):
            users[name] = users.get(name, 0) + 1
    wanted = [name for name, count in users.items() if count > 1 or name in set(mentioned)]
    locals_ = {name for code in codes for name in code.declared}
    for name in wanted:
        plain = not REGISTER.match(name) and name not in locals_
        if plain and not all(is_register(name, code) for code in codes):
            found[name] = None
    return [name for name in found if name not in set(constants)]


def base(name: str) -> str:
    """Return the word to which *name* belongs, if it may be a half."""
    start, dot, part = name.rpartition(".")
    return start if dot and part in ("low", "high") else name


def uses(code: Code) -> list[str]:
    """Return the names that *code* uses, each once."""
    functions = {id(part.func) for part in walk(code.body) if isinstance(part, ast.Call)}
    names = [
        base(part.id)
        for part in walk(code.body)
        if isinstance(part, ast.Name) and id(part) not in functions
    ]
    return list(dict.fromkeys(names))


def operands(code: Code) -> list[str]:
    """Return the names that can only be words: operands of access functions, of ``&`` and ``*``."""
    own = assigned(code.body)
    found = []
    for part in walk(code.body):
        match part:
            case ast.Call(func=ast.Name(id="&"), args=[ast.Name(id=name)]) if name not in own:
                found.append(base(name))
            case ast.Call(func=ast.Name(id="*"), args=[ast.Name(id=name)]) if name not in own:
                found.append(base(name))
            case ast.Call(func=ast.Name(id="wait_until"), args=[condition]):
                names = [inner.id for inner in ast.walk(condition) if isinstance(inner, ast.Name)]
                found += [base(name) for name in names if name not in own]
            case ast.Call(func=ast.Name(id=function), args=args):
                index = pointer_argument(function)
                operand = args[index] if index is not None and len(args) > index else None
                if isinstance(operand, ast.Name) and operand.id not in own:
                    found.append(base(operand.id))
    return found


def is_register(name: str, code: Code) -> bool:
    """Tell whether *code* does not use *name*, or first gets it from somewhere else."""
    if name not in uses(code):
        return True
    for part in in_order(code.body):
        match part:
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                if any(isinstance(n, ast.Name) and base(n.id) == name for n in ast.walk(value)):
                    return False
                if base(target) == name:
                    return target == name and any(
                        isinstance(inner, ast.Name) for inner in ast.walk(value)
                    )
            case ast.Name(id=used) if base(used) == name:
                return False
    return True


def in_order(code: Iterable[ast.stmt]) -> Iterable[ast.AST]:
    """Yield assignments, and names used elsewhere, in the order of the text."""
    for statement in code:
        if isinstance(statement, ast.Assign):
            yield statement
        elif isinstance(statement, ast.If):
            yield from ast.walk(statement.test)
            yield from in_order([*statement.body, *statement.orelse])
        else:
            yield from ast.walk(statement)
