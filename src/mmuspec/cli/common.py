"""What the subcommands share: plain text of bounded width, and JSON."""

import json
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 78
"""Columns of prose, so that it can be pasted into a mail."""

_ROLE = re.compile(r"\{[\w:-]+\}(`[^`]*`)")
_AS_IT_IS = re.compile(r"\s|[-*+|>]\s|\d+[.)]\s|```|~~~|:::")


def print_json(value: Any) -> None:
    """Print *value* as JSON for machines."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False)
    print()


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield *rows* as lines with aligned columns; the last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def prose(text: str, indent: int = 0) -> Iterator[str]:
    """Yield MyST *text* as lines of at most :data:`WIDTH` columns, roles taken off.

    Paragraphs are filled; lists, tables and fences keep their lines.
    """
    for at, block in enumerate(_ROLE.sub(r"\1", text).split("\n\n")):
        if at:
            yield ""
        if _AS_IT_IS.match(block):
            yield from code(block, indent)
        else:
            yield from textwrap.wrap(
                block,
                WIDTH,
                initial_indent=" " * indent,
                subsequent_indent=" " * indent,
                break_on_hyphens=False,
            )


def code(text: str, indent: int = 0) -> Iterator[str]:
    """Yield the lines of *text*; one that is too long goes on, indented, on the next."""
    for line in text.rstrip("\n").split("\n"):
        rest = " " * indent + line
        while len(rest) > WIDTH:
            cut = rest.rfind(" ", WIDTH // 2, WIDTH + 1)
            cut = cut if cut > 0 else WIDTH
            yield rest[:cut].rstrip()
            rest = " " * (indent + 6) + rest[cut:].lstrip()
        yield rest.rstrip()


def labelled(label: str, text: str, width: int) -> Iterator[str]:
    """Yield ``label  text`` with the text filled beside the label."""
    lines = list(prose(text, width)) or [""]
    yield f"{label:<{width}}{lines[0].strip()}".rstrip()
    yield from lines[1:]
