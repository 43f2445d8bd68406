"""A trace point, as the checker sees it."""

from collections.abc import Callable
from typing import Any

from ..trace.numbers import Event, reader
from . import faults, histories, mmio, shadow_pages, sptes, walks
from .follow import FOLLOWERS, Follower
from .registry import MONITORS, HistoryTest, LineTest, Monitor
from .task import Task

DECLARED_IN = (walks, shadow_pages, histories, mmio, sptes, faults)
"""The modules whose import fills the list of monitors."""

Wrong = list[tuple[Monitor, str]]
Tests = list[tuple[Monitor, HistoryTest]]
Condition = Callable[[Any], object]
Known = tuple[Event, Wrong, Tests]
"""An event as read, what is wrong with it by itself, and what its history is asked."""


class Kind:
    """A trace point: how to read it, who judges it, what remembers it."""

    __slots__ = ("always", "by_line", "follow", "known", "name", "read", "sometimes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.read: Callable[[str], Event] = reader(name)
        listening = [monitor for monitor in MONITORS.values() if name in monitor.events]
        self.by_line: list[tuple[Monitor, LineTest]] = [
            (monitor, monitor.line) for monitor in listening if monitor.line
        ]
        by_history = [(monitor, monitor.history) for monitor in listening if monitor.history]
        self.always: Tests = [pair for pair in by_history if pair[0].only_if is None]
        self.sometimes: dict[Condition, Tests] = {}
        for monitor, test in by_history:
            if monitor.only_if is not None:
                self.sometimes.setdefault(monitor.only_if, []).append((monitor, test))
        self.follow: Follower = FOLLOWERS.get(name, nothing)
        self.known: dict[str, Known] = {}

    def tests(self, event: Event) -> Tests:
        """Return the tests by history that *event* needs."""
        tests = self.always
        for holds, more in self.sometimes.items():
            if holds(event):
                tests = tests + more
        return tests


def nothing(event: Event, task: Task) -> None:
    """Remember nothing of an event that only its own line is judged by."""
