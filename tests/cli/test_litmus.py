"""The command ``mmuspec litmus``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmuspec.cli import CLOSED_PIPE, main
from mmuspec.cli import litmus as command

Capture = pytest.CaptureFixture[str]

SB = """X86 SB
(* Result: {} *)
{{}}
 P0          | P1          ;
 MOV [x],$1  | MOV [y],$1  ;
 MOV EAX,[y] | MOV EAX,[x] ;
exists (0:EAX=0 /\\ 1:EAX=0)
"""
LONG = (
    """X86 long
{}
 P0 | P1 | P2 | P3 | P4 ;
"""
    + " LOCK INC [x] | LOCK INC [x] | LOCK INC [x] | LOCK INC [x] | LOCK INC [x] ;\n" * 40
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.litmus").write_text(SB.format("Sometimes"))
    return tmp_path


def test_a_file_as_expected(folder: Path, capsys: Capture) -> None:
    assert main(["litmus", str(folder / "good.litmus")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Test SB Allowed\nStates 4\n0:EAX=0; 1:EAX=0;\n")
    assert "\nObservation SB Sometimes 1 3\nTime SB " in out
    assert out.endswith("\n\n")
    assert err == ""


def test_a_file_that_expects_something_else(folder: Path, capsys: Capture) -> None:
    bad = folder / "bad.litmus"
    bad.write_text(SB.format("Never"))
    assert main(["litmus", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert out.count("Observation SB Sometimes 1 3") == 2
    assert err == f"mmuspec litmus: {bad}: expected Never, found Sometimes\n"
    assert main(["litmus", str(bad), "--model", "sc"]) == 0


def test_bad_files_among_good_ones(folder: Path, capsys: Capture) -> None:
    (folder / "a.litmus").write_text("")
    (folder / "b.litmus").write_bytes(bytes(range(256)))
    (folder / "c.litmus").write_text("X86 c\n{}\n P0;\n PUSH EAX;\n")
    (folder / "d.litmus").write_text("X86 d\n{}\n P0;\n MOV EAX;\n")
    (folder / "e.litmus").write_text("X86 e\n{}\n P0;\n MFENCE;\nexists " + "(" * 50_000)
    assert main(["litmus", str(folder), str(folder / "none")]) == 2
    out, err = capsys.readouterr()
    assert out.count("Observation") == 1
    assert err.splitlines() == [
        f"mmuspec litmus: {folder}/a.litmus:1:1: expected a first line such as 'X86 SB': "
        "architecture and name",
        f"mmuspec litmus: {folder}/b.litmus: this is no litmus file: it is not text",
        f"mmuspec litmus: {folder}/c.litmus:4:2: not modelled: the instruction PUSH",
        f"mmuspec litmus: {folder}/d.litmus:4:9: expected ',', found ';'",
        f"mmuspec litmus: {folder}/e.litmus:5:109: expected at most 100 claims within each other, "
        "found '('",
        f"mmuspec litmus: {folder}/none: No such file or directory",
    ]


def test_the_time_limit(folder: Path, capsys: Capture) -> None:
    file = folder / "long.litmus"
    file.write_text(LONG)
    assert main(["litmus", str(file), "--timeout", "0.05"]) == 124
    assert capsys.readouterr().err == (
        f"mmuspec litmus: {file}: not decided in 0.05 seconds; give more with --timeout\n"
    )
    assert main(["litmus", str(file), "x", "--timeout", "0.05"]) == 2


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_a_time_limit_that_is_none(seconds: str, capsys: Capture) -> None:
    assert main(["litmus", "x", "--timeout", seconds]) == 2
    assert "expected a number of seconds above 0" in capsys.readouterr().err


def test_an_error_of_our_own(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(command, "ask", broken)
    assert main(["litmus", str(folder), "none"]) == 3
    err = capsys.readouterr().err
    assert "good.litmus: an error of mmuspec:" in err
    assert "ZeroDivisionError: oh" in err


def test_json(folder: Path, capsys: Capture) -> None:
    assert main(["litmus", str(folder / "good.litmus"), "none", "--json"]) == 2
    good, bad = json.loads(capsys.readouterr().out)
    assert bad == {"file": "none", "code": 2, "problem": "none: No such file or directory"}
    assert good.pop("seconds") >= 0
    assert good == {
        "file": str(folder / "good.litmus"),
        "code": 0,
        "problem": "",
        "test": "SB",
        "arch": "X86",
        "model": "tso",
        "condition": "exists (0:EAX=0 /\\ 1:EAX=0)",
        "ok": True,
        "observation": "Sometimes",
        "expected": "Sometimes",
        "positive": 1,
        "negative": 3,
        "counted": "executions",
        "states": [{"0:EAX": a, "1:EAX": b} for a in (0, 1) for b in (0, 1)],
    }


def test_a_reader_that_goes_away(folder: Path) -> None:
    for number in range(40):
        (folder / f"{number}.litmus").write_text(SB.format("Sometimes"))
    run = subprocess.Popen(
        [sys.executable, "-m", "mmuspec", "litmus", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.stderr.read() == b""
    run.stderr.close()
    assert run.wait() == CLOSED_PIPE


def test_files_in_c(folder: Path, capsys: Capture) -> None:
    text = """C SB+c

(*
 * Result: Sometimes
 *)

{}

P0(int *x, int *y)
{
	int r0;

	WRITE_ONCE(*x, 1);
	r0 = READ_ONCE(*y);
}

P1(int *x, int *y)
{
	int r0;

	WRITE_ONCE(*y, 1);
	r0 = READ_ONCE(*x);
}

exists (0:r0=0 /\\ 1:r0=0)
"""
    (folder / "c.litmus").write_text(text)
    assert main(["litmus", str(folder / "c.litmus")]) == 0
    assert "Observation SB+c Sometimes 1 3" in capsys.readouterr().out
