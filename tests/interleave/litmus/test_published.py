"""The litmus tests whose verdicts are published: all of them agree."""

import re
from pathlib import Path

import pytest

from mmuspec.interleave.litmus.answer import Outcome, ask
from mmuspec.interleave.litmus.files import read_litmus
from mmuspec.interleave.program import Memory, Quantifier

FOLDER = Path(__file__).parents[3] / "data" / "litmus" / "x86"
FILES = sorted(FOLDER.glob("*.litmus"))
OLD = ("SDM-8-%d", range(1, 11)), ("n%d", range(1, 9))


def outcomes(file: Path) -> tuple[Outcome, Outcome]:
    litmus = read_litmus(file.read_text(encoding="utf-8"), str(file))
    assert litmus.name == file.stem
    return ask(litmus, Memory.TSO), ask(litmus, Memory.SC)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_verdict_is_the_published_one(file: Path) -> None:
    tso, sc = outcomes(file)
    assert tso.expected is not None
    assert tso.observation == tso.expected
    assert sc.as_expected
    assert set(sc.states) <= set(tso.states)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_names_its_source(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert re.search(r"^ \* Verdict: \S", text, re.MULTILINE)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 90


def test_what_tso_adds_to_sc_is_said_of_both() -> None:
    """Where only TSO allows something, the file says so of SC too."""
    for file in FILES:
        tso, sc = outcomes(file)
        if tso.observation != sc.observation:
            assert sc.litmus.quantifier is Quantifier.EXISTS
            assert dict(sc.litmus.expected)["sc"] == "Never", file


def test_the_classical_ones_are_there() -> None:
    names = {file.stem for file in FILES}
    wanted = {pattern % number for pattern, numbers in OLD for number in numbers}
    wanted |= {"SB", "MP", "LB", "S", "R", "2+2W", "WRC", "RWC", "IRIW", "podwr000", "podwr001"}
    wanted |= {"amd3", "amd5", "amd6", "amd10", "iwp2.1", "iwp2.2", "iwp2.3.a", "iwp2.3.b"}
    wanted |= {"iwp2.4", "iwp2.5", "iwp2.6", "iwp2.7", "iwp2.8.a", "iwp2.8.b", "n4b"}
    assert wanted <= names
