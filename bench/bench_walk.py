"""How much quicker the kernel walks than the walk that is written to be read.

Both do the same walks in the same process, so the ratio means something on a
busy machine too; the absolute numbers are of this machine at this moment.
"""

import json
import time
from collections.abc import Callable
from random import Random

import numpy as np

from mmuspec.fast.walk import FlatMemory, Words, walk_many
from mmuspec.x86.controls import Controls
from mmuspec.x86.entry import RW, US, P
from mmuspec.x86.memory import PhysicalMemory
from mmuspec.x86.mode import LONG4
from mmuspec.x86.walk import walk

WALKS = 5_000
ROUNDS = 5
TABLES = 64


def tables(rng: Random) -> Words:
    """Return 4-level tables, all entries present, each leading to a random table."""
    words: Words = np.zeros(TABLES * 512, np.uint64)
    for index in range(512, len(words)):
        words[index] = rng.randrange(1, TABLES) << 12 | P | RW | US
    return words


def copy_of(words: Words) -> PhysicalMemory:
    """Return the same contents as the plain walk's memory."""
    memory, flat = PhysicalMemory(), FlatMemory(words)
    for address in range(0, 8 * len(words), 8):
        memory.write(address, flat.read(address, 8), 8)
    return memory


def best(run: Callable[[], object]) -> float:
    """Return the least time of a few rounds, in seconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure() -> dict[str, float]:
    """Return microseconds per walk of both, and their ratio."""
    rng = Random(1)
    words, controls = tables(rng), Controls(cr3=0x1000)
    memory = copy_of(words)
    linears = [rng.getrandbits(LONG4.linear_bits - 1) for _ in range(WALKS)]
    accesses = [rng.choice([0, 2, 4, 6]) for _ in range(WALKS)]
    many = np.array(linears, np.uint64), np.array(accesses, np.uint64)
    walk_many(words, controls, *many)  # compiles
    asked = list(zip(linears, accesses, strict=True))
    plain = best(lambda: [walk(memory, controls, *one) for one in asked]) / WALKS
    fast = best(lambda: walk_many(words, controls, *many)) / WALKS
    return {
        "plain_us": round(plain * 1e6, 3),
        "fast_us": round(fast * 1e6, 4),
        "ratio": round(plain / fast, 1),
    }


def main() -> None:
    """Print one line: a JSON object."""
    print(json.dumps({"bench": "walk", **measure()}))


if __name__ == "__main__":
    main()
