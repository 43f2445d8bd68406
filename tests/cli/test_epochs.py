import json

import pytest

from mmuspec.cli import main
from mmuspec.epochs import EPOCHS
from mmuspec.epochs.describe import clauses

Capture = pytest.CaptureFixture[str]


def test_all_versions(capsys: Capture) -> None:
    assert main(["epochs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == ("kernel versions: v3.10, v3.11, v5.10, v6.1; the chapters are about v3.11")
    assert (
        "Shadow pages                            v3.10       v3.11       v5.10       v6.1" in lines
    )
    at = lines.index(
        "  pte_list_ext                          3           3           3           14"
    )
    assert lines[at + 1] == "    Sptes in one descriptor of a reverse map (PTE_LIST_EXT)."
    (bug,) = (line for line in lines if line.startswith("  BUG-4 "))
    assert bug.split() == ["BUG-4", "yes", "yes", "yes", "no", "v5.15"]


def test_a_long_value_stands_beside_the_versions_that_have_it(capsys: Capture) -> None:
    assert main(["epochs"]) == 0
    out = capsys.readouterr().out
    assert (
        "  zap_generation\n"
        "      v3.10: there is none: every page is zapped under one hold of mmu_lock\n"
        "      v3.11: an unsigned long that grows\n"
        "      v5.10, v6.1: a byte that alternates between 0 and 1\n"
        "    How the page generation moves when all pages are zapped.\n"
    ) in out


def test_two_versions(capsys: Capture) -> None:
    assert main(["epochs", "v3.10", "v3.11"]) == 0
    out = capsys.readouterr().out
    assert "reports_check_mmio_spte" in out
    assert "pte_list_ext" not in out
    assert "Role words" not in out
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("  QUIRK")] == [
        ["QUIRK-7", "no", "yes"]
    ]


def test_a_version_does_not_differ_from_itself(capsys: Capture) -> None:
    assert main(["epochs", "v6.1", "v6.1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_one_version(capsys: Capture) -> None:
    assert main(["epochs", "v6.1"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {clause.name}" in out for clause in clauses())
    assert "0x3701" in out
    assert "BUG-4" not in out


def test_json(capsys: Capture) -> None:
    assert main(["epochs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["versions"] == list(EPOCHS)
    assert told["default"] == "v3.11"
    assert [clause["name"] for clause in told["clauses"]] == [clause.name for clause in clauses()]
    generation = next(c for c in told["clauses"] if c["name"] == "generation")
    assert generation["topic"] == "MMIO sptes and the slots"
    assert generation["values"]["v5.10"]["high_shift"] == 54
    assert told["facts"]["roles"]["NPT, root"]["v6.1"] == "0x3784"
    assert told["facts"]["generations"]["all bits"]["v3.11"] == "0x3ff0000000000ff8"
    (bug,) = [defect for defect in told["defects"] if defect["name"] == "BUG-1"]
    assert bug["present"] == {"v3.10": True, "v3.11": True, "v5.10": False, "v6.1": False}
    assert bug["repaired_in"] == "v5.10"


@pytest.mark.parametrize("versions", [["v4.19"], ["v3.11", "4.19"]])
def test_an_unknown_version(versions: list[str], capsys: Capture) -> None:
    assert main(["epochs", *versions]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"mmuspec epochs: no epoch {versions[-1]!r}; "
        "the model speaks for v3.10, v3.11, v5.10, v6.1\n",
    )


def test_three_versions_are_too_many(capsys: Capture) -> None:
    assert main(["epochs", "v3.10", "v3.11", "v6.1"]) == 2
    assert "two versions can be compared, not 3" in capsys.readouterr().err
