import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mmuspec
from mmuspec.x86 import entry, pferr, reserved, walk

pytest.importorskip("numba", reason="numba, which compiles the kernels, is not installed")

from mmuspec.fast import kernels

PACKAGE = Path(mmuspec.__file__).parent

COMPILE = """
import numpy as np
from mmuspec.fast import kernels
from mmuspec.fast.walk import walk_many
from mmuspec.x86.controls import Controls
walk_many(np.zeros(4096, np.uint64), Controls(), [0], [0])
floats, missing = [], []
for name, function in vars(kernels).items():
    if not hasattr(function, "overloads"):
        continue
    if not function.overloads:
        missing.append(name)
    for result in function.overloads.values():
        for variable, kind in result.type_annotation.typemap.items():
            if "float" in str(kind) or "complex" in str(kind):
                floats.append((name, variable, str(kind)))
print("never called:", missing, "floats:", floats)
"""
NO_JIT = """
import numpy as np, warnings
warnings.simplefilter("error")
from mmuspec.fast import kernels
from mmuspec.fast.walk import walk_many
from mmuspec.x86.controls import Controls
words = np.zeros(4096, np.uint64)
words[512], words[1024], words[1536] = 0x2007, 0x3007, 0x80000000000000e7
walks = walk_many(words, Controls(cr3=0x1000), [0x123456], [2])
print(type(kernels.walk_many).__name__, walks.result(0))
"""


def run(code: str, cache: Path, **environment: str) -> str:
    """Run *code* in a fresh process: a cached kernel has no types to look at."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(PACKAGE.parent)}
    env = {**env, "MMUSPEC_NO_JIT": "0", **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_no_kernel_goes_through_a_float(tmp_path: Path) -> None:
    """A 64-bit entry that passes through a float loses its low bits, silently.

    Only kernels that COMPILE calls have types to look at, so it must call each.
    """
    assert run(COMPILE, tmp_path) == "never called: [] floats: []"


def test_kernels_run_uncompiled_too(tmp_path: Path) -> None:
    shown = run(NO_JIT, tmp_path, MMUSPEC_NO_JIT="1")
    assert shown.startswith("function Translation(physical=1193046, level=2, ")


def test_no_cache_folder_is_no_obstacle(tmp_path: Path) -> None:
    """With nowhere to keep compiled code, kernels are compiled all the same."""
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from mmuspec.fast.jit import kernel\n"
        "print(kernel(lambda a, b: a + b)(40, 2))"
    )
    assert run(code, tmp_path) == "42"


def test_constants_are_those_of_the_specification() -> None:
    for name in ("P", "RW", "US", "A", "D", "G", "XD", "ADDRESS_MASK"):
        assert int(getattr(kernels, name)) == getattr(entry, name), name
    assert int(kernels.CODE_P) == pferr.Pferr.P
    assert int(kernels.CODE_W) == pferr.Pferr.W
    assert int(kernels.CODE_RSVD) == pferr.Pferr.RSVD
    assert int(kernels.EXTENSION_SHIFT) == reserved.PSE36_TARGET - reserved.PSE36_LOW
    assert int(kernels.CANONICAL_TOP) == walk.CANONICAL_TOP


def imports(path: Path) -> set[str]:
    """Return the top-level packages that a module imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_numba_and_numpy_are_met_in_one_room_only() -> None:
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        if imports(path) & {"numba", "numpy"}
    }
    assert users == {"fast"}


def test_kernels_import_nothing_of_the_specification() -> None:
    """What they import could change without the compiled form being replaced."""
    tree = ast.parse((PACKAGE / "fast" / "kernels.py").read_text(encoding="utf-8"))
    ours = [
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert ours == ["jit"]
