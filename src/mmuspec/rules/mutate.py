"""Break one function of the model, for a while.

A mutant is a diff of one function.  It is compiled in the function's own module and swapped
in as the function's code object, so it takes effect however the function was imported.
"""

import __future__

import ast
import importlib
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

from mmuspec.rules.registry import Mutant, Problem, RulesError


def hunks(diff: str) -> list[tuple[list[str], list[str]]]:
    """Split a diff into (before, after) blocks of lines.

    Hunks are parted by a line ``@@``.  Lines begin with ``-`` (only before), ``+`` (only
    after) or a space (both).

    :raises ValueError: for a line that begins otherwise, a hunk that changes nothing, or one
        without a line to find
    """
    found: list[tuple[list[str], list[str]]] = [([], [])]
    for line in diff.strip("\n").split("\n"):
        before, after = found[-1]
        if line.startswith("@@"):
            found.append(([], []))
        elif line[:1] not in ("-", "+", " ", ""):
            raise ValueError(f"a line of a diff begins with '-', '+' or a space: {line!r}")
        else:
            if line[:1] != "+":
                before.append(line[1:].rstrip())
            if line[:1] != "-":
                after.append(line[1:].rstrip())
    for before, after in found:
        if not any(before):
            raise ValueError("a hunk needs a line that is in the function, to find its place")
        if before == after:
            raise ValueError("a hunk changes nothing")
    return found


def patched(source: str, diff: str) -> str:
    """Return *source* with *diff* applied.

    A block is found by its text and its own relative indentation, wherever it stands.

    :raises ValueError: when a block is not in the source exactly once
    """
    for before, after in hunks(diff):
        lines = source.split("\n")
        wanted = textwrap.dedent("\n".join(before)).split("\n")
        windows = (lines[at : at + len(before)] for at in range(len(lines)))
        places = [
            at
            for at, window in enumerate(windows)
            if [line.rstrip() for line in textwrap.dedent("\n".join(window)).split("\n")] == wanted
        ]
        if len(places) != 1:
            times = f"{len(places)} times" if places else "nowhere"
            raise ValueError(f"found {times} in the function, not once: {' / '.join(wanted)}")
        at = places[0]
        shift = _indent(lines[at : at + len(before)]) - _indent(before)
        lines[at : at + len(before)] = [_shifted(line, shift) for line in after]
        source = "\n".join(lines)
    return source


def _indent(lines: list[str]) -> int:
    return min(len(line) - len(line.lstrip()) for line in lines if line.strip())


def _shifted(line: str, shift: int) -> str:
    text = line.lstrip()
    return " " * max(len(line) - len(text) + shift, 0) + text


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Run the model with *mutant* in it; whatever happens, repair it afterwards.

    :raises RulesError: when the target is not there, the diff does not fit it, or the result
        does not compile; with the chapter's file and line
    """
    try:
        owner, function = _target(mutant.target)
        code, defaults, keyword_defaults = _mutated(function, mutant)
        saved = function.__code__, function.__defaults__, function.__kwdefaults__
        function.__code__ = code
    except (ValueError, SyntaxError, OSError) as error:
        text = f"mutant {mutant.id} of {mutant.target}: {error}"
        raise RulesError([Problem(mutant.chapter, mutant.line, text)]) from None
    forget = getattr(owner, "cache_clear", lambda: None)
    function.__defaults__, function.__kwdefaults__ = defaults, keyword_defaults
    forget()
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = saved
        forget()


def _target(target: str) -> tuple[Any, FunctionType]:
    """Return what ``module:name`` names, and the plain function inside it.

    Properties, class and static methods, and wrappers that say what they wrap are opened.
    """
    module_name, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise ValueError(f"no such module: {error}") from None
    for name in path.split("."):
        try:
            found = inspect.getattr_static(found, name)
        except AttributeError:
            raise ValueError(f"{module_name} has no {path!r}") from None
    opened = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    function = inspect.unwrap(opened) if callable(opened) else opened
    if not isinstance(function, FunctionType):
        raise ValueError(f"{path!r} is not a function written in Python")
    if function.__module__ != module_name:
        raise ValueError(f"{path!r} is written in {function.__module__}; name it there")
    return opened, function


def _mutated(
    function: FunctionType, mutant: Mutant
) -> tuple[CodeType, tuple[Any, ...] | None, dict[str, Any] | None]:
    """Return the code and the defaults of *function* with the diff applied."""
    source = textwrap.dedent(inspect.getsource(function))
    broken = patched(source, mutant.diff)
    tree = ast.parse(broken)
    definition, original = _definition(tree), _definition(ast.parse(source))
    same_defaults = _defaults(definition) == _defaults(original)
    _bare(definition)
    filename = f"<mutant {mutant.id}>"
    # A protocol is read from its source, so the source has to be found.
    linecache.cache[filename] = len(broken), None, broken.splitlines(keepends=True), filename
    free = function.__code__.co_freevars
    compiled = compile(
        _enclosed(definition, free) if free else tree,
        filename,
        "exec",
        flags=function.__code__.co_flags & _FUTURE,
        dont_inherit=True,
    )
    made: dict[str, Any] = {}
    exec(compiled, dict(function.__globals__), made)
    result = made["enclosing"](*free) if free else made[definition.name]
    if result.__code__.co_freevars != free:
        raise ValueError(f"the result no longer uses {', '.join(free)} of the scope around it")
    if same_defaults:
        return result.__code__, function.__defaults__, function.__kwdefaults__
    return result.__code__, result.__defaults__, result.__kwdefaults__


_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef


def _definition(tree: ast.Module) -> _Definition:
    if len(tree.body) != 1 or not isinstance(tree.body[0], _Definition):
        raise ValueError("the result is not one function")
    return tree.body[0]


def _defaults(definition: _Definition) -> list[str]:
    nodes = (*definition.args.defaults, *definition.args.kw_defaults)
    return [ast.dump(node) if node else "" for node in nodes]


def _bare(definition: _Definition) -> None:
    """Take off what is evaluated when a function is defined: decorators, annotations."""
    definition.decorator_list = []
    definition.returns = None
    for node in ast.walk(definition.args):
        if isinstance(node, ast.arg):
            node.annotation = None


def _enclosed(definition: _Definition, free: tuple[str, ...]) -> ast.Module:
    """Return a module whose ``enclosing(*free)`` returns the function, closed over *free*."""
    source = f"def enclosing({', '.join(free)}):\n    pass\n    return {definition.name}"
    module = ast.parse(source)
    outer = module.body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body[0] = definition
    return ast.fix_missing_locations(module)
