import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmuspec.cli import CLOSED_PIPE, main
from tests.rules.chapter import GOOD, folder

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return str(folder(tmp_path, limits=GOOD))


def test_the_table(spec: str, capsys: Capture) -> None:
    assert main(["rules", "--spec", spec]) == 0
    assert capsys.readouterr().out == (
        "RULE   SINCE  CHAPTER  EXAMPLES  MUTANTS  STATEMENT\n"
        "LIM-1  v3.10  limits   1         1        "
        "A number is below the limit only if it is less\n"
    )


def test_json(spec: str, capsys: Capture) -> None:
    assert main(["rules", "--json", "--spec", spec]) == 0
    (rule,) = json.loads(capsys.readouterr().out)
    assert rule["id"] == "LIM-1"
    assert rule["until"] is None
    assert (rule["chapter"], rule["line"]) == ("spec/limits.md", 3)
    assert rule["symbols"] == ["kvm_mmu_get_page", "FNAME(fetch)"]
    assert rule["claims"] == ["CLAIM-42"]
    assert rule["examples"] == [{"chapter": "spec/limits.md", "line": 21}]
    assert rule["mutants"] == [
        {"id": "LIM-1/too-far", "target": "tests.rules.toy:below_limit", "line": 28}
    ]


def test_no_rules_is_an_empty_array(tmp_path: Path, capsys: Capture) -> None:
    assert main(["rules", "--json", "--spec", str(folder(tmp_path, page="# P\n"))]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_problems_are_told_and_the_rest_is_listed(tmp_path: Path, capsys: Capture) -> None:
    spec = folder(tmp_path, limits=GOOD.replace(":since: v3.10\n", ""))
    assert main(["rules", "--spec", str(spec)]) == 2
    out, err = capsys.readouterr()
    assert "LIM-1" in out
    assert err == "spec/limits.md:3: rule LIM-1: field 'since' is missing or empty\n"


def test_a_folder_that_is_not_there(capsys: Capture) -> None:
    assert main(["rules", "--spec", "/no/such/folder"]) == 2
    assert capsys.readouterr().err == "mmuspec rules: /no/such/folder: no such folder of chapters\n"


def test_the_real_chapters_are_listed(capsys: Capture) -> None:
    assert main(["rules", "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), list)


def test_explain(spec: str, capsys: Capture) -> None:
    assert main(["explain", "lim-1", "--spec", spec]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[:3] == [
        "LIM-1       A number is below the limit only if it is less",
        "            spec/limits.md:3",
        "",
    ]
    assert "Effect      tells: below, or not # no comment in one word\n" in out
    assert "CLAIM-42    hash lookup compares and skips obsolete pages\n" in out
    assert "Prose about `LIM-1`.\n\nA second paragraph.\n" in out
    assert "Example, spec/limits.md:21\n    >>> below_limit(2)\n    True\n" in out
    assert "    +    if number <= LIMIT + slack:\n" in out


def test_explain_is_never_wider_than_a_mail(tmp_path: Path, capsys: Capture) -> None:
    long = "a word and another " * 20
    text = GOOD.replace(":reads: LIMIT", f":reads: {long}").replace(
        ">>> below_limit(2)", f">>> below_limit(2)  # {long}"
    )
    text = text.replace("A second paragraph.", long + "\n\n- " + long + "\n\n" + "x" * 200)
    assert main(["explain", "LIM-1", "--spec", str(folder(tmp_path, limits=text))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 78
    assert "".join(lines).count("x" * 70) == 2


def test_explain_two(spec: str, capsys: Capture) -> None:
    assert main(["explain", "LIM-1", "LIM-1", "--json", "--spec", spec]) == 0
    assert [rule["id"] for rule in json.loads(capsys.readouterr().out)] == ["LIM-1", "LIM-1"]


def test_an_unknown_id_names_the_nearest(spec: str, capsys: Capture) -> None:
    assert main(["explain", "LIM-7", "--spec", spec]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "mmuspec explain: no rule 'LIM-7'; nearest are LIM-1\n")


def test_no_command_prints_help(capsys: Capture) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert "usage: mmuspec" in out
    assert all(f"    {name} " in out for name in ("rules", "explain", "run"))


def test_an_unknown_command_is_bad_input(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    text = GOOD + "\n".join(
        GOOD.replace("LIM-1", f"LIM-{n}").replace("# Limits", "") for n in range(2, 400)
    )
    spec = folder(tmp_path, limits=text)
    command = [sys.executable, "-m", "mmuspec", "rules", "--json", "--spec", str(spec)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == CLOSED_PIPE
