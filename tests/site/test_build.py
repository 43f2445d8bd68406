"""Pages built by Sphinx from small chapters."""

import re
from contextlib import redirect_stderr
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from sphinx.cmd.build import main as sphinx_build

from mmuspec.rules.parse import read
from mmuspec.site.draw import argument
from tests.rules.chapter import GOOD, folder

FIGURE = "\n```{draw} tests.site.figure:entry\n:args: 0x1, A title\n\nThe `caption`.\n```\n"
INDEX = "# Index\n\n```{toctree}\nlimits\nevidence\n```\n"
EVIDENCE = "# Evidence\n\nSee {rule}`LIM-1`.\n\n```{evidence-matrix}\n```\n"
CONF = "extensions = ['myst_parser', 'mmuspec.site']\nhtml_theme = 'basic'\n"


def build(tmp_path: Path, **pages: str) -> tuple[int, str, Path]:
    """Build a site of *pages*; return the exit code, the messages and the folder of pages."""
    spec = folder(tmp_path, **({"index": INDEX, "evidence": EVIDENCE} | pages))
    (spec / "conf.py").write_text(CONF)
    out = tmp_path / "html"
    messages = StringIO()
    with redirect_stderr(messages):
        code = sphinx_build(["-q", "-n", "-W", "--keep-going", str(spec), str(out)])
    return code, messages.getvalue(), out


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    code, errors, out = build(tmp_path_factory.mktemp("site"), limits=GOOD + FIGURE)
    assert (code, errors) == (0, "")
    return out


def words(html: str) -> str:
    """Return the text of a page, tags and white space reduced to single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def test_a_rule_is_a_box_with_its_fields(site: Path) -> None:
    page = (site / "limits.html").read_text()
    assert 'id="rule-lim-1"' in page
    text = words(page)
    assert "LIM-1 A number is below the limit only if it is less" in text
    assert "Effect: tells: below, or not # no comment in one word" in text
    assert "CLAIM-42, hash lookup compares and skips obsolete pages" in text
    assert "Prose about LIM-1. A second paragraph." in text


def test_evidence_is_linked_from_the_box(site: Path) -> None:
    page = (site / "limits.html").read_text()
    for anchor in ("example-2", "mutant-lim-1-too-far"):
        assert f'href="#{anchor}"' in page
        assert f'id="{anchor}"' in page


def test_a_mutant_tells_what_catches_it(site: Path) -> None:
    text = words((site / "limits.html").read_text())
    assert "Broken on purpose: too far, in tests.rules.toy:below_limit" in text
    assert "Caught by example limits 2: expected 'False', got 'True'" in text


def test_an_example_tells_what_it_shows(site: Path) -> None:
    assert "shows LIM-1" in words((site / "limits.html").read_text())


def test_a_figure_is_drawn_in_place(site: Path) -> None:
    page = (site / "limits.html").read_text()
    assert "<title>A title</title>" in page
    assert "The caption." in words(page)


def test_the_matrix_has_every_rule_and_every_claim(site: Path) -> None:
    page = (site / "evidence.html").read_text()
    assert 'href="limits.html#rule-lim-1"' in page
    assert "1 rules, 2 examples, 1 of 1 mutants caught." in words(page)
    assert "too far (caught by line 24)" in words(page)
    assert page.count("CLAIM-") == 65


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        (":since: v3.10\n", "", 3, "field 'since' is missing"),
        ("number <= LIMIT", "number < LIMIT", 28, "mutant LIM-1/too-far"),
        ("(2)\nTrue", "(2)\nFalse", 22, "the example fails: expected 'False', got 'True'"),
        ("{rule}`LIM-1`", "{rule}`LIM-9`", 0, "rule reference target not found: LIM-9"),
        ("A second", "```{draw} tests.site.figure:broken\n```\n\nA second", 0, "something else"),
        ("A second", "```{draw} tests.site.figure:none\n```\n\nA second", 0, "no attribute 'none'"),
    ],
)
def test_what_is_wrong_fails_the_build(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    code, errors, _ = build(tmp_path, limits=GOOD.replace(old, new))
    assert code != 0
    assert message in errors
    assert f"limits.md:{line or ''}" in errors


def test_two_rules_with_one_id_fail_the_build(tmp_path: Path) -> None:
    index = INDEX.replace("limits", "limits\nagain")
    code, errors, _ = build(tmp_path, index=index, limits=GOOD, again=GOOD)
    assert code != 0
    assert re.search(r"again\.md:3: WARNING: id LIM-1 is taken by spec/limits\.md:3", errors)


def test_arguments_of_a_figure() -> None:
    assert argument("0x10") == 16
    assert argument("word") == "word"
    assert argument("mmuspec.rules.parse:read") is read
