"""Nodes in layers, and arrows between them: shadow pages and their links."""

from collections.abc import Sequence
from typing import NamedTuple

from mmuspec.site.figures import svg

GAP = 60
"""Between two layers, in SVG units: room for the arrows and what is written on them."""
SPACE = 18
"""Between two nodes of a layer, in SVG units."""
MARGIN = 10
"""Around the text of a node, in SVG units."""


class Node(NamedTuple):
    """A box with lines of text, in a layer; layers run from left to right."""

    name: str
    lines: tuple[str, ...]
    layer: int
    kind: str = "plain"
    tip: str = ""


class Edge(NamedTuple):
    """An arrow from one node to another, by their names.

    A ``back`` arrow is dashed and runs below the forward ones: a link to a parent.
    """

    source: str
    target: str
    label: str = ""
    back: bool = False
    kind: str = "plain"


class _Place(NamedTuple):
    x: float
    y: float
    width: float
    height: float


def draw(nodes: Sequence[Node], edges: Sequence[Edge], title: str) -> str:
    """Return the figure.

    :param nodes: in the order in which those of one layer stand, from the top
    :param edges: in any order
    :param title: what the figure shows
    :raises ValueError: when there is no node, a name is not unique, or an edge names none
    """
    places = _places(nodes)
    if len(places) != len(nodes) or not nodes:
        raise ValueError("a graph needs nodes, each with a name of its own")
    for edge in edges:
        if edge.source not in places or edge.target not in places:
            raise ValueError(f"the edge from {edge.source} to {edge.target} lacks an end")
    width = max(place.x + place.width for place in places.values()) + GAP / 2
    height = max(place.y + place.height for place in places.values()) + SPACE
    parts = [_edge(edge, places) for edge in edges]
    parts += [_node(node, places[node.name]) for node in nodes]
    return svg.document(width, height, title, parts)


def _places(nodes: Sequence[Node]) -> dict[str, _Place]:
    """Return where each node stands: layers side by side, each centred in height."""
    layers = sorted({node.layer for node in nodes})
    columns = [[node for node in nodes if node.layer == layer] for layer in layers]
    heights = [sum(_height(node) + SPACE for node in column) for column in columns]
    places: dict[str, _Place] = {}
    x = GAP / 2
    for column, height in zip(columns, heights, strict=True):
        width = max(svg.width_of(line) for node in column for line in node.lines) + 2 * MARGIN
        y = SPACE / 2 + (max(heights) - height) / 2 + SPACE / 2
        for node in column:
            places[node.name] = _Place(x, y, width, _height(node))
            y += _height(node) + SPACE
        x += width + GAP
    return places


def _height(node: Node) -> float:
    return len(node.lines) * svg.LINE + MARGIN


def _node(node: Node, place: _Place) -> str:
    parts = [svg.rectangle(*place, radius=4)]
    for number, words in enumerate(node.lines, 1):
        y = place.y + MARGIN / 2 + number * svg.LINE - 4
        parts.append(svg.text(place.x + place.width / 2, y, words))
    return svg.group(parts, kind=node.kind, tip=node.tip)


def _edge(edge: Edge, places: dict[str, _Place]) -> str:
    """Return the arrow: from the right side to the left, or back and a little lower."""
    source, target = places[edge.source], places[edge.target]
    low = 0.75 if edge.back else 0.4
    y1, y2 = source.y + source.height * low, target.y + target.height * low
    if edge.back:
        x1, x2 = source.x, target.x + target.width
        parts = [svg.arrow(x1, y1, x2, y2, dashed=True)]
    else:
        x1, x2 = source.x + source.width, target.x
        over = min(source.y, target.y) - SPACE / 2
        parts = [svg.arrow(x1, y1, x2, y2) if x2 > x1 else svg.detour(x1, y1, x2, y2, over)]
    if edge.label:
        side, anchor = (10, "start") if edge.back else (-10, "end")
        parts.append(svg.text(x2 + side, y2 - 5, edge.label, anchor=anchor, size=9))
    return svg.group(parts, kind=edge.kind, tip=f"{edge.source} to {edge.target} {edge.label}")
