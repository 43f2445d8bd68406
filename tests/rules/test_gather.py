"""Evidence on small chapters."""

import json
from pathlib import Path

import pytest

from mmuspec.rules import read
from mmuspec.rules.evidence import Evidence, collect, gather
from tests.rules.chapter import GOOD, folder
from tests.rules.toy import below_limit


def evidence(tmp_path: Path, text: str, *, seconds: float = 10) -> Evidence:
    return gather(read(folder(tmp_path, limits=text)), "spec/limits.md", seconds=seconds)


def mutants(*bodies: str) -> str:
    head, _, _ = GOOD.partition("```{mutant}")
    fence = "```{{mutant}} LIM-1/number-{} tests.rules.toy:below_limit\n{}\n```\n"
    return head + "\n".join(fence.format(at, body) for at, body in enumerate(bodies))


def test_a_mutant_is_caught_where_the_output_differs(tmp_path: Path) -> None:
    found = evidence(tmp_path, GOOD)
    (verdict,) = found.verdicts
    assert found.problems == ()
    assert verdict.killed
    assert (verdict.example, verdict.line) == (21, 24)
    assert verdict.how == "expected 'False', got 'True'"
    assert not below_limit(3)


def test_a_survivor_is_a_problem(tmp_path: Path) -> None:
    text = mutants("-if number < LIMIT + slack:\n+if number < LIMIT + slack + 0:")
    found = evidence(tmp_path, text)
    assert not found.verdicts[0].killed
    assert str(found.problems[0]).startswith("spec/limits.md:28: mutant LIM-1/number-0 survives")


def test_an_example_that_does_not_name_the_rule_catches_nothing(tmp_path: Path) -> None:
    text = (
        GOOD.replace(">>> below_limit(3)\nFalse\n", "")
        + "\n```python\nassert not below_limit(3)\n```\n"
    )
    assert "survives" in evidence(tmp_path, text).problems[0].text


def test_a_name_error_catches_nothing(tmp_path: Path) -> None:
    text = mutants("-if number < LIMIT + slack:\n+if no_such_name:")
    assert "survives" in evidence(tmp_path, text).problems[0].text


def test_another_exception_does_and_is_named(tmp_path: Path) -> None:
    text = mutants("-if number < LIMIT + slack:\n+if 1 // 0:")
    (verdict,) = evidence(tmp_path, text).verdicts
    assert verdict.how == "raises ZeroDivisionError: integer division or modulo by zero"


def test_an_endless_mutant_is_caught_by_the_time_limit(tmp_path: Path) -> None:
    text = mutants("-if number < LIMIT + slack:\n+while True:\n+    pass\n+if True:")
    (verdict,) = evidence(tmp_path, text, seconds=0.2).verdicts
    assert verdict.killed
    assert verdict.how == "still runs after 0.2 seconds"


def test_an_endless_mutant_that_swallows_exceptions_too(tmp_path: Path) -> None:
    body = (
        "+while True:\n+    try:\n+        pass\n+    except Exception:\n+        pass\n+if True:"
    )
    (verdict,) = evidence(
        tmp_path, mutants("-if number < LIMIT + slack:\n" + body), seconds=0.2
    ).verdicts
    assert verdict.killed


def test_an_example_that_fails_as_it_stands_stops_the_chapter(tmp_path: Path) -> None:
    found = evidence(tmp_path, GOOD.replace("(2)\nTrue", "(2)\nFalse"))
    assert found.verdicts == ()
    (problem,) = found.problems
    assert str(problem) == "spec/limits.md:22: the example fails: expected 'False', got 'True'"


def test_a_mutant_that_does_not_fit_is_a_problem_and_the_others_run(tmp_path: Path) -> None:
    good = "-if number < LIMIT + slack:\n+if True:"
    found = evidence(tmp_path, mutants("-nowhere\n+x", good))
    assert [verdict.mutant for verdict in found.verdicts] == ["LIM-1/number-1"]
    assert "found nowhere" in str(found.problems[0])


def test_an_expected_exception_counts_by_its_name(tmp_path: Path) -> None:
    session = ">>> below_limit('x')\nTraceback (most recent call last):\nTypeError: ...\n"
    text = GOOD.replace(">>> below_limit(2)\nTrue\n>>> below_limit(3)\nFalse\n", session)
    text = text.replace("number <= LIMIT + slack", "int('x') < 1")
    (verdict,) = evidence(tmp_path, text).verdicts
    assert verdict.killed
    assert "ValueError" in verdict.how


def test_results_are_kept_until_the_chapter_changes(tmp_path: Path) -> None:
    spec, cache = folder(tmp_path, limits=GOOD), tmp_path / "evidence.json"
    first = collect(read(spec), cache=cache)
    kept = json.loads(cache.read_text())
    kept["spec/limits.md"]["verdicts"][0]["how"] = "as it was kept"
    cache.write_text(json.dumps(kept))
    assert collect(read(spec), cache=cache).verdicts[0].how == "as it was kept"
    (spec / "limits.md").write_text(GOOD + "\nMore.\n")
    assert collect(read(spec), cache=cache) == first


@pytest.mark.parametrize("text", ["", "not JSON", "[]"])
def test_a_cache_that_cannot_be_read_is_made_anew(tmp_path: Path, text: str) -> None:
    spec, cache = folder(tmp_path, limits=GOOD), tmp_path / "evidence.json"
    cache.write_text(text)
    assert collect(read(spec), cache=cache).verdicts[0].killed
    assert "spec/limits.md" in json.loads(cache.read_text())


def test_of_a_long_output_the_first_different_line_is_told(tmp_path: Path) -> None:
    session = ">>> for n in 2, 3, 4:\n...     print(n, below_limit(n))\n2 True\n3 False\n4 False\n"
    text = GOOD.replace(">>> below_limit(2)\nTrue\n>>> below_limit(3)\nFalse\n", session)
    (verdict,) = evidence(tmp_path, text).verdicts
    assert verdict.how == "expected '3 False', got '3 True'"
