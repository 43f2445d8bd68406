"""The text of a function of the notation."""

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable
from typing import Any

from mmuspec.interleave.notation.declared import Inline, Scope

LABEL = re.compile(r"#\s*([A-Z][A-Z0-9_]*-?[0-9]*[a-z]?)(?![\w-])")
"""The name of a line: a comment that begins with capitals, such as ``# LW3: ...``."""


def written(function: Callable[..., Any]) -> tuple[ast.FunctionDef, str, dict[int, str]]:
    """Return the source of *function*: parsed, its file, and the labels of its lines."""
    lines, first = inspect.getsourcelines(function)
    text = textwrap.dedent("".join(lines))
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    ast.increment_lineno(node, first - 1)
    indent = len(lines[0]) - len(lines[0].lstrip())
    for part in ast.walk(node):
        if isinstance(part, ast.expr | ast.stmt | ast.arg):
            part.col_offset += indent
            part.end_col_offset = (part.end_col_offset or 0) + indent
    return node, inspect.getsourcefile(function) or "<text>", labels_of(text, first)


def labels_of(text: str, first: int) -> dict[int, str]:
    """Return the labels of lines; the first line of *text* has number *first*."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    found = {token.start[0] + first - 1: LABEL.match(token.string) for token in comments}
    return {line: match[1] for line, match in found.items() if match}


def inlined(function: Callable[..., Any]) -> Inline:
    """Return a function of a module that is to be written out where it is called."""
    node, file, labels = written(function)
    return Inline(node, Scope(function.__globals__, (), file, labels))
