"""A schedule: a lane for each CPU, one for memory, and time from the top down."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmuspec.interleave.program import Program
from mmuspec.interleave.schedule.rows import Change, Kind, Row
from mmuspec.interleave.schedule.text import beginning, name_of, wrapped
from mmuspec.interleave.writers.statements import number
from mmuspec.site.figures import svg

CHARACTERS = 26
"""Longest line in a box."""
MARGIN = 26
"""Width of the numbers of rows, in SVG units."""
GAP = 22
"""Between two lanes, and between two rows, in SVG units."""
HEAD = 26
"""Height of the names of lanes, in SVG units."""
PAD = 8
"""Between a text and its box, in SVG units."""


class Lane(NamedTuple):
    """A column of the figure.

    :param x: its left side
    :param width: of its boxes
    """

    name: str
    x: float
    width: float

    @property
    def middle(self) -> float:
        """Where its life line is."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.width


class Box(NamedTuple):
    """The texts of a row, and how high they are.

    :param lines: in the lane of the CPU
    :param changes: in the lane of memory
    """

    row: Row
    lines: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def height(self) -> float:
        """Its height with what memory holds then."""
        return max(len(self.lines), len(self.changes)) * svg.LINE + PAD


def draw(program: Program, rows: Sequence[Row], end: str, title: str) -> str:
    """Return the figure.

    :param rows: the schedule, with at least one row
    :param end: what comes of it
    :param title: what the figure shows
    :raises ValueError: if there is no row
    """
    if not rows:
        raise ValueError("a schedule without a row cannot be drawn")
    boxes = [box_of(row) for row in rows]
    lanes, memory = laid_out(program, boxes)
    first = [f"{word} = {number(value)}" for word, value in shown_words(program, rows)]
    top = HEAD + max(len(first), 1) * svg.LINE + PAD + GAP
    tops: list[float] = [top]
    for box in boxes:
        tops.append(tops[-1] + box.height + GAP)
    bottom = tops[-1] - GAP / 2
    parts = [*heads(lanes, memory, bottom), *cell(memory, HEAD, first, "muted", "at first")]
    drawn = list(rows_drawn(boxes, tops, lanes, memory))
    # Lines first: boxes hide what passes behind them.
    parts += sorted(drawn, key=lambda part: "<rect" in part)
    width = memory.right + PAD
    found = list(wrapped(end, int((width - 2 * MARGIN) / svg.CHARACTER))) if end else []
    if found:
        whole = Lane("", MARGIN, width - MARGIN - PAD)
        parts += cell(whole, bottom + PAD, found, "bad", end)
        bottom += len(found) * svg.LINE + 2 * PAD
    return svg.document(width, bottom + PAD, title, parts, told(program, rows, end))


def box_of(row: Row) -> Box:
    """Return the texts of a row."""
    label = f"{row.source.label}: " if row.source.label else ""
    if row.kind is Kind.VISIBLE:
        lines = [f"{label}becomes visible"]
    else:
        lines = list(wrapped(label + row.statement, CHARACTERS))
        lines += row.remarks
    return Box(row, tuple(lines), tuple(after(change) for change in row.changes))


def after(change: Change) -> str:
    """Return what a word holds after a change."""
    return f"{change.word} = {number(change.after)}"


def shown_words(program: Program, rows: Sequence[Row]) -> Iterator[tuple[str, int]]:
    """Yield the words that are not 0 at first, or that change, and what they hold at first."""
    changed = {change.word for row in rows for change in row.changes}
    for word in program.words:
        if word.initial or word.name in changed:
            yield word.name, word.initial


def laid_out(program: Program, boxes: Sequence[Box]) -> tuple[dict[int, Lane], Lane]:
    """Return the lanes of the CPUs that do something, and that of memory."""
    lanes: dict[int, Lane] = {}
    x: float = MARGIN
    for cpu in sorted({box.row.cpu for box in boxes}):
        name = name_of(program, cpu)
        texts = [name, *(line for box in boxes if box.row.cpu == cpu for line in box.lines)]
        lanes[cpu] = Lane(name, x, max(map(svg.width_of, texts)) + 2 * PAD)
        x = lanes[cpu].right + GAP
    texts = ["memory", *(text for box in boxes for text in box.changes)]
    texts += [f"{name} = {number(value)}" for name, value in shown_words(program, rows_in(boxes))]
    return lanes, Lane("memory", x + GAP, max(map(svg.width_of, texts)) + 2 * PAD)


def rows_in(boxes: Sequence[Box]) -> list[Row]:
    """Return the rows of *boxes*."""
    return [box.row for box in boxes]


def heads(lanes: dict[int, Lane], memory: Lane, bottom: float) -> Iterator[str]:
    """Yield the names of the lanes, and their life lines."""
    for lane in (*lanes.values(), memory):
        yield svg.text(lane.middle, HEAD - 10, lane.name)
        line = svg.line(lane.middle, HEAD, lane.middle, bottom, dashed=True)
        yield svg.group([line], kind="muted")


def cell(lane: Lane, y: float, lines: Sequence[str], kind: str, tip: str) -> list[str]:
    """Return a box with lines of text."""
    if not lines:
        return []
    height = len(lines) * svg.LINE + PAD
    parts = [svg.solid(lane.x, y, lane.width, height)]
    parts += [
        svg.text(lane.x + PAD, y + (at + 1) * svg.LINE, line, anchor="start")
        for at, line in enumerate(lines)
    ]
    return [svg.group(parts, kind=kind, tip=tip)]


def rows_drawn(
    boxes: Sequence[Box], tops: Sequence[float], lanes: dict[int, Lane], memory: Lane
) -> Iterator[str]:
    """Yield the rows, from the top down."""
    waiting: dict[int, list[tuple[str, float]]] = {cpu: [] for cpu in lanes}
    for count, (box, y) in enumerate(zip(boxes, tops, strict=False), 1):
        row, lane = box.row, lanes[box.row.cpu]
        middle = y + box.height / 2
        yield svg.text(MARGIN - PAD, middle + 4, str(count), anchor="end", size=10)
        height = len(box.lines) * svg.LINE + PAD
        if row.kind is Kind.VISIBLE:
            _, start = waiting[row.cpu].pop(0)
            yield waits(lane, start, middle - height / 2)
        pending = {word for word, _ in waiting[row.cpu]}
        if row.kind is Kind.BUFFERED and row.place is not None:
            waiting[row.cpu].append((row.place.word, middle + height / 2))
        yield from arrows(row, lane, memory, middle, pending)
        kind = {Kind.BUFFERED: "muted", Kind.VISIBLE: "accent", Kind.DONE: "plain"}[row.kind]
        yield from cell(lane, middle - height / 2, box.lines, kind, row.words)
        held = len(box.changes) * svg.LINE + PAD
        tip = ", ".join(map(str, row.changes))
        yield from cell(memory, middle - held / 2, box.changes, "accent", tip)
    for cpu, stores in waiting.items():
        for _, start in stores:
            yield waits(lanes[cpu], start, tops[-1] - GAP / 2)


def waits(lane: Lane, top: float, bottom: float) -> str:
    """Return the line of a store that waits in the buffer of its CPU, beside the life line."""
    x = lane.x + PAD / 2
    tip = f"{lane.name}: in the store buffer"
    return svg.group([svg.line(x, top, x, bottom)], kind="accent", tip=tip)


def arrows(row: Row, lane: Lane, memory: Lane, y: float, pending: set[str]) -> Iterator[str]:
    """Yield what passes between a CPU and memory; a load of a store that waits takes nothing."""
    if row.changes:
        yield svg.group([svg.arrow(lane.right, y, memory.x, y)], kind="accent")
    elif row.reads and row.place is not None and row.place.word not in pending:
        arrow = svg.arrow(memory.middle, y, lane.right, y, dashed=True)
        yield svg.group([arrow], kind="muted", tip=f"{row.place} is read")


def told(program: Program, rows: Sequence[Row], end: str) -> str:
    """Return the schedule in sentences, for who cannot see it."""
    sentences = [f"At first: {beginning(program)}."]
    for count, row in enumerate(rows, 1):
        changes = "".join(f"; {change}" for change in row.changes)
        sentences.append(f"{count}, {name_of(program, row.cpu)}: {row.words}{changes}.")
    return " ".join([*sentences, f"So: {end}."] if end else sentences)
