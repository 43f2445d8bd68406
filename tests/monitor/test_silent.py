"""No monitor accuses what a real kernel printed, whatever is missing from it."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.trace.gap import Gap

from .recordings import NAMES, check, events_of, lines_of

SOME = [name for name in NAMES if len(lines_of(name)) < 1300]
names = st.sampled_from(SOME)
"""Recordings that are short enough for a search."""


def kernel(name: str) -> str:
    return name.partition("/")[0]


def as_task(lines: list[str], task: str) -> list[str]:
    return [re.sub(r"vmm-\d+", task, line, count=1) for line in lines]


def in_time(lines: list[str]) -> list[str]:
    """Return the lines with time stamps that grow."""
    return [
        re.sub(r"(\] \S+ +)\d+: ", rf"\g<1>{at}: ", line, count=1) for at, line in enumerate(lines)
    ]


def as_report(lines: list[str]) -> list[str]:
    """Return event lines as ``trace-cmd report`` prints them."""
    head = ["cpus=1"]
    return head + [
        re.sub(r"\] \S+ +(\d+): (\w+): ", r"]  \1.000000: \2:          ", line, count=1)
        for line in lines
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording(name: str) -> None:
    outcome = check(lines_of(name))
    assert (outcome.violations, outcome.problems, dict(outcome.gaps)) == ([], [], {})
    assert outcome.events > 20


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_is_known_to_begin_with_its_machine(name: str) -> None:
    assert check(lines_of(name), from_start=True, one_machine=True).violations == []


def test_what_the_model_prints_as_v3_11() -> None:
    outcome = check(lines_of("v3.11"))
    assert (outcome.violations, outcome.problems) == ([], [])
    assert outcome.events > 50


@given(names, st.data())
@settings(max_examples=60, deadline=None)
def test_a_recording_that_begins_in_the_middle(name: str, data: st.DataObject) -> None:
    lines = lines_of(name)
    header = [line for line in lines if line.startswith("#")]
    events = events_of(name)
    start = data.draw(st.integers(0, len(events) - 1))
    assert check(events[start:]).violations == []
    assert check(header + events[start:]).violations == []


@given(names, st.data())
@settings(max_examples=60, deadline=None)
def test_lost_events(name: str, data: st.DataObject) -> None:
    events = events_of(name)
    first, second = sorted(data.draw(st.integers(0, len(events))) for _ in range(2))
    mark = data.draw(
        st.sampled_from(
            ["CPU:0 [LOST 12 EVENTS]", "CPU:0 [LOST EVENTS]", "CPU:0 [3 EVENTS DROPPED]",
             "CPU:1 [EVENTS DROPPED]", "##### CPU 0 buffer started ####"]
        )
    )  # fmt: skip
    outcome = check([*events[:first], mark, *events[second:]])
    assert outcome.violations == []
    assert outcome.problems == []
    assert sum(outcome.gaps.values()) == 1


@given(names, names, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_two_machines_at_once(one: str, other: str, rng: random.Random) -> None:
    if kernel(one) != kernel(other):
        other = one
    rest = [as_task(events_of(one), "first-1001"), as_task(events_of(other), "second-1002")]
    mixed: list[str] = []
    while any(rest):
        lines = rng.choice([lines for lines in rest if lines])
        size = rng.randrange(1, 40)
        mixed += lines[:size]
        del lines[:size]
    outcome = check(in_time(mixed))
    assert outcome.violations == []
    assert outcome.gaps == {Gap.TASKS: 1}


@given(names, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_one_machine_whose_tasks_take_turns(name: str, rng: random.Random) -> None:
    turns = [line for block in _operations(events_of(name)) for line in as_task(
        block, f"CPU {rng.randrange(3)}/KVM-{rng.randrange(3) + 500}")]  # fmt: skip
    assert check(turns).violations == []
    assert check(turns, one_machine=True).violations == []


def _operations(events: list[str]) -> list[list[str]]:
    """Return the events of each operation of the recording."""
    blocks: list[list[str]] = [[]]
    for line in events:
        if line.endswith(" begin"):
            blocks.append([])
        blocks[-1].append(line)
    return blocks


@given(names, names)
@settings(max_examples=30, deadline=None)
def test_one_recording_after_another(one: str, other: str) -> None:
    outcome = check(lines_of(one) + lines_of(other))
    assert (outcome.violations, outcome.problems) == ([], [])
    assert outcome.gaps == {Gap.RESTART: 1}


@pytest.mark.parametrize("name", SOME[::4])
def test_a_report_of_trace_cmd(name: str) -> None:
    told = check(lines_of(name))
    outcome = check(as_report(events_of(name)))
    assert (outcome.violations, outcome.problems) == ([], [])
    assert outcome.events == told.events


def test_process_ids_tell_machines_apart() -> None:
    def with_process(lines: list[str], task: str) -> list[str]:
        return [re.sub(r"vmm-\d+ ", f"{task} (  900) ", line, count=1) for line in lines]

    lines = with_process(events_of("linux-6.1/f-zap-2vcpu"), "CPU 0/KVM-901")
    later = [re.sub(r"900\) ", "800) ", line) for line in lines]
    both = in_time([line for pair in zip(lines, later, strict=True) for line in pair])
    outcome = check(both)
    assert (outcome.violations, outcome.problems, outcome.gaps) == ([], [], {})
    assert outcome.events == 2 * check(lines).events
