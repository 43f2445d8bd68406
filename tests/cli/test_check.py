import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmuspec.cli import CLOSED_PIPE, main
from mmuspec.cli import check as command
from tests.monitor.recordings import FOLDER, change, lines_of

Capture = pytest.CaptureFixture[str]
GOOD = FOLDER / "linux-6.1" / "f-zap-long4.trace.gz"
DAMAGE = change(r"(sp gen 1 .* root 0 sync) new", r"\1 existing")


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    path = tmp_path / "damaged.trace"
    path.write_text("\n".join(DAMAGE(lines_of("linux-6.1/f-zap-long4"))) + "\n")
    return path


def test_a_good_recording(capsys: Capture) -> None:
    assert main(["check", str(GOOD)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{GOOD}: 309 events of the MMU, 354 others, 0 gaps, 0 violations\n"
    assert err == ""


def test_a_violation(damaged: Path, capsys: Capture) -> None:
    assert main(["check", str(damaged)]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith(f"{damaged}:")
    assert "SP-1 (found-was-made): a page of gfn 0x10 was found" in first


def test_json(damaged: Path, capsys: Capture) -> None:
    assert main(["check", "--json", str(GOOD), str(damaged)]) == 1
    told = json.loads(capsys.readouterr().out)
    (one, *_) = told["violations"]
    assert (told["events"], told["gaps"]) == (2 * 309, 0)
    assert (one["file"], one["rule"], one["monitor"]) == (str(damaged), "SP-1", "found-was-made")
    assert "new" in lines_of("linux-6.1/f-zap-long4")[one["line"] - 1]
    assert one["message"]


def test_few_violations_are_shown_and_all_are_counted(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "t"
    text = " a-1 [000] 1.0: check_mmio_spte: spte 0 kvm_gen 1 spte-gen 0 valid 1\n"
    path.write_text(text * 30)
    assert main(["check", "--limit", "2", str(path)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 4
    assert out[2] == f"{path}: 28 more violations"
    assert "30 violations" in out[3]


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(packed: bool, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    data = GOOD.read_bytes()
    stream = io.BufferedReader(io.BytesIO(data if packed else gzip.decompress(data)))  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))
    assert main(["check", "-"]) == 0
    assert capsys.readouterr().out.startswith("standard input: 309 events of the MMU")


@pytest.mark.parametrize(
    ("data", "line", "text"),
    [
        (b"\x17\x08\x44tracing6\0\0", 1, "a binary trace.dat; run `trace-cmd report`"),
        (bytes(range(256)) + bytes(999), 1, "binary data"),
        (b"\x1f\x8bnot gzip at all", 1, "the gzip data end early or are damaged"),
        (b"<html>\n", 1, "not a trace line: '<html>'"),
        (b"a" * 1_000_000, 1, "a line of more than 64 KiB"),
        (b"# tracer: nop\n a-1 [000] 1.0: kvm_mmu_new_thing: x\n", 2, "unknown trace point"),
        (
            b"# tracer: nop\n a-1 [000] 1.0: kvm_mmu_get_page: \n",
            2,
            "kvm_mmu_get_page does not print",
        ),
    ],
)
def test_bad_input(data: bytes, line: int, text: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "bad"
    path.write_bytes(data)
    assert main(["check", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"mmuspec check: {path}:{line}: {text}")
    assert err.count("\n") == 1


def test_gzip_data_that_end_early(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(GOOD.read_bytes()[:4000])
    assert main(["check", str(path)]) == 2
    out, err = capsys.readouterr()
    events = int(out.split()[1])
    assert 100 < events < 309
    assert "0 violations" in out
    assert "the gzip data end early" in err


def test_many_lines_that_cannot_be_read_are_counted(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "t"
    path.write_text("x\n" * 50)
    assert main(["check", "--limit", "3", str(path)]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 4
    assert err[3] == f"mmuspec check: {path}: 47 more lines could not be read"


def test_a_file_that_is_not_there_does_not_hide_the_others(capsys: Capture) -> None:
    assert main(["check", "/no/such/file", str(GOOD)]) == 2
    out, err = capsys.readouterr()
    assert err == "mmuspec check: /no/such/file:1: cannot be opened: No such file or directory\n"
    assert f"{GOOD}: 309 events" in out


def test_a_kernel_that_is_not_modelled(capsys: Capture) -> None:
    assert main(["check", "--kernel", "v4.4", str(GOOD)]) == 2
    assert "--kernel v4.4: not modelled; known versions are v3.10" in capsys.readouterr().err


def test_no_trace_is_asked_for(capsys: Capture) -> None:
    assert main(["check"]) == 2
    assert "no TRACE is given" in capsys.readouterr().err


def test_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(command.Checker, "feed", fail)
    assert main(["check", str(GOOD)]) == 3
    assert "an error of mmuspec" in capsys.readouterr().err


def test_the_list_of_monitors(capsys: Capture) -> None:
    assert main(["check", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["MONITOR", "RULE", "STATEMENT"]
    assert main(["check", "--list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told) == len(lines) - 1
    assert told[0].keys() == {"name", "rule", "statement", "events"}


def test_a_reader_that_goes_away() -> None:
    program = [sys.executable, "-m", "mmuspec", "check", *[str(GOOD)] * 200]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == CLOSED_PIPE
