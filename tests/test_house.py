"""The rooms of the house, and which of them may import which."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mmuspec

PACKAGE = Path(mmuspec.__file__).parent

ROOMS = (
    "x86", "events", "epochs", "kvm", "contract", "scenario", "fast", "interleave", "trace",
    "conform", "monitor", "rules", "review", "site", "cli",
)  # fmt: skip
"""A room imports only those before it."""

ANYTHING = ("site", "cli", "__main__")
MODEL = ROOMS[: ROOMS.index("fast")]
"""The rooms that need nothing but the standard library."""

MODULES = {
    ".".join(["mmuspec", *path.relative_to(PACKAGE).with_suffix("").parts]): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imported(module: str, source: str) -> Iterator[str]:
    """Yield the full names of the modules that *source* imports, wherever it does so."""
    package = (
        module.removesuffix(".__init__")
        if module.endswith(".__init__")
        else module.rpartition(".")[0]
    )
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            )
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            if name == "mmuspec":
                yield from (f"mmuspec.{alias.name}" for alias in node.names)


def misplaced(module: str, source: str) -> list[str]:
    """Return the imports of *module* that the house does not allow."""
    room = module.split(".")[1]
    bad = []
    for name in imported(module, source):
        root, *rest = name.split(".")
        there = rest[0] if rest else ""
        if root in ("numpy", "numba", "llvmlite"):
            allowed = room == "fast"
        elif root != "mmuspec" or there not in ROOMS or there == room:
            allowed = root == "mmuspec" or root in sys.stdlib_module_names or room not in MODEL
        elif there == "cli":
            allowed = room == "__main__"
        else:
            allowed = room in ANYTHING or (room in ROOMS and ROOMS.index(there) < ROOMS.index(room))
        if not allowed:
            bad.append(name)
    return bad


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_rooms_above_it(module: str) -> None:
    assert misplaced(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_module_stands_in_a_room(module: str) -> None:
    assert module.split(".")[1] in (*ROOMS, "__init__", "__main__")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mmuspec.x86.walk", "from mmuspec.kvm import vm"),
        ("mmuspec.x86.walk", "import mmuspec.events"),
        ("mmuspec.kvm.zap", "from mmuspec.contract import checks"),
        ("mmuspec.kvm.state.page", "from ...contract import checks"),
        ("mmuspec.kvm.zap", "from mmuspec import rules"),
        ("mmuspec.kvm.zap", "def f():\n    import numpy"),
        ("mmuspec.kvm.zap", "import markdown_it"),
        ("mmuspec.trace.compare", "import numpy"),
        ("mmuspec.site.rule", "from mmuspec.cli import main"),
        ("mmuspec.rules.read", "from mmuspec.review import patch"),
    ],
)
def test_what_is_misplaced_is_seen(module: str, source: str) -> None:
    assert misplaced(module, source) != []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mmuspec.kvm.zap", "from mmuspec.x86.entry import P\nimport dataclasses"),
        ("mmuspec.kvm.state.page", "from ..zap import all\nfrom ...epochs import v3_11"),
        ("mmuspec.fast.kernels", "import numpy, numba\nfrom mmuspec.kvm import vm"),
        ("mmuspec.site.draw", "from mmuspec.kvm import vm\nimport sphinx"),
        ("mmuspec.cli.rules", "from mmuspec.cli import common\nfrom mmuspec import __version__"),
    ],
)
def test_what_is_in_place_is_let_pass(module: str, source: str) -> None:
    assert misplaced(module, source) == []


def test_the_model_runs_on_the_standard_library_alone() -> None:
    names = ["mmuspec"]
    names += [m.removesuffix(".__init__") for m in MODULES if m.split(".")[1] in MODEL]
    program = (
        f"import importlib, sys\nold = set(sys.modules)\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - old}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) - sys.stdlib_module_names == {"mmuspec"}


def test_importing_the_package_imports_none_of_its_rooms() -> None:
    program = "import sys, mmuspec\nprint(*(m for m in sys.modules if m.startswith('mmuspec.')))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
