"""A schedule as a numbered table with a column a CPU, to be pasted into a mail."""

import re
import textwrap
from collections.abc import Iterator, Sequence

from mmuspec.interleave.program import Program
from mmuspec.interleave.schedule.rows import Row
from mmuspec.interleave.writers.statements import number

WIDTH = 78
"""Columns of a table."""

MARGIN = 4
"""Columns that the numbers of rows take."""

NARROWEST = 30
"""Columns of a cell; where there is no room for so many, cells reach below the next header."""

PLAIN = re.compile(r"(CPU|P)\d+")
"""The name of a CPU that says nothing but its number."""

JOINED = "\N{NO-BREAK SPACE}"


def table(program: Program, rows: Sequence[Row], end: str = "", mark: int = 0) -> Iterator[str]:
    """Yield the lines of the table, none wider than `WIDTH`.

    :param end: what comes of it, below the last row
    :param mark: the number of a row to point at, from 1; 0 for none
    """
    acting = sorted({row.cpu for row in rows})
    yield from filled(f"at first: {beginning(program)}", MARGIN)
    idle = [name_of(program, cpu) for cpu in range(len(program.threads)) if cpu not in acting]
    if idle:
        yield from filled(f"not shown, because nothing happens there: {', '.join(idle)}", MARGIN)
    if not rows:
        return
    columns, cell = layout(len(acting))
    place = dict(zip(acting, columns, strict=True))
    yield ""
    yield from header([name_of(program, cpu) for cpu in acting], columns)
    yield " " * MARGIN + "-" * (WIDTH - MARGIN)
    for count, row in enumerate(rows, 1):
        for line, text in enumerate(lines(row, cell)):
            shown = str(count) if line == 0 else ""
            pointer = ">" if count == mark and line == 0 else " "
            yield f"{pointer}{shown:>2}".ljust(place[row.cpu]) + text
    if end:
        yield from filled(f"=> {end}", MARGIN, MARGIN + 3)


def beginning(program: Program) -> str:
    """Return what the words hold before the first row."""
    values = [f"{w.name} = {number(w.initial)}" for w in program.words if w.initial]
    if len(values) == len(program.words):
        return ", ".join(values)
    return "; ".join([", ".join(values), "all else is 0"]) if values else "everything is 0"


def name_of(program: Program, cpu: int) -> str:
    """Return what stands above the column of a CPU."""
    name = program.threads[cpu].name
    return name if PLAIN.fullmatch(name) else f"CPU{cpu} {name}"


def layout(cpus: int) -> tuple[list[int], int]:
    """Return where each column begins, and how wide a cell may be.

    With many CPUs a cell reaches into the next columns, which are empty in its row.
    """
    room = WIDTH - MARGIN
    if cpus == 1:
        return [MARGIN], room
    cell = max((room - 2 * (cpus - 1)) // cpus, NARROWEST)
    stride = (room - cell) // (cpus - 1)
    return [MARGIN + cpu * stride for cpu in range(cpus)], cell


def header(names: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    """Yield the names above their columns: in one line if they fit there."""
    room = columns[1] - columns[0] if columns[1:] else WIDTH
    if all(len(name) < room for name in names):
        line = ""
        for name, column in zip(names, columns, strict=True):
            line = line.ljust(column) + name
        yield line
    else:
        for name, column in zip(names, columns, strict=True):
            yield " " * column + name[: WIDTH - column]


def lines(row: Row, width: int) -> Iterator[str]:
    """Yield the lines of a cell."""
    words = re.sub(r"  (//|\()(\S| (?=\S))+", lambda m: joined(m[0]), row.words)
    yield from wrapped(words, width)
    for change in row.changes:
        yield from wrapped(f"  {change}", width)


def joined(text: str) -> str:
    """Return a remark that stands after a statement, as what is not to be broken."""
    return " " + text.replace(" ", JOINED).removeprefix(JOINED)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield *text* in lines of *width*; what follows the first is indented."""
    indent = text[: len(text) - len(text.lstrip())]
    rest, now = text.strip(), indent
    while len(now) + len(rest) > width:
        at = cut(rest, width - len(now))
        yield (now + rest[:at].rstrip()).replace(JOINED, " ")
        rest, now = rest[at:].lstrip(" " + JOINED), indent + "  "
    yield (now + rest).replace(JOINED, " ")


def cut(text: str, room: int) -> int:
    """Return where to break *text*: at a space, else after a sign, else where the room ends."""
    for sign in (" ", "(", ",", ".", "_"):
        at = text.rfind(sign, 1, room)
        if at > 0:
            return at + 1
    return room


def filled(text: str, indent: int, rest: int | None = None) -> Iterator[str]:
    """Yield prose; what equals what stays in one line."""
    lines = textwrap.wrap(
        text.replace(" = ", f"{JOINED}={JOINED}"),
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if rest is None else rest),
        break_on_hyphens=False,
    )
    yield from (line.replace(JOINED, " ") for line in lines)
