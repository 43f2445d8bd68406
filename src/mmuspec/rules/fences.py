"""Fences of a MyST chapter, with their lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt

_DIRECTIVE = re.compile(r"\{([\w:-]+)\}\s*(.*)", re.DOTALL)
# What these hold is shown, not parsed: a fence inside them is text.
_LITERAL = frozenset({"code", "code-block", "sourcecode", "doctest", "mutant", "literalinclude"})


@dataclass(frozen=True)
class Fence:
    """One fence: its directive (or empty) and argument, or its language.

    ``line`` counts from 1 and is the fence's own; the content begins on the next.
    """

    line: int
    directive: str
    argument: str
    content: str


def fences(text: str) -> Iterator[Fence]:
    """Yield every fence of *text* in order, and those inside directives.

    :param text: a chapter in MyST
    """
    yield from _fences(text, 0)


def _fences(text: str, above: int) -> Iterator[Fence]:
    for token in MarkdownIt("commonmark").parse(text):
        if token.type != "fence" or token.map is None:
            continue
        line = above + token.map[0] + 1
        match = _DIRECTIVE.fullmatch(token.info.strip())
        if match is None:
            yield Fence(line, "", token.info.strip(), token.content)
            continue
        yield Fence(line, match[1], match[2].strip(), token.content)
        if match[1] not in _LITERAL:
            yield from _fences(token.content, line)
