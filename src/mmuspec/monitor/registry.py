"""The list of monitors, and how one is declared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .kernel import Kernel
from .task import Task

LineTest = Callable[[Any, Kernel], str | None]
"""Judges an event by itself; the same text always gets the same answer from the same kernel."""

HistoryTest = Callable[[Any, Task], str | None]
"""Judges an event by what its task, and the virtual machine of that, did before."""


class IfFromStart(str):
    """A finding that holds only if the recording misses nothing from the machine's start."""

    __slots__ = ()


@dataclass(frozen=True)
class Monitor:
    """One thing that the events decide.

    :param name: how a report calls it
    :param rule: the rule of a chapter that it belongs to
    :param statement: what it checks; false if the monitor speaks
    :param events: the trace points that it listens to
    :param line: the test, if the line alone decides
    :param history: the test, if what came before takes part
    :param only_if: tells by the event alone that *history* may object; None: always
    """

    name: str
    rule: str
    statement: str
    events: tuple[str, ...]
    line: LineTest | None = None
    history: HistoryTest | None = None
    only_if: Callable[[Any], object] | None = None


MONITORS: dict[str, Monitor] = {}
"""Every monitor by name, in the order of the modules that declare them."""


def of_line(name: str, rule: str, statement: str, *events: str) -> Callable[[LineTest], LineTest]:
    """Declare the decorated test of single lines as a monitor."""

    def declare(test: LineTest) -> LineTest:
        _add(Monitor(name, rule, statement, events, line=test))
        return test

    return declare


def of_history(
    name: str,
    rule: str,
    statement: str,
    *events: str,
    only_if: Callable[[Any], object] | None = None,
) -> Callable[[HistoryTest], HistoryTest]:
    """Declare the decorated test, which looks at what came before, as a monitor.

    :param only_if: spares the test for events that it could never object to
    """

    def declare(test: HistoryTest) -> HistoryTest:
        _add(Monitor(name, rule, statement, events, history=test, only_if=only_if))
        return test

    return declare


def _add(monitor: Monitor) -> None:
    if monitor.name in MONITORS:
        raise ValueError(f"two monitors are called {monitor.name!r}")
    MONITORS[monitor.name] = monitor
