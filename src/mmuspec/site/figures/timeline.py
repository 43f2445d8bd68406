"""What happens to several things over time: a lane for each, spans and moments in it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from mmuspec.site.figures import svg

ROW = 40
"""Height of a lane, in SVG units."""
HEAD = 30
"""Height of the line of moments, in SVG units."""
SMALLEST = 48
"""The least width of a step, in SVG units."""


class Span(NamedTuple):
    """A state of a lane from one step to another (not included)."""

    lane: str
    start: int
    end: int
    words: str
    kind: str = "plain"
    tip: str = ""


class Moment(NamedTuple):
    """Something that happens at the beginning of a step, across all lanes."""

    step: int
    words: str


def draw(
    lanes: Sequence[str], spans: Sequence[Span], title: str, *, moments: Sequence[Moment] = ()
) -> str:
    """Return the figure; a step is as wide as the longest text needs.

    :param lanes: the names of the lanes, from the top
    :param spans: the states, in any order
    :param title: what the figure shows
    :param moments: what divides the time
    :raises ValueError: for a span of no lane or no length, or when there is no span
    """
    for span in spans:
        if span.lane not in lanes or span.end <= span.start:
            raise ValueError(f"span {span.words!r} of lane {span.lane!r} has no lane or no length")
    if not spans:
        raise ValueError("a time line needs a span")
    last = max(span.end for span in spans)
    left = max(svg.width_of(lane) for lane in lanes) + 16
    step = _step(spans, moments)
    height = HEAD + len(lanes) * ROW + 6
    parts = [svg.text(8, HEAD + (at + 0.5) * ROW + 4, lane, anchor="start")
             for at, lane in enumerate(lanes)]  # fmt: skip
    for moment in moments:
        x = left + moment.step * step
        parts.append(svg.group([svg.line(x, HEAD - 8, x, height, dashed=True)], kind="muted"))
        parts.append(svg.text(x, HEAD - 14, moment.words, size=10))
    parts += [_span(span, lanes.index(span.lane), left, step) for span in spans]
    beyond = max((svg.width_of(m.words) / 2 for m in moments if m.step == last), default=0)
    return svg.document(left + last * step + 8 + beyond, height, title, parts)


def _step(spans: Sequence[Span], moments: Sequence[Moment]) -> float:
    """Return the width of a step that lets every text fit."""
    needs = [(svg.width_of(span.words) + 16) / (span.end - span.start) for span in spans]
    ordered = sorted(moments)
    for first, second in pairwise(ordered):
        if second.step > first.step:
            width = (svg.width_of(first.words) + svg.width_of(second.words)) / 2 + 10
            needs.append(width / (second.step - first.step))
    return max(SMALLEST, *needs)


def _span(span: Span, row: int, left: float, step: float) -> str:
    x, width = left + span.start * step, (span.end - span.start) * step
    y = HEAD + row * ROW + 4
    parts = [
        svg.rectangle(x + 1, y, width - 2, ROW - 8, radius=4),
        svg.text(x + width / 2, y + ROW / 2, span.words),
    ]
    return svg.group(parts, kind=span.kind, tip=span.tip or f"{span.lane}: {span.words}")
