"""The layout of an entry or a register, 32 bits to a row."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mmuspec.site.figures import svg
from mmuspec.x86.entry import Field, bits

CELL = 22
"""Width of one bit, in SVG units."""
BOX = 28
"""Height of a row's boxes, in SVG units; a line of text more where values are shown."""
ABOVE = 16
"""Room above a row for the bit numbers, in SVG units."""
ROW = 32
"""Bits to a row."""


class _Box(NamedTuple):
    """The part of a field that is in one row."""

    words: str
    value: str
    low: int
    high: int
    tip: str

    @property
    def fits(self) -> bool:
        return svg.width_of(self.words) <= (self.high - self.low + 1) * CELL


def draw(
    fields: Sequence[Field], title: str = "", *, value: int | None = None, width: int = 64
) -> str:
    """Return the figure.

    A name that does not fit its box stands below it, reading downwards.  Bits of no field
    are muted.

    :param fields: the fields, in any order
    :param title: what the figure shows; without one, the list of the fields
    :param value: an entry; each field then shows its part of it, in hexadecimal
    :param width: the number of bits
    :raises ValueError: for fields that overlap or do not lie within the width
    """
    complete = _complete(fields, width)
    title = title or "; ".join(f"{field.name} {_range(field)}" for field in complete if field.name)
    parts, height = _rows(complete, 0, value, width)
    return svg.document(ROW * CELL + 2, height, title, parts)


class Layout(NamedTuple):
    """One of several layouts to compare: what it is, its fields, and an entry."""

    name: str
    fields: Sequence[Field]
    value: int


def compare(layouts: Sequence[Layout], title: str, *, width: int = 64) -> str:
    """Return a figure of several layouts, one below the other, so that equal bits are aligned.

    :raises ValueError: as :func:`draw` does
    """
    parts: list[str] = []
    top = 0.0
    for layout in layouts:
        name = f"{layout.name}: {layout.value:#x}"
        parts.append(svg.text(1, top + svg.LINE, name, anchor="start", size=12))
        drawn, top = _rows(
            _complete(layout.fields, width), top + 1.5 * svg.LINE, layout.value, width
        )
        parts += drawn
        top += svg.LINE / 2
    return svg.document(ROW * CELL + 2, top, title, parts)


def _rows(
    complete: Sequence[Field], top: float, value: int | None, width: int
) -> tuple[list[str], float]:
    """Return the parts of a layout that begins at *top*, and where it ends."""
    boxes = [box for field in complete for box in _boxes(field, value)]
    height = BOX if value is None else BOX + svg.LINE
    parts: list[str] = []
    for row in range((width - 1) // ROW, -1, -1):
        here = [box for box in boxes if box.low // ROW == row]
        parts += [_drawn(box, top, height) for box in here]
        below = max((svg.width_of(box.words) for box in here if not box.fits), default=0)
        top += ABOVE + height + below + 10
    return parts, top


def _complete(fields: Sequence[Field], width: int) -> list[Field]:
    """Return *fields* from the highest bit down, with nameless ones in the gaps."""
    out: list[Field] = []
    free = width - 1
    for field in sorted(fields, key=lambda field: -field.high):
        if not 0 <= field.low <= field.high <= free:
            raise ValueError(f"{field.name} {_range(field)} overlaps another field, or the end")
        if field.high < free:
            out.append(Field("", field.high + 1, free, ""))
        out.append(field)
        free = field.low - 1
    return [*out, Field("", 0, free, "")] if free >= 0 else out


def _boxes(field: Field, value: int | None) -> Iterator[_Box]:
    """Yield the parts of *field*, one for each row that it touches."""
    part = "" if value is None else f"{value >> field.low & bits(0, field.high - field.low):#x}"
    tip = f"{field.name or 'not used'} [{_range(field)}] {part} {field.meaning}"
    for row in range(field.high // ROW, field.low // ROW - 1, -1):
        low, high = max(field.low, row * ROW), min(field.high, row * ROW + ROW - 1)
        yield _Box(field.name, part, low, high, " ".join(tip.split()))


def _drawn(box: _Box, top: float, height: float) -> str:
    left = (ROW - 1 - box.high % ROW) * CELL + 1
    width = (box.high - box.low + 1) * CELL
    middle, y = left + width / 2, top + ABOVE
    parts = [svg.rectangle(left, y, width, height)]
    if box.fits:
        parts.append(svg.text(middle, y + 18, box.words))
    else:
        parts.append(svg.upright(middle, y + height + 5, box.words))
    if box.value:
        parts.append(svg.text(middle, y + height - 9, box.value.removeprefix("0x")))
    if box.high == box.low:
        parts.append(svg.text(middle, y - 4, str(box.high), size=9))
    else:
        parts.append(svg.text(left + 2, y - 4, str(box.high), anchor="start", size=9))
        parts.append(svg.text(left + width - 2, y - 4, str(box.low), anchor="end", size=9))
    return svg.group(parts, kind="plain" if box.words else "muted", tip=box.tip)


def _range(field: Field) -> str:
    return str(field.low) if field.low == field.high else f"{field.high}:{field.low}"
