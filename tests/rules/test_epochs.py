"""Marks are recomputed, not trusted."""

from dataclasses import replace
from pathlib import Path

import pytest

from mmuspec.epochs import EPOCHS
from mmuspec.rules import Registry, read
from mmuspec.rules.epochs import Run, Status, false_marks, outcomes, run_everywhere, statuses
from mmuspec.rules.evidence import collect
from tests.rules.chapter import GOOD, folder

HELD = ">>> below_limit(2)\nTrue\n>>> below_limit(3)\nFalse\n"

EVERYWHERE = ">>> 1 + 1\n2\n"
NOT_V3_10 = ">>> current().zap_generation is not ZapGeneration.NONE\nTrue\n"
UNTIL_V5_10 = ">>> current().pte_list_ext + len(current().role_layout)\n12\n"
ONLY_V3_11 = ">>> str(current())\n'v3.11'\n"


def chapter(session: str, *, since: str, until: str = "", epochs: str = "") -> str:
    text = GOOD.replace(HELD, session).replace(
        "from tests.rules.toy import below_limit",
        "from mmuspec.epochs import ZapGeneration, current",
    )
    fields = f":since: {since}"
    fields += f"\n:until: {until}" if until else ""
    fields += f"\n:epochs: {epochs}" if epochs else ""
    return text.replace(":since: v3.10", fields)


def registry(tmp_path: Path, text: str) -> Registry:
    return read(folder(tmp_path, limits=text))


def judged(found: Registry) -> list[str]:
    runs = run_everywhere("spec/limits.md", found.examples_in("spec/limits.md"))
    return [problem.text for problem in false_marks(found, runs)]


@pytest.mark.parametrize(
    ("session", "marks"),
    [
        (EVERYWHERE, {"since": "v3.10"}),
        (NOT_V3_10, {"since": "v3.11"}),
        (UNTIL_V5_10, {"since": "v3.10", "until": "v5.10"}),
        (UNTIL_V5_10, {"since": "v3.10", "until": "v3.14"}),
        (ONLY_V3_11, {"since": "v3.11", "until": "v5.10"}),
        (ONLY_V3_11, {"since": "v3.11", "epochs": "another name later"}),
        (ONLY_V3_11, {"since": "v3.10", "epochs": "another name at other times"}),
    ],
)
def test_true_marks(tmp_path: Path, session: str, marks: dict[str, str]) -> None:
    assert judged(registry(tmp_path, chapter(session, **marks))) == []


@pytest.mark.parametrize(
    ("session", "marks", "words"),
    [
        (EVERYWHERE, {"since": "v3.11"}, "'since' is v3.11, but its examples hold in v3.10, too"),
        (EVERYWHERE, {"since": "v3.10", "until": "v6.1"}, "but its examples still hold in v6.1"),
        (EVERYWHERE, {"since": "v3.10", "until": "v3.14"}, "'until' is v3.14, but its examples"),
        (ONLY_V3_11, {"since": "v3.11"}, "say in 'epochs' what is different in v5.10: "),
        (UNTIL_V5_10, {"since": "v3.10"}, "spec/limits.md:22: expected '12', got '14'"),
        (NOT_V3_10, {"since": "v3.10"}, "say in 'epochs' what is different in v3.10: "),
        (
            NOT_V3_10,
            {"since": "v3.14"},
            "v3.10 is not as v3.11: spec/limits.md:22: expected 'True'",
        ),
        (EVERYWHERE, {"since": "v5.15"}, "'since' is v5.15, but v6.1 breaks it, as v3.11 does"),
    ],
)
def test_false_marks(tmp_path: Path, session: str, marks: dict[str, str], words: str) -> None:
    texts = judged(registry(tmp_path, chapter(session, **marks)))
    assert any(words in text for text in texts), texts
    assert all(text.startswith("rule LIM-1: ") for text in texts)


def test_a_rule_must_hold_in_the_version_that_is_said_to_begin_it(tmp_path: Path) -> None:
    found = registry(tmp_path, chapter(EVERYWHERE, since="v3.11"))
    runs = run_everywhere("spec/limits.md", found.examples_in("spec/limits.md"))
    failed = [run if run.epoch != "v3.11" else _failed(run) for run in runs]
    assert "fail there: spec/limits.md:23: as told" in "".join(
        problem.text for problem in false_marks(found, failed)
    )


def _failed(run: Run) -> Run:
    return replace(run, line=23, how="as told")


def test_a_rule_that_the_books_version_breaks(tmp_path: Path) -> None:
    found = registry(tmp_path, chapter(UNTIL_V5_10, since="v5.10"))
    runs = run_everywhere("spec/limits.md", found.examples_in("spec/limits.md"))
    assert list(false_marks(found, runs)) == []
    assert list(statuses(found.rules[0], runs).values()) == [Status.BROKEN] * 2 + [Status.KEPT] * 2


def test_statuses(tmp_path: Path) -> None:
    found = registry(tmp_path, chapter(ONLY_V3_11, since="v3.11", epochs="another name"))
    runs = run_everywhere("spec/limits.md", found.examples_in("spec/limits.md"))
    assert statuses(found.rules[0], runs) == {
        "v3.10": Status.ABSENT,
        "v3.11": Status.SHOWN,
        "v5.10": Status.DIFFERENT,
        "v6.1": Status.DIFFERENT,
    }
    first = outcomes(found.rules[0], runs)
    assert first is not None
    assert first["v3.11"] is None
    assert (v6 := first["v6.1"]) is not None
    assert (v6.line, v6.how) == (23, "expected \"'v3.11'\", got \"'v6.1'\"")


def test_all_examples_of_a_rule_have_to_hold(tmp_path: Path) -> None:
    text = chapter(EVERYWHERE, since="v3.11") + f"\n```{{doctest}} LIM-1\n{NOT_V3_10}```\n"
    assert judged(registry(tmp_path, text)) == []


def test_what_precedes_an_example_runs_under_its_epoch(tmp_path: Path) -> None:
    text = chapter(">>> name\n'v3.11'\n", since="v3.11", until="v5.10")
    text = text.replace("ZapGeneration, current", "current\n\nname = str(current())")
    assert judged(registry(tmp_path, text)) == []


def test_without_runs_nothing_is_judged(tmp_path: Path) -> None:
    found = registry(tmp_path, chapter(EVERYWHERE, since="v3.11"))
    assert list(false_marks(found, [])) == []
    assert set(statuses(found.rules[0], []).values()) == {Status.UNKNOWN}


def test_marks_that_are_no_versions_are_left_to_the_check_of_fields(tmp_path: Path) -> None:
    found = registry(tmp_path, chapter(EVERYWHERE, since="later"))
    runs = run_everywhere("spec/limits.md", found.examples_in("spec/limits.md"))
    assert len(runs) == len(EPOCHS)
    assert list(false_marks(found, runs)) == []
    assert set(statuses(found.rules[0], runs).values()) == {Status.UNKNOWN}


def test_a_false_mark_is_evidence_against_the_chapters(tmp_path: Path) -> None:
    spec, cache = folder(tmp_path, limits=chapter(EVERYWHERE, since="v3.11")), tmp_path / "kept"
    for _ in range(2):  # the second time from what was kept
        texts = [problem.text for problem in collect(read(spec), cache=cache).problems]
        assert any("its examples hold in v3.10, too" in text for text in texts)


def test_a_chapter_without_rules_is_not_run_again(tmp_path: Path) -> None:
    found = registry(tmp_path, "# Plain\n\n```{doctest}\n>>> 1\n1\n```\n")
    assert run_everywhere("spec/limits.md", found.examples) == []


def test_a_chapter_whose_data_are_not_installed_has_no_evidence(tmp_path: Path) -> None:
    skip = "```python\nfrom unittest import SkipTest\n\nraise SkipTest('no data')\n```\n"
    text = GOOD.replace("# Limits\n", f"# Limits\n\n{skip}")
    found = collect(registry(tmp_path, text), cache=tmp_path / "kept")
    assert found.problems == found.verdicts == found.runs == ()


def test_what_fails_before_the_skip_is_still_told(tmp_path: Path) -> None:
    skip = "```python\nfrom unittest import SkipTest\n\nraise SkipTest('no data')\n```\n"
    text = GOOD.replace("(2)\nTrue", "(2)\nFalse") + "\n" + skip
    (problem,) = collect(registry(tmp_path, text), cache=tmp_path / "kept").problems
    assert "the example fails" in problem.text
