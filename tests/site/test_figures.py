import re
from xml.etree import ElementTree

import pytest

from mmuspec.site.figures import bitfield, graph, svg, timeline
from mmuspec.x86.entry import Field

FIELDS = [
    Field("P", 0, 0, "present"),
    Field("RW", 1, 1, "writable"),
    Field("host_writeable", 10, 10, "the host's page may be written"),
    Field("frame", 12, 51, "address of the page"),
    Field("XD", 63, 63, "execute disable"),
]


def drawn(text: str) -> ElementTree.Element:
    """Parse a figure and check what every figure has."""
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert root.get("role") == "img"
    assert root[0].tag.endswith("title")
    assert root[0].text
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(", text), "colours come from the theme"
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter() if element.tag.endswith("}text")]


def boxes(root: ElementTree.Element) -> list[tuple[float, float]]:
    """Return (left, right) of each box."""
    found = [element for element in root.iter() if element.tag.endswith("}rect")]
    return [(float(e.attrib["x"]), float(e.attrib["x"]) + float(e.attrib["width"])) for e in found]


def test_every_bit_is_drawn_once() -> None:
    root = drawn(bitfield.draw(FIELDS))
    widths = [right - left for left, right in boxes(root)]
    assert sum(widths) == 64 * bitfield.CELL
    assert texts(root).count("frame") == 2, "a field that crosses rows is named in both"
    assert root[0].text == "XD 63; frame 51:12; host_writeable 10; RW 1; P 0"


def test_a_32_bit_entry_has_one_row() -> None:
    assert sum(r - left for left, r in boxes(drawn(bitfield.draw(FIELDS[:3], width=32)))) == (
        32 * bitfield.CELL
    )


def test_a_value_is_shown_by_field() -> None:
    root = drawn(bitfield.draw(FIELDS, "An entry", value=1 << 63 | 0x5000 | 1))
    shown = texts(root)
    assert shown[shown.index("XD") + 1] == "1"
    assert shown[shown.index("frame") + 1] == "5"
    assert shown[shown.index("RW") + 1] == "0"


@pytest.mark.parametrize(
    "fields",
    [
        [Field("A", 0, 3, ""), Field("B", 3, 4, "")],
        [Field("A", 60, 64, "")],
        [Field("A", 3, 2, "")],
        [Field("A", -1, 2, "")],
    ],
)
def test_fields_that_do_not_fit_are_refused(fields: list[Field]) -> None:
    with pytest.raises(ValueError, match="overlaps"):
        bitfield.draw(fields)


def test_a_graph_has_its_layers_from_left_to_right() -> None:
    nodes = [
        graph.Node("root", ("gfn 0x10", "level 4"), 0),
        graph.Node("a", ("gfn <11>",), 1, "accent"),
        graph.Node("b", ("gfn 12",), 1, "muted"),
    ]
    edges = [graph.Edge("root", "a", "[0]"), graph.Edge("a", "root", back=True)]
    root = drawn(graph.draw(nodes, [*edges, graph.Edge("root", "root")], "Pages"))
    left, upper, lower = boxes(root)
    assert left[1] < upper[0]
    assert upper == lower
    assert "gfn <11>" in texts(root)


def test_an_edge_to_nowhere_is_refused() -> None:
    node = graph.Node("a", ("a",), 0)
    with pytest.raises(ValueError, match="lacks an end"):
        graph.draw([node], [graph.Edge("a", "b")], "Pages")
    with pytest.raises(ValueError, match="a name of its own"):
        graph.draw([node, node], [], "Pages")
    with pytest.raises(ValueError, match="needs nodes"):
        graph.draw([], [], "Pages")


def test_a_time_line_has_room_for_every_text() -> None:
    long = "a state with a long name"
    spans = [timeline.Span("page", 0, 1, long), timeline.Span("vcpu", 1, 3, "x", "bad")]
    moments = [timeline.Moment(1, "bump"), timeline.Moment(2, "reload of every root")]
    root = drawn(timeline.draw(["page", "vcpu"], spans, "Over time", moments=moments))
    (left, right), (later, _) = boxes(root)
    assert right - left >= svg.width_of(long)
    assert later > right - 3
    assert {"bump", "reload of every root", "page", "vcpu"} <= set(texts(root))


@pytest.mark.parametrize(
    "spans", [[], [timeline.Span("other", 0, 1, "x")], [timeline.Span("page", 1, 1, "x")]]
)
def test_spans_that_cannot_be_drawn_are_refused(spans: list[timeline.Span]) -> None:
    with pytest.raises(ValueError, match="span"):
        timeline.draw(["page"], spans, "Over time")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="'shiny' is not one of"):
        svg.group([], kind="shiny")
