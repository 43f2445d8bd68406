"""Long C statements on several lines."""

import re

INDENT = "  "

PIECE = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"[),;]*)
      | (?P<plain>(?:[^"\s()]|\((?![^"\s(]))+\(*|\(+|\)[);,]*)(?P<blanks>[ ]*)""",
    re.VERBOSE,
)
"""A string, or something else up to a blank, after ``(`` or before ``)``."""

GOES_ON = re.compile(r"[=+\-*&|^<>,(!]$")
"""What a line can end with that nobody takes for the end of a statement."""


def wrapped(text: str, width: int) -> list[str]:
    """Return *text* on lines of at most *width* characters, if its words are not longer.

    A line ends within parentheses, after an operator, or after ``if (...)``; a string that
    is too long becomes two.
    """
    lines, line = [], ""
    for piece in pieces(text, width):
        if line.strip() and len((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = INDENT
        *whole, piece = broken(piece, width - len(line), width - len(INDENT))
        for part in whole:
            lines.append(line + part)
            line = INDENT
        line += piece
    return [*lines, line.rstrip()]


def broken(piece: str, first: int, room: int) -> list[str]:
    """Return a string as several that have room; anything else as it is."""
    found = []
    while piece.startswith('"') and len(piece) > first:
        cut = piece.rfind(" ", 2, max(first - 1, 3))
        if cut < 2:
            break
        found.append(f'{piece[: cut + 1]}"')
        piece, first = f'"{piece[cut + 1 :]}', room
    return [*found, piece]


def least_width(text: str) -> int:
    """Return how wide a column has to be so that no word of *text* is wider."""
    return max((longest(piece) + len(INDENT) for piece in pieces(text, 0)), default=0)


def longest(piece: str) -> int:
    """Return how long the longest part of *piece* is that stays on one line."""
    if not piece.startswith('"'):
        return len(piece.rstrip())
    return max(map(len, piece.split(" "))) + len('" "')


def pieces(text: str, width: int) -> list[str]:
    """Return *text* cut where a line may end; before ``)`` only if there is no room."""
    found: list[str] = []
    for match in PIECE.finditer(text):
        before = found[-1].rstrip() if found else ""
        late = match[0].startswith(")") and len(before + match[0].rstrip()) + len(INDENT) > width
        if not found or late or may_end(before, "".join(found)):
            found.append(match[0])
        else:
            found[-1] += match[0]
    return found


def may_end(before: str, so_far: str) -> bool:
    """Tell whether a line may end after *so_far*, of which *before* is the last piece."""
    if GOES_ON.search(before):
        return True
    head = so_far.rstrip()
    return head.startswith("if (") and head.endswith(")") and head.count("(") == head.count(")")
