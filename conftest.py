"""Every example of the chapters and of the docstrings is a test (sybil)."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.integration.pytest import SybilItem
from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser
from sybil.typing import Parser

from mmuspec.rules.run import OPTIONS

ROOT = Path(__file__).parent


def parsers() -> list[Parser]:
    # No parser for skipping, hiding or resetting: what a chapter shows is what runs.
    return [
        DocTestDirectiveParser(optionflags=OPTIONS),
        PythonCodeBlockParser(doctest_optionflags=OPTIONS),
    ]


chapters = Sybil(parsers(), patterns=["spec/*.md"], name="spec")
docstrings = Sybil(
    parsers(),
    patterns=["src/mmuspec/*.py", "src/mmuspec/*/*.py", "src/mmuspec/*/*/*.py"],
    document_types={".py": PythonDocStringDocument},
    name="docstring",
)
pytest_collect_file = (chapters + docstrings).pytest()

_evaluated: set[tuple[str, int]] = set()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Make one example runnable alone: first replay those before it in its document."""
    if not isinstance(item, SybilItem):
        return
    here = item.example
    for earlier in here.document.examples():
        if earlier.start >= here.start:
            break
        if (earlier.path, earlier.start) not in _evaluated:
            _evaluated.add((earlier.path, earlier.start))
            try:
                earlier.evaluate()
            except Exception:  # it has (or will have) a report of its own
                continue
    _evaluated.add((here.path, here.start))


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Refuse a test that claims to show a rule that there is not."""
    named = {
        ident: item.nodeid
        for item in items
        for mark in item.iter_markers("rule")
        for ident in mark.args
    }
    if named:
        from mmuspec.rules import read

        known = {rule.id for rule in read().rules}
        for ident, where in named.items():
            if ident not in known:
                raise pytest.UsageError(f"{where} names rule {ident!r}, which no chapter has")
