"""What the guide to `mmuspec why` shows is what the command prints."""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmuspec.cli import main

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, str]]:
    """Yield each command in the guide, and what it is shown to print."""
    for block in CONSOLE.findall((ROOT / "docs" / "why.md").read_text(encoding="utf-8")):
        for part in re.split(r"^\$ mmuspec ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.mark.parametrize(("command", "output"), list(commands()))
def test_a_guide_shows_what_is_printed(
    command: str,
    output: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(command)) in (0, 1)
    printed = capsys.readouterr().out
    check = doctest.OutputChecker()
    options = doctest.ELLIPSIS
    assert check.check_output(output, printed, options), printed


def test_guides_show_commands() -> None:
    assert len(list(commands())) > 5
