"""A toy for the explorer: counters that go up one by one, so that everything is known.

The CPUs' "code" is a row of numbered places; each step goes on to the next.
"""

from mmuspec.fast.explorer.context import NEVER
from mmuspec.fast.explorer.model import SECOND, CpuModel, Entry, Group, Model

ALL = (1 << 128) - 1
BITS = 6
LAST = (1 << BITS) - 1
"""Each counter goes from 0 to here."""


class Grid:
    """Answers for *counters* counters; *high* shadows the first one in the second half."""

    def __init__(self, counters: int, high: bool = False) -> None:
        self.counters, self.high = counters, high
        self.asked: list[tuple[int, int, int]] = []

    def entry(self, cpu: int, number: int, key: int) -> Entry | None:
        self.asked.append((cpu, number, key))
        mask = LAST << cpu * BITS
        put = number + 1 << cpu * BITS
        if self.high and cpu == 0:
            return Entry(ALL & ~(mask | LAST << SECOND), put | number + 1 << SECOND)
        return Entry(ALL & ~mask, put)

    def holds(self, claim: int, key: int) -> bool:
        """Tell whether the first counter is below 50."""
        return key & LAST < 50

    def buffers(self, cpu: int) -> list[tuple[Entry, Entry]]:
        return [(Entry(ALL, 0), Entry(ALL, 0))]


def grid(oracle: Grid, claims: tuple[int, ...] = ()) -> Model:
    """Return what the explorer is told."""
    groups = tuple(Group(0, oracle.high * LAST << SECOND) for _ in range(LAST))
    cpus = [
        CpuModel(number * BITS, BITS, (*groups, Group(NEVER))) for number in range(oracle.counters)
    ]
    everything = (1 << BITS * oracle.counters) - 1
    return Model(
        wide=oracle.high,
        initial=0,
        cpus=tuple(cpus),
        oracle=oracle,
        claims=claims,
        end_mask=everything,
        end_value=everything,
        divide=everything,
    )
