"""How many events a second ``mmuspec check`` reads, judges and remembers, from text on disk.

Two texts: what real kernels printed, over and over for other tasks (the text of many events
repeats, as in a real recording), and the same with other addresses each time (guest entries still
repeat).  Only lines of the MMU's trace points are in them.  The best of a few rounds is told, by
the clock and by processor time, and the greatest memory of the process.  For a measure of the
machine, it is also told how fast the same lines are merely split into their columns.
"""

import gzip
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mmuspec.events import VOCABULARY
from mmuspec.monitor import Checker
from mmuspec.trace.stream import batches

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings" / "linux-6.1"
PROMISED = 200_000
EVENTS = 500_000
ROUNDS = 3

_EVENT = re.compile(r".*\] (\S+) +\d+: (\w+): (.*)")
_ADDRESS = re.compile(r"\b(sptep[: ]|at |gva |addr )([0-9a-f]+)")


def recorded() -> list[list[tuple[str, str, str]]]:
    """Return the events of the MMU of each recording, as (flags, name, text)."""
    paths = sorted(path for path in RECORDINGS.glob("*.trace.gz") if "tdp-" not in path.name)
    found = []
    for path in paths:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        parts = [match.groups() for line in lines if (match := _EVENT.match(line))]
        found.append([part for part in parts if part[1] in VOCABULARY])
    return found


def lines(distinct: bool) -> Iterator[str]:
    """Yield event lines without end; each repetition of a recording is another task."""
    time_stamp, task, recordings = 0, 0, recorded()
    while True:
        for events in recordings:
            task += 1
            for flags, name, text in events:
                time_stamp += 1
                shown = _moved(text, task) if distinct else text
                yield f"{f'vmm-{task}':>16}     [000] {flags} {time_stamp:12}: {name}: {shown}\n"


def _moved(text: str, task: int) -> str:
    """Return *text* with its addresses moved by many tables' size."""
    return _ADDRESS.sub(lambda m: f"{m[1]}{int(m[2], 16) + (task << 13) * 8:x}", text)


def measure(path: Path) -> tuple[float, float, int]:
    """Return the best time in seconds, by the clock and of the processor, and how many events."""
    times = []
    for _ in range(ROUNDS):
        checker, start, used = Checker(), time.perf_counter(), time.process_time()
        for some in batches(str(path)):
            checker.feed(some)
        outcome = checker.finish()
        times.append((time.perf_counter() - start, time.process_time() - used))
    return min(clock for clock, _ in times), min(used for _, used in times), outcome.events


def split_only(path: Path) -> float:
    """Return the best time in seconds to read the lines and split them into columns."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for some in batches(str(path)):
            for line in some:
                line.partition("] ")[2].split(": ", 2)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Print a line of JSON for each text; return 1 if the first is slower than promised."""
    rates = []
    for text in ("recorded", "other addresses"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace"
            with path.open("w") as file:
                for _, line in zip(range(EVENTS), lines(text != "recorded"), strict=False):
                    file.write(line)
            seconds, used, events = measure(path)
            split = split_only(path)
        rates.append(events / seconds)
        told = {
            "bench": "check",
            "text": text,
            "events": events,
            "events_per_second": round(rates[-1]),
            "events_per_processor_second": round(events / used),
            "lines_split_per_second": round(events / split),
            "promised": PROMISED,
            "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }
        print(json.dumps(told), flush=True)
    return 0 if rates[0] >= PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
