"""What the site shows of kernel versions."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mmuspec.epochs import V3_11, V5_10
from mmuspec.epochs.describe import rows
from mmuspec.site.figures import bitfield
from mmuspec.site.figures.bitfield import Layout
from mmuspec.site.figures.epochs import layouts
from mmuspec.x86.entry import Field
from tests.rules.chapter import GOOD
from tests.site.test_build import build, words

PAGE = "# Versions\n\n```{epoch-diff} v3.11 v5.10\n```\n\n```{epoch-defects}\n```\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = "# Index\n\n```{toctree}\nlimits\nversions\nevidence\n```\n"
    path = tmp_path_factory.mktemp("site")
    code, errors, out = build(path, index=index, limits=GOOD, versions=PAGE)
    assert (code, errors) == (0, "")
    return out


def test_every_difference_of_the_pair_is_in_the_table(site: Path) -> None:
    page = (site / "versions.html").read_text()
    for row in rows([V3_11, V5_10]):
        assert f">{row.clause.name}</span>" in page
    assert "present_bit" not in page
    text = words(page)
    assert "bits 0-8 at 3-11, bits 9-18 at 52-61 bits 0-8 at 3-11, bits 9-17 at 54-62" in text
    assert "Role word: NPT, root 0x1e004 0x3794" in text


def test_every_defect_is_in_the_table(site: Path) -> None:
    text = words((site / "versions.html").read_text())
    assert "BUG-4 every indirect shadow page gets the rights above the leaf" in text
    assert "rights above the leaf yes yes yes no v5.15" in text


def test_a_rule_shows_its_marks_and_what_each_version_made_of_it(site: Path) -> None:
    text = words((site / "limits.html").read_text())
    assert "since v3.10 v3.10 shown v3.11 shown v5.10 shown v6.1 shown" in text


def test_the_matrix_has_a_column_for_each_version(site: Path) -> None:
    text = words((site / "evidence.html").read_text())
    assert "Examples v3.10 v3.11 v5.10 v6.1 Mutants" in text
    assert "limits 2 shown shown shown shown too far" in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":since: v3.10", ":since: v3.11", "its examples hold in v3.10, too"),
        ("# Limits\n", "# Limits\n\n```{epoch-diff} v3.11 v4.19\n```\n", "no epoch 'v4.19'"),
    ],
)
def test_what_is_wrong_fails_the_build(tmp_path: Path, old: str, new: str, message: str) -> None:
    code, errors, _ = build(tmp_path, limits=GOOD.replace(old, new))
    assert code != 0
    assert message in errors
    assert "limits.md:" in errors


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("role", ["v3.11: 0xdc011", "v5.10: 0x3711", "v6.1: 0x3701", "has_4_byte_gpte"]),
        ("leaf", ["v3.11: 0x100004c27", "v5.10: 0x100004c67", "v6.1: 0x100004e67", "MP"]),
        ("mmio", ["v3.11: 0xffffff00fee00b57", "v5.10: 0x380000fee00017", "gen high"]),
    ],
)
def test_layouts_are_drawn_for_each_version(kind: str, told: list[str]) -> None:
    drawing = layouts(kind)
    texts = [element.text for element in ElementTree.fromstring(drawing).iter()]
    assert set(told) <= set(texts)
    assert len(re.findall(r"v\d+\.\d+: 0x", drawing)) == 3


def test_compared_layouts_stand_below_each_other() -> None:
    fields = [Field("P", 0, 0, "present")]
    drawing = bitfield.compare([Layout("one", fields, 1), Layout("two", fields, 0)], "both")
    tops = [float(y) for y in re.findall(r'<text x="1" y="([\d.]+)"', drawing)]
    assert len(tops) == 2
    assert tops == sorted(tops)
    assert drawing.count("<rect") == 2 * len(re.findall("<rect", bitfield.draw(fields, value=1)))
