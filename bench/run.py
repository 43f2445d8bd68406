"""Measure what the project promises about speed, each in processes of its own.

Every line says what was measured, how long it took, and the promise.  The figures are wall
time on the machine that runs this, which is also told.  A missed promise is marked, and the
exit code is 1; nothing in the tests depends on a clock.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = ["-m", "sphinx", "-q", "-n", "-W", "-j", "auto", "-c", "docs"]


def seconds(*arguments: str, cache: Path | None = None) -> float:
    """Return how long ``python *arguments`` takes.

    :param cache: where numba keeps what it compiled; without one, its own place
    :raises SystemExit: when the command fails, with what it printed
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    if cache:
        environment["NUMBA_CACHE_DIR"] = str(cache)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return took


def start_of_python() -> float:
    """Return how long the interpreter alone takes, which no promise includes."""
    return min(seconds("-c", "pass") for _ in range(5))


def measurements(scratch: Path) -> Iterator[tuple[str, float, float]]:
    """Yield (what, seconds, promised seconds)."""
    bare = start_of_python()
    imports = min(seconds("-c", "import mmuspec") for _ in range(5))
    yield "import mmuspec", max(imports - bare, 0.0), 0.15
    model = min(seconds("-c", "import mmuspec.scenario.run") for _ in range(5))
    yield "import the model", max(model - bare, 0.0), 0.15

    examples = ["-m", "pytest", "-q", "spec", "src"]
    yield "doc-tests, nothing compiled", seconds(*examples, cache=scratch / "numba"), 20
    yield "doc-tests", seconds(*examples, cache=scratch / "numba"), 3

    shutil.rmtree(ROOT / "spec" / "apidocs", ignore_errors=True)
    (ROOT / "build" / "evidence.json").unlink(missing_ok=True)
    site = [*SITE, "-d", str(scratch / "doctrees"), "spec", str(scratch / "html")]
    yield "site, from nothing", seconds(*site), 15
    yield "site, nothing changed", seconds(*site), 5

    yield "all tests", seconds("-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"), 90


def main() -> int:
    """Print the measurements; return 1 if a promise is missed."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors")
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for what, took, promise in measurements(Path(scratch)):
            mark = "" if took <= promise else "  MISSED"
            missed += bool(mark)
            print(f"{what:<30}{took:8.2f} s   promised {promise:g} s{mark}", flush=True)
    for script in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n{script.name}", flush=True)
        missed += subprocess.run([sys.executable, str(script)], cwd=ROOT).returncode != 0
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
