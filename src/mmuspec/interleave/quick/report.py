"""Telling of progress."""

import time

from mmuspec.interleave.answer import Progress

SECONDS = 0.25
"""Between two reports."""


class Report:
    """Tells of progress, a few times a second.

    :param progress: whom; ``None`` for nobody
    """

    def __init__(self, progress: Progress | None) -> None:
        self.progress, self.begun = progress, time.monotonic()
        self.last = self.begun

    def __call__(self, states: int, newest: int) -> None:
        """Tell, if it is time."""
        if self.progress is None:
            return
        now = time.monotonic()
        if now - self.last >= SECONDS:
            self.last = now
            self.progress(states, newest, states / (now - self.begun))
