"""No example may be silently untested."""

import doctest
import re
from pathlib import Path

import pytest
from sybil.document import Document
from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser

from mmuspec.rules import Example, read
from mmuspec.rules.fences import Fence, fences
from mmuspec.rules.parse import is_python

REGISTRY = read()

LOOKS_LIKE_PYTHON = re.compile(
    r"(py|python\d?|pycon|ipython\d?|pytb)\b|\{\.?(python|testcode|code-cell|eval-rst)", re.I
)
HIDES_OR_SKIPS = re.compile(
    r"^\s*(%|<!--+)\s*;?\s*((invisible-)?code(-block)?|skip|clear-namespace)\b", re.M
)


def untested(text: str) -> list[int]:
    """Return the lines of what looks like Python and is not run, or not shown."""
    bad = [fence.line for fence in fences(text) if looks_like_python(fence) and not runs(fence)]
    bad += [text.count("\n", 0, m.start()) + 1 for m in HIDES_OR_SKIPS.finditer(text)]
    outside = re.sub(r"(?ms)^\s*(`{3,}|~{3,}).*?^\s*\1", "", text)
    bad += [0 for line in outside.split("\n") if line.lstrip().startswith(">>>")]
    return bad


def looks_like_python(fence: Fence) -> bool:
    language = fence.argument if fence.directive in ("", "code-block", "code") else ""
    return bool(
        LOOKS_LIKE_PYTHON.match(language)
        or LOOKS_LIKE_PYTHON.match("{" + fence.directive)
        or fence.content.lstrip().startswith(">>>")
    )


def runs(fence: Fence) -> bool:
    return fence.directive == "doctest" or is_python(fence)


def sybil_lines(path: Path) -> list[int]:
    """Return the lines of what sybil would run."""
    document = Document.parse(str(path), DocTestDirectiveParser(), PythonCodeBlockParser())
    return [example.line for example in document.examples()]


def our_lines(example: Example) -> list[int]:
    """Return the lines at which sybil should start a part of *example*: a session has many."""
    if not example.source.startswith(">>>"):
        return [example.line]
    parts = doctest.DocTestParser().get_examples(example.source)
    return [example.first + part.lineno for part in parts]


@pytest.mark.parametrize("chapter", REGISTRY.chapters)
def test_whatever_looks_like_python_runs(chapter: str) -> None:
    assert untested(REGISTRY.path(chapter).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("chapter", REGISTRY.chapters)
def test_the_tests_run_the_same_examples_as_the_evidence(chapter: str) -> None:
    ours = [line for example in REGISTRY.examples_in(chapter) for line in our_lines(example)]
    assert sybil_lines(REGISTRY.path(chapter)) == ours


@pytest.mark.parametrize(
    "text",
    [
        "```pycon\n>>> 1\n1\n```",
        "```py\nx = 1\n```",
        "```python3\nx = 1\n```",
        "```\n>>> 1\n```",
        "```text\n>>> 1\n```",
        "```{code-block} pycon\n>>> 1\n```",
        "```{testcode}\nx = 1\n```",
        "```{code-cell} ipython3\nx = 1\n```",
        "```python {.attrs}\nx = 1\n```",
        "````{note}\n```pycon\n>>> 1\n```\n````",
        "Text.\n\n>>> 1\n1\n",
        "% invisible-code-block: python\n% x = 1\n",
        "<!-- skip: next -->\n",
    ],
)
def test_what_would_not_run_is_seen(text: str) -> None:
    assert untested(text) != []


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```",
        "~~~python\nx = 1\n~~~",
        "```{code-block} python\n:emphasize-lines: 1\nx = 1\n```",
        "```{doctest} ZAP-1\n>>> 1\n1\n```",
        "````{note}\n```python\n>>> 1\n1\n```\n````",
        "```c\nint x;\n```",
        "% a comment\n",
    ],
)
def test_what_runs_is_let_pass(text: str) -> None:
    assert untested(text) == []
