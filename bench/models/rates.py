"""Explore a protocol in a fresh process, and again: ``rates.py THREADS PROTOCOL sc|tso NUMBER...``.

Prints a JSON object: seconds by the clock and of the processor for the first exploration (the
kernel is loaded, but no memory was touched) and for the second, the number of states, and by how
many bytes the process grew at most during the first, with what a schedule needs.
"""

import inspect
import json
import sys
import time
from pathlib import Path

import protocols

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.explore import explore_fast

STATUS = Path("/proc/self/status")


def resident(field: str) -> int:
    """Return a size from the process's status in bytes: ``VmRSS``, or its peak ``VmHWM``."""
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) << 10


def explored(program: Program, memory: Memory, threads: int) -> tuple[list[float], Answer]:
    """Return how long it takes to look at all states, and the answer."""
    options = {"threads": threads} if threads > 1 else {}
    started, used = time.perf_counter(), time.process_time()
    answer = explore_fast(program, memory, **options)
    return [time.perf_counter() - started, time.process_time() - used], answer


def main() -> int:
    """Print the figures; return 3 if there is no exploring with so many threads."""
    threads, name, memory, *numbers = sys.argv[1:]
    if int(threads) > 1 and "threads" not in inspect.signature(explore_fast).parameters:
        return 3
    explored(protocols.split_spte(1, 1), Memory(memory), int(threads))
    program = getattr(protocols, name)(*map(int, numbers))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    first, answer = explored(program, Memory(memory), int(threads))
    grown = resident("VmHWM") - before
    warm, _ = explored(program, Memory(memory), int(threads))
    print(json.dumps({"first": first, "warm": warm, "states": answer.states, "bytes": grown}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
