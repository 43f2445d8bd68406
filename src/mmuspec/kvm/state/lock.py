"""``mmu_lock``, with what a reader of the book wants to know about it.

The model runs one thread at a time, so the lock never waits.  It counts: how
often it was taken, how much work was done under it, and the longest stretch
of work between two moments at which another CPU could have taken it [C6].
Work is counted in sptes written and pages visited.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import LockError


class MmuLock:
    """A lock that counts.

    :ivar taken: acquisitions so far
    :ivar longest_hold: most work done in one stretch
    :ivar contended: asked when the holder could yield; True means someone waits
    :ivar on_yield: called, with the lock free, whenever the holder yields
    :ivar on_release: called just before the lock is given back
    """

    def __init__(self) -> None:
        self.held = False
        self.taken = 0
        self.work = 0
        self.longest_hold = 0
        self.contended: Callable[[], bool] = lambda: False
        self.on_yield: Callable[[], None] = lambda: None
        self.on_release: Callable[[], None] = lambda: None
        self._since = 0

    def acquire(self) -> None:
        """Take the lock.

        :raises LockError: it is held already
        """
        if self.held:
            raise LockError("mmu_lock is already held")
        self.held = True
        self.taken += 1
        self._since = self.work

    def release(self) -> None:
        """Give the lock back and account for the stretch that ends."""
        self.assert_held("mmu_lock is released")
        self.on_release()
        self.longest_hold = max(self.longest_hold, self.work - self._since)
        self.held = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Hold the lock for a ``with`` block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def count(self, work: int = 1) -> None:
        """Note that *work* units were done."""
        self.work += work

    def assert_held(self, what: str) -> None:
        """Check the precondition of everything that changes shadow state.

        :raises LockError: the lock is free
        """
        if not self.held:
            raise LockError(f"{what} without mmu_lock")

    def cond_resched_lock(self) -> bool:
        """Yield if someone waits; return whether it was yielded."""
        if not self.contended():
            return False
        self.release()
        self.on_yield()
        self.acquire()
        return True
