"""The little of SVG that the figures need."""

from html import escape
from typing import Final

KINDS: Final = ("plain", "accent", "muted", "bad")
"""How a part of a figure can stand out; the style sheet gives each its colours."""

CHARACTER: Final = 6.7
"""Width of a character of the figures' monospaced text, in SVG units."""

LINE: Final = 15
"""Height of a line of text, in SVG units."""


def document(
    width: float, height: float, title: str, parts: list[str], description: str = ""
) -> str:
    """Return an ``<svg>`` that a screen reader reads as *title*, and then *description*."""
    told = f"<desc>{escape(description)}</desc>" if description else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}"'
        f' width="{width:g}" height="{height:g}"><title>{escape(title)}</title>{told}'
        f"{''.join(parts)}</svg>"
    )


def group(parts: list[str], *, kind: str = "plain", tip: str = "") -> str:
    """Return *parts* together, with a kind and a text to show when pointed at.

    :raises ValueError: for a kind that is not one of :data:`KINDS`
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    title = f"<title>{escape(tip)}</title>" if tip else ""
    return f'<g class="{kind}">{title}{"".join(parts)}</g>'


def rectangle(x: float, y: float, width: float, height: float, *, radius: float = 0) -> str:
    """Return a box."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
        ' fill="none" stroke="currentColor"/>'
    )


def solid(x: float, y: float, width: float, height: float) -> str:
    """Return a box that hides what was drawn before it."""
    back = (
        f'<rect class="back" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3"'
        ' fill="none"/>'
    )
    return back + rectangle(x, y, width, height, radius=3)


def text(x: float, y: float, words: str, *, anchor: str = "middle", size: float = 11) -> str:
    """Return one line of text; *y* is its base line."""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}"'
        f' fill="currentColor">{escape(words)}</text>'
    )


def upright(x: float, y: float, words: str) -> str:
    """Return text that reads downwards from (*x*, *y*)."""
    return (
        f'<text transform="translate({x:g} {y:g}) rotate(90)" font-size="10"'
        f' dominant-baseline="middle" fill="currentColor">{escape(words)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, *, dashed: bool = False) -> str:
    """Return a straight line."""
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="currentColor"{dashes}/>'


def arrow(x1: float, y1: float, x2: float, y2: float, *, dashed: bool = False) -> str:
    """Return a curve from the first point to the second, which it meets horizontally."""
    toward = 1 if x2 > x1 else -1
    bend = max(abs(x2 - x1) / 2, 20) * toward
    tip = x2 - 7 * toward
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<path d="M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {tip - bend:g} {y2:g} {tip:g} {y2:g}"'
        f' fill="none" stroke="currentColor"{dashes}/>'
        f"{_tip(x2, y2, toward)}"
    )


def detour(x1: float, y1: float, x2: float, y2: float, above: float) -> str:
    """Return an arrow that leaves to the right, passes at *above*, and comes from the left."""
    return (
        f'<path d="M{x1:g} {y1:g}C{x1 + 30:g} {y1:g} {x1 + 30:g} {above:g} {x1:g} {above:g}'
        f'L{x2:g} {above:g}C{x2 - 30:g} {above:g} {x2 - 30:g} {y2:g} {x2 - 7:g} {y2:g}"'
        f' fill="none" stroke="currentColor"/>{_tip(x2, y2, 1)}'
    )


def _tip(x: float, y: float, toward: int) -> str:
    """Return an arrow head at a point, for a line that comes from the left (1) or right (-1)."""
    return f'<path d="M{x:g} {y:g}l{-7 * toward} -4v8Z" fill="currentColor"/>'


def width_of(words: str) -> float:
    """Return the width of a line of text, in SVG units."""
    return len(words) * CHARACTER
