"""How long `mmuspec conform` takes for all recordings of the repository, on two processors."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROMISE = 60
PROCESSES = 2


def main() -> int:
    """Print the time and the rate; return 1 if the promise is missed."""
    command = [sys.executable, "-m", "mmuspec", "conform", "data/recordings"]
    command += ["--processes", str(PROCESSES)]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    took = time.perf_counter() - started
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    lines = done.stdout.splitlines()
    counts = " ".join(lines[-2:]) if lines[-1].startswith(" ") else lines[-1]
    print(" ".join(counts.split()))
    mark = "" if took <= PROMISE else "  MISSED"
    what = f"all recordings, {PROCESSES} processes"
    print(f"{what:<30}{took:8.2f} s   promised {PROMISE} s{mark}")
    return int(bool(mark))


if __name__ == "__main__":
    sys.exit(main())
