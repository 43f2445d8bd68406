"""Pages with protocols, their schedules and guards."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mmuspec.interleave.catalogue import ParameterError
from mmuspec.interleave.decide import decide
from mmuspec.interleave.program import Memory
from mmuspec.interleave.schedule.end import ending
from mmuspec.interleave.schedule.rows import rows
from mmuspec.site import explored
from mmuspec.site.figures import lanes
from mmuspec.site.guards import source_line
from tests.interleave.protocols_for_tests import counting, publish, store_buffering
from tests.rules.chapter import GOOD
from tests.site.test_build import build, words
from tests.site.test_figures import boxes, drawn, texts

HERE = "tests.interleave.protocols_for_tests"

INDEX = "# Index\n\n```{toctree}\nlimits\nevidence\nprotocols\n```\n"

SCHEDULE = f"""```{{schedule}} {HERE}:store_buffering model=tso
:found: TEST-1
Both stores *wait*.
```
"""

GUARDS = f"""```{{guards}} {HERE}:store_buffering fences=True
:nothing:
```
"""

STATES = f"""```{{states}} {HERE}:store_buffering
: 13 34
fences=true: 22 31
```
"""

PAGE = f"""# Protocols

```{{protocol}} {HERE}:add
```

{SCHEDULE}

```{{schedule}} {HERE}:counting model=sc without=C1
```

```{{schedule}} {HERE}:counting
:nothing:
```

{GUARDS}

{STATES}
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("site")
    code, errors, out = build(folder, index=INDEX, limits=GOOD, protocols=PAGE)
    assert (code, errors) == (0, "")
    return (out / "protocols.html").read_text()


def test_the_source_of_a_function_is_shown_with_its_place(page: str) -> None:
    text = words(page)
    assert "protocols_for_tests.py:" in text
    assert "old = READ_ONCE(word) # A1" in text


def test_a_schedule_is_a_table_and_a_figure(page: str) -> None:
    text = words(page)
    assert "possible: TEST-1: neither CPU sees the other" in text
    assert "store (34 states under x86-TSO)" in text
    assert "1 L1: x = 1; (buffered)" in text
    assert "Both stores wait." in text
    assert f"mmuspec why {HERE}:store_buffering" in text
    assert "<title>store-buffering under x86-TSO: TEST-1: neither CPU" in page
    assert "<desc>At first: everything is 0. 1, CPU0 left: L1: x = 1;  (buffered)." in page


def test_a_schedule_without_a_guard_is_the_command_that_shows_it(page: str) -> None:
    assert f"mmuspec why {HERE}:counting --without C1 --model sc" in words(page)


def test_nothing_is_said_to_be_found(page: str) -> None:
    assert "Nothing is found in 28 states under x86-TSO." in words(page)


def test_guards_are_a_table_with_schedules_to_fold_out(page: str) -> None:
    text = words(page)
    assert "L2 smp_mb() smp_mb() left out nothing fails TEST-1 in 6 rows" in text
    assert page.count('<details class="without">') == page.count("</details>") == 2
    assert "Without L2, under x86-TSO, in 6 rows" in text


def test_counts_of_states_are_pinned(page: str) -> None:
    assert "as it is 13 34 TEST-1 fences=true 22 31 nothing" in words(page)


WRONG = [
    (SCHEDULE.replace("TEST-1", "TEST-9"), "the page says that TEST-9 is found, but found in 6"),
    (SCHEDULE.replace(":found: TEST-1", ":nothing:"), "the page says that nothing is found, but"),
    (SCHEDULE.replace("model=tso", "model=sc"), "nothing found in 13 states (sc); say :nothing:"),
    (SCHEDULE.replace("model=tso", "model=x"), "model=x: expected sc or tso"),
    (SCHEDULE.replace("model=tso", "fast"), "fast: expected key=value"),
    (SCHEDULE.replace("model=tso", "speed=1"), "store-buffering has no parameter 'speed'"),
    (SCHEDULE.replace("model=tso", "without=Z"), "no guard is named Z"),
    (SCHEDULE.replace(":store_b", ":restore_b"), "restore_buffering"),
    (GUARDS.replace(":nothing:", ":nothing: L2"), "nothing fails without none; the page says: L2"),
    (GUARDS.replace("fences=True", ""), "something is wrong with all guards in place: found in"),
    (STATES.replace("34", "35"), "': 13 35': there are 13 34 states"),
    (STATES.replace(": 13 34", "13 34"), "'13 34': expected key=value ... : COUNT COUNT"),
    (f"```{{protocol}} {HERE}:none\n```\n", "no attribute 'none'"),
]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what is said of a page on which everything is wrong."""
    folder = tmp_path_factory.mktemp("site")
    text = "# Page\n\n" + "\n".join(part for part, _ in WRONG)
    code, errors, _ = build(folder, index=INDEX, limits=GOOD, protocols=text)
    assert code != 0
    return errors


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_is_not_as_the_page_says_fails_the_build(number: int, errors: str) -> None:
    before = "\n".join(part for part, _ in WRONG[:number])
    line = 3 + before.count("\n") + (number > 0)
    told = [text for text in errors.splitlines() if f"protocols.md:{line}:" in text]
    assert len(told) == 1
    assert WRONG[number][1] in told[0]


def figure(program, memory: Memory) -> ElementTree.Element:  # type: ignore[no-untyped-def]
    answer = decide(program, memory)
    return drawn(lanes.draw(program, rows(answer), ending(answer), "A schedule"))


def test_a_figure_has_a_box_for_each_row_and_each_change() -> None:
    root = figure(counting(locked=False), Memory.SC)
    shown = texts(root)
    assert {"CPU0 each0", "CPU1 each1", "memory"} <= set(shown)
    assert shown.count("count = 5") == 1
    assert {"1", "2", "3", "4"} <= set(shown)
    assert "TEST-3: an addition is lost (count = 5)" in " ".join(shown)
    # Each box has one that hides what is behind it.
    assert len(boxes(root)) == 2 * (1 + 4 + 2 + 1)


def test_a_store_that_waits_is_joined_to_where_it_becomes_visible() -> None:
    root = figure(store_buffering(), Memory.TSO)
    lines = [
        e for e in root.iter() if e.tag.endswith("}line") and "stroke-dasharray" not in e.attrib
    ]
    (line,) = lines
    assert line.get("x1") == line.get("x2")
    assert float(line.get("y1", "0")) < float(line.get("y2", "0"))


def test_every_text_fits_its_box() -> None:
    for root in (figure(store_buffering(), Memory.TSO), figure(counting(locked=False), Memory.TSO)):
        width = float(root.get("width", "0"))
        assert all(right <= width for _, right in boxes(root))


def test_a_schedule_without_a_row_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="without a row"):
        lanes.draw(publish(), [], "", "Nothing")


def test_a_result_that_took_long_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explored.places, "checkout", lambda: tmp_path)
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return 7

    assert [explored.kept("quick", compute) for _ in range(2)] == [7, 7]
    assert len(calls) == 2
    monkeypatch.setattr(explored, "WORTH_KEEPING", -1.0)
    assert [explored.kept("slow", compute) for _ in range(2)] == [7, 7]
    assert len(calls) == 3
    assert explored.kept("other", compute) == 7
    assert len(calls) == 4
    for file in (tmp_path / "build" / "interleave").iterdir():
        file.write_bytes(b"broken")
    assert explored.kept("slow", compute) == 7
    assert len(calls) == 5


def test_answers_are_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explored.places, "checkout", lambda: tmp_path)
    monkeypatch.setattr(explored, "WORTH_KEEPING", -1.0)
    first = explored.answered(store_buffering(), Memory.TSO)
    again = explored.answered(store_buffering(), Memory.TSO)
    assert again is not first
    assert rows(again) == rows(first)
    verdicts = explored.examined(store_buffering(fences=True))
    assert [v.guard.name for v in explored.examined(store_buffering(fences=True))] == [
        v.guard.name for v in verdicts
    ]


def test_arguments() -> None:
    asked = explored.question("a.b:c x=1 without=G1 y=z model=sc without=G2")
    assert asked == explored.Question("a.b:c", (("x", "1"), ("y", "z")), Memory.SC, ("G1", "G2"))
    assert asked.command() == "mmuspec why a.b:c -p x=1 -p y=z --without G1 --without G2 --model sc"
    book = explored.question("mmuspec.interleave.protocols.split_spte:split_spte")
    assert book.command() == "mmuspec why split-spte"
    with pytest.raises(ParameterError):
        explored.question("a.b:c model=weak")


def test_a_line_of_source(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("def f():\n    if x:  # why: because\n        pass\n")
    assert source_line(str(file), 2) == "if x"
    assert source_line(str(file), 9) == ""
    assert source_line("<text>", 1) == ""
    assert not re.search("#", source_line(str(file), 2))
