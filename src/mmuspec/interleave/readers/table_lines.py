"""The lines of a table: the head, the names of the CPUs, the cells of each row, the claims.

A table is what people draw in mails: the names of the CPUs above, and below each what it
does, in the order of time. The columns are separated by ``|``, or by where the names stand.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.program import Source
from mmuspec.interleave.readers.c_condition import KEYWORD

BOX = str.maketrans("│┃║─━═┌┐└┘├┤┬┴┼╔╗╚╝╠╣╦╩╬", "|||---+++++++++" + "+" * 9)
"""Characters that boxes are drawn with, and those that stand for them here."""

RULE = re.compile(r"[\s|+:=-]*(?:--|==)[\s|+:=-]*$")
QUOTED = re.compile(r"^(?:>[ \t]?)+")
COMMENT = re.compile(r"\s*(?:#(?!define\b)|//)")
NUMBER = re.compile(r"^[\s|]*(?:\(\d{1,3}\)|\d{1,3}[.):](?!\w)|\d{1,3}(?=\s*\||\s\s))")
FRAGMENT = re.compile(r"\S+(?: \S+)*")

BAR = re.compile(r"(?<!\|)\|(?!\|)")

ENDED = re.compile(r"(?:^|[;{}:|])\s*$")
"""What a cell ends with, so that the ``|`` after it is no operator."""

CPU = re.compile(r"(?:v?cpu|core|thread|processor|process|p|t)[ -]?#?\w{1,3}:?$", re.IGNORECASE)
"""How people name CPUs."""

NAME = re.compile(r"[A-Za-z][\w .#/-]*:?$")
ROW_NUMBER = ("#", "no", "no.", "step", "row")


@dataclass(frozen=True)
class Piece:
    """Part of a line, from the index *start*."""

    text: str
    start: int


@dataclass(frozen=True)
class Lines:
    """A table, in parts.

    :param lines: all lines as they are read: tabs expanded, quotation marks blanked
    :param header: index of the line with the names
    :param names: the names of the CPUs
    :param claims: index of the line where the conditions begin, or how many lines there are
    :param pages: for each CPU all lines, of which only its cells are left
    """

    lines: list[str]
    header: int
    names: list[str]
    claims: int
    pages: list[list[str]]


def split(text: str, file: str) -> Lines:
    """Find the parts of a table.

    :raises ProgramError: if no line names the CPUs
    """
    lines = [line.expandtabs().translate(BOX).rstrip() for line in text.split("\n")]
    if all(QUOTED.match(line) for line in lines if line):
        lines = [QUOTED.sub(lambda found: " " * len(found[0]), line, count=1) for line in lines]
    end = next((n for n, line in enumerate(lines) if KEYWORD.match(line.strip())), len(lines))
    header = find_header(lines[:end])
    if header is not None:
        lines[header + 1 : end] = without_numbers(lines[header + 1 : end])
    if header is None:
        source = Source(file, 1, 1)
        raise ProgramError(source, "expected a line that names the CPUs, such as 'CPU0  CPU1'")
    names = header_names(lines[header])
    if inner_bars(lines[header], lines[header]):
        rows = [by_bars(lines, header, n, file) for n in range(header + 1, end)]
    else:
        rows = by_gaps(lines, header, end, names)
    again = next((p for n, p in enumerate(names) if p.text in [q.text for q in names[:n]]), None)
    if again:
        source = Source(file, header + 1, again.start + 1)
        raise ProgramError(source, f"there are two CPUs named {tidy(again.text)}")
    columns = [column for column, piece in enumerate(names) if not is_row_number(piece)]
    pages = [page(lines, header, rows, column) for column in columns]
    return Lines(lines, header, [tidy(names[column].text) for column in columns], end, pages)


def find_header(lines: list[str]) -> int | None:
    """Return the index of the line that names the CPUs."""
    wordy = {n: names_in(line) for n, line in enumerate(lines)}
    ruled = {n for n in wordy if n + 1 < len(lines) and RULE.match(lines[n + 1])}
    like = {n for n, names in wordy.items() if names and all(CPU.match(name) for name in names)}
    several = {n for n, names in wordy.items() if len(names) > 1}
    single = {n for n, names in wordy.items() if len(names) == 1 and " " not in names[0]}
    for candidates in (several & (ruled | like), single & like, single & ruled, several):
        if candidates:
            return min(candidates)
    return None


def names_in(line: str) -> list[str]:
    """Return the names of CPUs in *line*, if it consists of names."""
    return [tidy(piece.text) for piece in header_names(line) if not is_row_number(piece)]


def header_names(line: str) -> list[Piece]:
    """Return the names that a line consists of; none if there is something else."""
    pattern = r"[^|]+" if "|" in line else FRAGMENT
    found = [Piece(match[0], match.start()) for match in re.finditer(pattern, line)]
    found = [stripped(piece) for piece in found if piece.text.strip()]
    words = line.split()
    if len(found) == 1 and len(words) > 1 and all(CPU.match(word) for word in words):
        found = [Piece(match[0], match.start()) for match in re.finditer(r"\S+", line)]
    good = all(NAME.match(piece.text) or is_row_number(piece) for piece in found)
    return found if good else []


def stripped(piece: Piece) -> Piece:
    """Return *piece* without the blanks around it."""
    blanks = len(piece.text) - len(piece.text.lstrip())
    return Piece(piece.text.strip(), piece.start + blanks)


def tidy(name: str) -> str:
    """Return the name of a CPU: one blank between words, no colon."""
    return " ".join(name.rstrip(":").split())


def is_row_number(piece: Piece) -> bool:
    """Tell whether *piece* stands above the numbers of rows."""
    return piece.text.lower() in ROW_NUMBER


def borders(line: str, like: str) -> tuple[int, int]:
    """Return where the cells of *line* begin and end, without a frame if *like* has one."""
    text, frame = line.strip(), like.strip()
    begin = line.index("|") + 1 if frame.startswith("|") and text.startswith("|") else 0
    end = line.rindex("|") if frame.endswith("|") and text.endswith("|") else len(line)
    return begin, max(begin, end)


def inner_bars(line: str, like: str) -> list[int]:
    """Return the indices of the ``|`` between the cells of *line*."""
    begin, end = borders(line, like)
    return [found.start() for found in BAR.finditer(line, begin, end)]


def is_empty(line: str) -> bool:
    """Tell whether a line of the table says nothing."""
    return not line.strip() or bool(RULE.match(line)) or bool(COMMENT.match(line))


def by_bars(lines: list[str], header: int, number: int, file: str) -> list[Piece]:
    """Return the cells of a row whose columns are separated by ``|``.

    :raises ProgramError: if there are too many or too few
    """
    line, like = lines[number], lines[header]
    if is_empty(line):
        return []
    begin, end = borders(line, like)
    bars = inner_bars(like, like)
    if not all(line[at : at + 1] == "|" for at in bars):
        bars = loose_bars(lines, header, number, file, len(bars))
    starts, stops = [begin, *(at + 1 for at in bars)], [*bars, end]
    return [Piece(line[a:b], a) for a, b in zip(starts, stops, strict=True)]


def loose_bars(lines: list[str], header: int, number: int, file: str, count: int) -> list[int]:
    """Return where the cells of a row end that are not drawn below those of the header.

    A row with no ``|`` in it is one cell, the first.
    """
    line = lines[number]
    inner = inner_bars(line, lines[header])
    if not inner:
        return [borders(line, lines[header])[1]] * count
    sure = [at for at in inner if ENDED.search(line[:at])]
    if len(inner) > count == len(sure):
        return sure
    if len(inner) != count:
        expected = f"{count + 1} cells with | between them, as in line {header + 1}"
        raise ProgramError(Source(file, number + 1, inner[-1] + 1), f"expected {expected}")
    return inner


def by_gaps(lines: list[str], header: int, end: int, names: list[Piece]) -> list[list[Piece]]:
    """Return the cells of all rows, whose columns are those of the names."""
    rows = ["" if is_empty(line) else line for line in lines[header + 1 : end]]
    starts = [0]
    for left, right in pairwise(names):
        starts.append(gutter(rows, left.start + len(left.text), right.start))
    return [in_columns(row, starts) for row in rows]


def without_numbers(rows: list[str]) -> list[str]:
    """Return *rows* with blanks for their numbers, if the first one has a number."""
    first = next((row for row in rows if not is_empty(row)), "")
    if not NUMBER.match(first):
        return rows
    return [NUMBER.sub(lambda found: re.sub(r"[^|]", " ", found[0]), row, count=1) for row in rows]


def gutter(rows: list[str], least: int, most: int) -> int:
    """Return where a column begins: after blanks that all rows have, left of its name if needed."""
    for start in range(most, least + 1, -1):
        if all(row[start - 2 : start].strip() == "" for row in rows):
            return start
    return most


def in_columns(row: str, starts: list[int]) -> list[Piece]:
    """Return the cells of a row: its fragments, each in the column in which it begins."""
    cells = [Piece("", 0)] * len(starts)
    for match in FRAGMENT.finditer(row):
        column = max(n for n, start in enumerate(starts) if start <= match.start())
        before = cells[column]
        begin = before.start if before.text else match.start()
        cells[column] = Piece(row[begin : match.end()], begin)
    return cells


def page(lines: list[str], header: int, rows: list[list[Piece]], column: int) -> list[str]:
    """Return all lines with nothing left but the cells of one column, where they stand."""
    cells = [row[column] if column < len(row) else Piece("", 0) for row in rows]
    placed = [" " * cell.start + cell.text for cell in cells]
    return [""] * (header + 1) + placed + [""] * (len(lines) - header - 1 - len(placed))
