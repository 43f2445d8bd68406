"""The tests that say which rules they show."""

import ast
from dataclasses import dataclass
from pathlib import Path

from mmuspec.rules import places


@dataclass(frozen=True)
class Test:
    """A test with ``@pytest.mark.rule(...)``; ``file`` is relative to the checkout."""

    __test__ = False  # not for pytest to collect

    file: str
    line: int
    name: str


def naming(root: Path | None = None) -> dict[str, list[Test]]:
    """Return, for each rule id, the tests that are marked with it.

    The sources are read, not imported.

    :param root: the checkout; without one, that of the running package, which may have none
    """
    root = root or places.checkout()
    found: dict[str, list[Test]] = {}
    for path in sorted(root.glob("tests/**/test_*.py")) if root else []:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                test = Test(str(path.relative_to(root or path)), node.lineno, node.name)
                for ident in (i for mark in node.decorator_list for i in _ids(mark)):
                    found.setdefault(ident, []).append(test)
    return found


def _ids(mark: ast.expr) -> list[str]:
    """Return the ids in one decorator, if it is the marker."""
    if not isinstance(mark, ast.Call) or ast.unparse(mark.func) != "pytest.mark.rule":
        return []
    return [str(arg.value) for arg in mark.args if isinstance(arg, ast.Constant)]
