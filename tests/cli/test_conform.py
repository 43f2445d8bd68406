import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

import mmuspec.conform.pool
from mmuspec.cli import main
from mmuspec.conform.findings import Allowed
from mmuspec.conform.html import page
from mmuspec.conform.pool import compare_all
from tests.scenario.example import RECORDINGS

SIMPLE = RECORDINGS / "linux-6.1" / "a-simple-long4.json.gz"
TDP = RECORDINGS / "linux-6.1" / "tdp-a-simple.json.gz"
DAMAGED = 4
"""The operation that is damaged."""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    value = json.loads(gzip.decompress(SIMPLE.read_bytes()))
    events = value["ops"][DAMAGED - 1]["events"]
    next(e for e in events if e["e"] == "kvm_mmu_paging_element")["pte"] = "14006"
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps(value))
    return path


def conform(*arguments: Any) -> int:
    return main(["conform", *map(str, arguments)])


def test_agreement(capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(SIMPLE) == 0
    out = capsys.readouterr().out
    assert "61 of 61 operations agree; allowed:" in " ".join(out.split())
    assert out.splitlines()[-1].startswith("1 recordings compared; 61 of 61 operations agree")


def test_a_difference_is_explained(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(damaged) == 1
    out = capsys.readouterr().out.splitlines()
    assert any("60 of 61 operations agree" in line for line in out)
    [at] = [n for n, line in enumerate(out) if line.startswith(f"  operation {DAMAGED}: ")]
    assert out[at + 1 : at + 6] == [
        "    ! kvm_mmu_paging_element pte",
        "        expected  14007",
        "        recorded  14006",
        "        accepted  kvm_mmu_paging_element pte 14007 level 4",
        "        rule      WALK-1: An access is judged by the rights of all entries of the walk "
        "together",
    ]


def test_for_machines(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(SIMPLE, damaged, TDP, "--json") == 1
    value = json.loads(capsys.readouterr().out)
    assert (value["operations"], value["agree"]) == (122, 121)
    assert value["allowances"].keys() == {allowance.name.lower() for allowance in Allowed}
    good, bad, tdp = value["scenarios"]
    assert (good["agree"], good["differences"]) == (good["operations"], [])
    assert tdp["not_modelled"]
    [difference] = bad["differences"]
    assert (
        difference.items()
        >= {
            "operation": DAMAGED,
            "event": "kvm_mmu_paging_element",
            "field": "pte",
            "expected": "14007",
            "recorded": "14006",
            "rule": "WALK-1",
        }.items()
    )


def test_a_folder_is_searched_and_its_index_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    below = tmp_path / "kernel" / "deeper"
    below.mkdir(parents=True)
    (below / "b.json.gz").write_bytes(SIMPLE.read_bytes())
    (tmp_path / "a.json").write_bytes(gzip.decompress(SIMPLE.read_bytes()))
    (tmp_path / "index.json").write_text("[]")
    (tmp_path / "params.txt").write_text("npt=0")
    assert conform(tmp_path, "--json") == 0
    files = [each["file"] for each in json.loads(capsys.readouterr().out)["scenarios"]]
    assert files == [str(tmp_path / "a.json"), str(below / "b.json.gz")]


def test_the_tdp_mmu_is_answered_and_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(TDP) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "not compared: made with the TDP MMU, which is not modelled" in out
    assert "0 of 0 operations agree" in out


def other_kernel(content: bytes) -> bytes:
    return content.replace(b"6.1.0-56-amd64 6.1.192-2", b"4.4.0-1-amd64 4.4.6-1")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("cut.json.gz", SIMPLE.read_bytes()[:2000], "a whole gzip file"),
        ("text.json", b"hello", "JSON; line 1 of 1, column 1"),
        ("list.json", b"[]", "expected"),
        ("old.json", other_kernel(gzip.decompress(SIMPLE.read_bytes())), "kernel that is modelled"),
    ],
)
def test_bad_input_is_one_line_and_the_rest_is_compared(
    name: str, content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert conform(path, SIMPLE) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith(f"mmuspec conform: {path}: ")
    assert told in line
    assert "61 of 61 operations agree" in captured.out


def test_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "index.json").write_text("[]")
    assert conform(tmp_path, tmp_path / "none") == 2
    empty, missing = capsys.readouterr().err.splitlines()
    assert "in this folder; there is none" in empty
    assert "there is nothing" in missing


def test_differences_weigh_less_than_unreadable_input(damaged: Path, tmp_path: Path) -> None:
    assert conform(damaged, tmp_path / "none") == 2


def test_an_internal_error_hides_no_other_file(
    damaged: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path, *, timeline: bool) -> Any:
        if path == damaged:
            raise ZeroDivisionError("nobody expected this")
        return examine(path, timeline=timeline)

    examine = mmuspec.conform.pool.examine
    monkeypatch.setattr(mmuspec.conform.pool, "examine", broken)
    assert conform(damaged, SIMPLE) == 3
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert re.search(r"internal error at test_conform\.py:\d+: ZeroDivisionError", line)
    assert "61 of 61 operations agree" in captured.out


def test_the_processes_give_what_one_gives() -> None:
    files = [SIMPLE, TDP, RECORDINGS / "linux-5.10" / SIMPLE.name, Path("nowhere.json")]
    assert list(compare_all(files, processes=2)) == list(compare_all(files, processes=1))


def test_the_page_stands_alone(damaged: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    assert conform(damaged, TDP, "--html", path) == 1
    text = path.read_text()
    assert not re.search(r"""(?:src|href)=(?!["']?data:)|@import|url\(|fetch\(|@[A-Z]+@""", text)
    assert "WALK-1" in text
    assert len(text) < 60_000
    again = page(list(compare_all([damaged, TDP], timelines=True)), lambda rule: "")
    assert again.count("\n") == text.count("\n")


def test_a_page_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conform(SIMPLE, "--html", tmp_path) == 2
    assert "--html" in capsys.readouterr().err
