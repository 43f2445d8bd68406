from pathlib import Path

import pytest

from mmuspec.rules import read
from mmuspec.rules.parse import split_fields
from tests.rules.chapter import GOOD, folder


def test_a_rule_is_read_whole(tmp_path: Path) -> None:
    registry = read(folder(tmp_path, limits=GOOD))
    (rule,) = registry.rules
    assert registry.problems == ()
    assert (rule.id, rule.title) == ("LIM-1", "A number is below the limit only if it is less")
    assert (rule.chapter, rule.line, rule.page) == ("spec/limits.md", 3, "limits")
    assert rule.effect == "tells: below, or not # no comment in one word"
    assert rule.symbols == ("kvm_mmu_get_page", "FNAME(fetch)")
    assert rule.body == "Prose about {rule}`LIM-1`.\n\nA second paragraph."
    assert [example.line for example in rule.examples] == [21]
    assert [mutant.id for mutant in rule.mutants] == ["LIM-1/too-far"]


def test_examples_are_in_order_with_their_lines(tmp_path: Path) -> None:
    lines = GOOD.split("\n")
    for example in read(folder(tmp_path, limits=GOOD)).examples:
        assert lines[example.first - 1] == example.source.split("\n")[0]


def test_options_of_a_code_block_are_not_its_source(tmp_path: Path) -> None:
    text = "```{code-block} python\n:emphasize-lines: 1\nx = 1\n```\n"
    (example,) = read(folder(tmp_path, page=text)).examples
    assert (example.line, example.first, example.source) == (1, 3, "x = 1\n")


def test_examples_inside_directives_and_lists_are_found(tmp_path: Path) -> None:
    text = "````{note}\n```python\nx = 1\n```\n````\n\n- item\n\n  ```python\n  y = 2\n  ```\n"
    found = read(folder(tmp_path, page=text)).examples
    assert [(e.line, e.source) for e in found] == [(2, "x = 1\n"), (9, "y = 2\n")]


def test_what_is_shown_as_text_is_not_run(tmp_path: Path) -> None:
    text = "````markdown\n```python\nx = 1\n```\n````\n\n```text\n>>> 1\n```\n"
    assert read(folder(tmp_path, page=text)).examples == ()


def test_chapters_come_in_the_order_of_the_index(tmp_path: Path) -> None:
    index = "# Index\n\n```{toctree}\nzebra\nant\n```\n"
    registry = read(folder(tmp_path, index=index, ant="# A\n", zebra="# Z\n", bee="# B\n"))
    names = [chapter.removeprefix("spec/").removesuffix(".md") for chapter in registry.chapters]
    assert names == ["zebra", "ant", "bee", "index"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("{rule} LIM-1", "{rule} lim1", 3, "'lim1' is not LETTERS-NUMBER"),
        (" A number is below the limit only if it is less", "", 3, "no statement"),
        (":reads: LIMIT\n", "", 3, "'reads' is missing"),
        (":reads: LIMIT", ":reads:", 3, "'reads' is missing or empty"),
        (":requires:", ":require:", 5, "unknown field 'require'"),
        (":requires: nothing", ":reads: twice", 5, "'reads' is given twice"),
        ("LIM-1/too-far", "LIM-1", 28, "'LIM-1' is not RULE/some-words"),
        ("tests.rules.toy:below_limit", "below_limit", 28, "is not module:name"),
    ],
)
def test_malformed(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    problems = read(folder(tmp_path, limits=GOOD.replace(old, new))).problems
    assert words in str(problems[0])
    assert str(problems[0]).startswith(f"spec/limits.md:{line}: ")


def test_fields_may_be_all_there_is() -> None:
    assert split_fields(":a: 1\n:b: 2\n") == ([("a", "1", 0), ("b", "2", 1)], "", 2)
    assert split_fields("Prose: not a field.") == ([], "Prose: not a field.", 0)
    assert split_fields(":a: 1") == ([("a", "1", 0)], "", 1)


def test_ids_are_found_in_any_case_and_near_ones_suggested(tmp_path: Path) -> None:
    registry = read(folder(tmp_path, limits=GOOD))
    assert registry.rule("lim-1") is registry.rules[0]
    assert registry.rule("LIM-2") is None
    assert registry.nearest("LIM-9") == ["LIM-1"]
    assert registry.nearest("XYZ-100") == []
