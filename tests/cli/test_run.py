import argparse
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmuspec.cli import BadInput
from mmuspec.cli.run import Witness, add_arguments, compare
from mmuspec.epochs import Epoch
from mmuspec.kvm.state.errors import SlotError
from mmuspec.scenario.read import read_scenario
from mmuspec.scenario.recording import Scenario
from tests.scenario.example import example, recordings
from tests.trace.witness import Step, changed, replay, with_field, without


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "example.json"
    path.write_text(json.dumps(example()))
    return path


def command(witness: Witness, *arguments: Any) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return compare(parser.parse_args(list(map(str, arguments))), witness)


def test_agreement(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(replay, scenario) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == [
        "example, recorded on Linux 6.1.0 (x86_64)",
        "model of v6.1 (the recorded kernel)",
    ]
    assert "# first touch" in out
    assert out[-1].startswith("7 operations: 7 agree, 0 differ; 11 events: 11 equal")
    assert not any(line.startswith("  .") for line in out)


def test_difference(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(changed(3, with_field(1, pte=1)), scenario, "--only-differences") == 1
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("operation")] == [
        "operation 3: read vcpu=0 cpl=0 a=0x40000000: DIFFERS"
    ]
    assert "      pte: model 1, recorded 14007" in out


def test_one_operation(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    witness = changed(3, without(0))
    assert command(witness, scenario, "--operation", 2) == 0
    assert command(witness, scenario, "--operation", 4) == 0
    capsys.readouterr()
    assert command(witness, scenario, "--operation", 3) == 1
    out = capsys.readouterr().out
    assert "operation 4" not in out
    assert "1 operations: 0 agree, 1 differ" in out


def test_context(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(replay, scenario, "--context")
    assert "  . fn:kvm_mmu_sync_roots:" in capsys.readouterr().out.splitlines()


def test_json(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(changed(3, without(1)), scenario, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["scenario"], found["epoch"]) == ("example", "v6.1")
    assert [operation["agree"] for operation in found["operations"]].index(False) == 2
    row = found["operations"][2]["events"][1]
    assert (row["status"], row["model"]) == ("only-recorded", None)
    assert found["summary"]["events"]["only-recorded"] == 1
    assert command(replay, scenario, "--json", "--only-differences") == 0
    assert json.loads(capsys.readouterr().out)["operations"] == []


def test_the_epoch_is_said_and_why(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command(replay, scenario, "--epoch", "v5.10")
    assert "model of v5.10 (as asked)" in capsys.readouterr().out
    value = example()
    value["lab"]["kernel"] = "Linux 5.4.0"
    other = tmp_path / "other.json"
    other.write_text(json.dumps(value))
    command(replay, other)
    assert "model of v3.11 (the default: the recorded kernel is not" in capsys.readouterr().out


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO(gzip.compress(json.dumps(example()).encode()))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))
    assert command(replay, "-") == 0


def test_bad_input(scenario: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    value = example()
    del value["ops"][3]["a"]
    bad.write_text(json.dumps(value))
    with pytest.raises(BadInput, match=r"bad.json: operation 4: a: expected this field"):
        command(replay, bad)
    with pytest.raises(BadInput, match=r"--epoch: no epoch 'v9.9'; the model speaks for v3.10,"):
        command(replay, scenario, "--epoch", "v9.9")
    with pytest.raises(BadInput, match=r"--operation 8: .* has operations 1 to 7"):
        command(replay, scenario, "--operation", 8)


def test_an_operation_that_the_model_refuses(scenario: Path) -> None:
    def refusing(what: Scenario, epoch: Epoch) -> Iterator[Step]:
        for step in replay(what, epoch):
            if step.operation.n == 5:
                raise SlotError("no slot 1")
            yield step

    with pytest.raises(BadInput, match=r"example.json: operation 5: no slot 1"):
        command(refusing, scenario)


def chosen_recordings() -> list[Path]:
    return [path for path in recordings() if path.name.startswith(("a-", "d-", "k-recycle"))]


@pytest.mark.parametrize("path", chosen_recordings(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_replayed_recording_agrees(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(replay, path, "--only-differences") == 0
    count = len(read_scenario(path).steps)
    assert f"{count} operations: {count} agree, 0 differ" in capsys.readouterr().out
