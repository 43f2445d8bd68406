from pathlib import Path

import pytest

from mmuspec.rules import RulesError, checked, problems, read
from tests.rules.chapter import GOOD, folder


def test_a_good_chapter_has_no_problem(tmp_path: Path) -> None:
    assert checked(folder(tmp_path, limits=GOOD)).rules[0].id == "LIM-1"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("kvm_mmu_get_page", "kvm_mmu_get_pge", 3, "did you mean kvm_mmu_get_page"),
        ("FNAME(fetch)", "FNAME(fetches)", 3, "did you mean FNAME(fetch)"),
        ("CLAIM-42", "CLAIM-66", 3, "no claim 'CLAIM-66'"),
        ("C1 would not hold", "all is lost", 3, "names no clause of the contract"),
        ("C1 would not hold", "C7 would not hold", 3, "names no clause of the contract"),
        (":since: v3.10", ":since: 3.11", 3, "not a kernel version"),
        (":since: v3.10", ":since: v3.10\n:until: later", 3, "not a kernel version"),
        ("kvm_mmu_get_page", "is_obsolete_sp", 3, "no kernel between 'since' and 'until'"),
        ("{doctest} LIM-1", "{doctest} LIM-2", 21, "did you mean LIM-1"),
        ("{doctest} LIM-1", "{doctest}", 3, "no example shows it"),
        ("LIM-1/too-far", "LIM-2/too-far", 3, "no mutant breaks it"),
        ("LIM-1/too-far", "LIM-2/too-far", 28, "breaks rule 'LIM-2', which no chapter has"),
    ],
)
def test_meaning(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    text = GOOD.replace(old, new, 1)
    if "between" in words:
        text = text.replace(":since: v3.10", ":since: v2.6\n:until: v3.11")
    assert text != GOOD
    with pytest.raises(RulesError) as caught:
        checked(folder(tmp_path, limits=text))
    assert any(p.line == line and words in p.text for p in caught.value.problems), caught.value


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    registry = read(folder(tmp_path, first=GOOD, second=GOOD))
    texts = [str(problem) for problem in problems(registry)]
    assert "spec/second.md:3: id LIM-1 is taken by spec/first.md:3" in texts
    assert "spec/second.md:28: id LIM-1/too-far is taken by spec/first.md:28" in texts


def test_a_mutant_stands_beside_its_rule(tmp_path: Path) -> None:
    head, _, mutant = GOOD.partition("```{mutant}")
    other = "# Other\n\n```{mutant}" + mutant
    found = problems(read(folder(tmp_path, limits=head, other=other)))
    assert "mutant LIM-1/too-far belongs beside its rule, in spec/limits.md" in found[0].text
