import pytest

from mmuspec.events import VOCABULARY
from mmuspec.monitor import MONITORS, Monitor
from mmuspec.monitor.follow import FOLLOWERS
from mmuspec.rules import read

RULES = {rule.id for rule in read().rules}


def test_there_are_many() -> None:
    assert len(MONITORS) >= 25


@pytest.mark.parametrize("monitor", MONITORS.values(), ids=list(MONITORS))
def test_a_monitor_is_complete(monitor: Monitor) -> None:
    assert monitor.rule in RULES
    assert monitor.events
    assert set(monitor.events) <= VOCABULARY.keys()
    assert (monitor.line is None) != (monitor.history is None)
    assert monitor.statement == monitor.statement.strip(" .")


def test_only_trace_points_are_followed() -> None:
    assert FOLLOWERS.keys() <= VOCABULARY.keys()
