"""A search under way: the states that were met, level by level, by one thread or two."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mmuspec.fast.explorer.context import BEFORE, CHECK, EXPAND, STUCK, TARGET
from mmuspec.fast.explorer.machine_code import Kernel
from mmuspec.fast.explorer.model import SECOND, Model, OutOfMemory
from mmuspec.fast.explorer.tables import ONES, TOP, Tables
from mmuspec.fast.explorer.worker import Worker

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

WORTH_IT = 2000
"""From so many states on it pays to wake the other thread."""


class Search:
    """The states met so far. A state goes by its number: that of its thread counts, too.

    :param bound: how many bytes they may take
    :param threads: 1 or 2
    """

    def __init__(
        self, model: Model, tables: Tables, kernel: Kernel, bound: int, threads: int = 1
    ) -> None:
        self.model, self.tables, self.bound = model, tables, bound
        self.threads = threads if model.divide else 1
        self.workers = [
            Worker(model, tables, kernel, bound // self.threads, number, self.threads)
            for number in range(self.threads)
        ]
        for worker, other in zip(self.workers, reversed(self.workers), strict=True):
            worker.wait_for(other)
        self.depth = 0
        self.pool = pool() if self.threads == 2 else None

    @property
    def first(self) -> int:
        """The state in which everything begins."""
        return next(worker.number for worker in self.workers if worker.count)

    def close(self) -> None:
        """Give back the memory and the thread."""
        for worker in self.workers:
            worker.close()
        if self.pool is not None:
            self.pool.shutdown()

    @property
    def count(self) -> int:
        """How many states were met."""
        return sum(worker.count for worker in self.workers)

    def state(self, number: int) -> int:
        """Return a state, packed."""
        return self.workers[number % self.threads].state(number // self.threads)

    def expand(self, report: Callable[[int, int], None]) -> tuple[list[int], int | None]:
        """Take every step from the newest level; the states that are new are the next one.

        :param report: is told how many states there are, and how many of them are new
        :returns: states from which steps lead that break a claim (of the kinds that were
            not met before), and a state that is a deadlock
        :raises OutOfMemory: if there is no room
        """
        before, hits = self.count, list[int]()
        for worker in self.workers:
            worker.begin_level()
        while self.left():
            self.each(lambda worker: worker.go(EXPAND), self.left())
            self.supply()
            for worker in self.workers:
                hits += [self.number(worker, index) for index in worker.take_broken()]
            self.exchange()
            report(self.count, self.count - before)
        if self.count > before:
            self.depth += 1
            for worker in self.workers:
                worker.levels.append(worker.last)
        stuck = [(worker, worker.row[STUCK]) for worker in self.workers]
        deadlocks = [self.number(worker, index) for worker, index in stuck if index != ONES]
        return hits, deadlocks[0] if deadlocks else None

    def check(self) -> list[tuple[int, int]]:
        """Return the claims that fail in the newest level, each with such a state."""
        if not self.model.claims:
            return []
        for worker in self.workers:
            worker.begin_level()
        while self.left():
            self.each(lambda worker: worker.go(CHECK), self.left())
            self.supply()
        return [
            (claim, self.number(worker, index))
            for worker in self.workers
            for claim, index in enumerate(worker.failed.view)
            if index != ONES
        ]

    def ends(self) -> Iterator[int]:
        """Yield the states of the newest level in which everybody has ended."""
        for worker in self.workers:
            for index in worker.ends():
                yield self.number(worker, index)

    def way(self, number: int) -> list[int]:
        """Return the states on a shortest way to a state, which is the last."""
        levels, index = self.workers[number % self.threads].levels, number // self.threads
        level = max(n for n, first in enumerate(levels) if first <= index)
        way = [self.state(number)]
        for at in reversed(range(level)):
            way.append(self.before(at, way[-1]))
        return way[::-1]

    def before(self, level: int, state: int) -> int:
        """Return a state of *level* from which a step leads to *state*."""
        for worker in self.workers:
            worker.row[TARGET], worker.row[TARGET + 1] = state & ONES | TOP, state >> SECOND
            index = worker.ask(BEFORE, worker.levels[level], worker.levels[level + 1])
            if index >= 0:
                return worker.state(index)
        raise LookupError("a state that nothing leads to")

    def supply(self) -> None:
        """Give the kernel the entries that it missed; they count as memory, too.

        :raises OutOfMemory: if values without end keep coming
        """
        for worker in self.workers:
            worker.supply()
        if self.tables.bytes > self.bound:
            raise OutOfMemory(self.count)

    def number(self, worker: Worker, index: int) -> int:
        """Return the number of a state that a thread knows by *index*."""
        return index * self.threads + worker.number

    def left(self) -> int:
        """Return how many states of the level are still to be gone through."""
        return sum(worker.left for worker in self.workers)

    def each(self, do: Callable[[Worker], None], states: int) -> None:
        """Let each thread do something with *states*, at the same time if it is worth it."""
        for worker in self.workers:
            worker.stop.view[0] = 0
        if self.pool is None or states < WORTH_IT:
            for worker in self.workers:
                do(worker)
            return
        other = self.pool.submit(do, self.workers[1])
        try:
            do(self.workers[0])
        finally:
            failed = other.exception()  # waits: the memory of both has to stay until then
        if failed is not None:
            raise failed

    def exchange(self) -> None:
        """Hand over the states that belong to the other thread."""
        if self.threads == 2:
            sent = [worker.take_sent() for worker in self.workers]
            boxes = [worker.outbox for worker in self.workers]
            self.each(
                lambda worker: worker.receive(boxes[1 - worker.number], sent[1 - worker.number]),
                sum(sent),
            )


def pool() -> "ThreadPoolExecutor":
    """Return another thread; what brings it along is slow to import, and rarely wanted."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1)
