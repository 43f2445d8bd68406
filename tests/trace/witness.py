"""Witnesses that replay a recording, faithfully or not, to test the comparison."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mmuspec.epochs import Epoch
from mmuspec.events import Event
from mmuspec.scenario.operation import Operation
from mmuspec.scenario.outcome import Outcome
from mmuspec.scenario.recording import Scenario
from mmuspec.trace.recorded import recorded_event, takes_part


@dataclass(frozen=True)
class Step:
    operation: Operation
    events: tuple[Event, ...]
    outcome: Outcome


def replay(scenario: Scenario, epoch: Epoch) -> Iterator[Step]:
    """Do what the recording says."""
    for step in scenario.steps:
        events = [recorded_event(event, epoch) for event in step.events if takes_part(event)]
        yield Step(step.operation, tuple(events), step.outcome)


def changed(n: int, change: Callable[[Step], Step]) -> Callable[[Scenario, Epoch], Iterator[Step]]:
    """Return a witness that replays the recording but for operation *n*."""

    def witness(scenario: Scenario, epoch: Epoch) -> Iterator[Step]:
        for step in replay(scenario, epoch):
            yield change(step) if step.operation.n == n else step

    return witness


def without(place: int) -> Callable[[Step], Step]:
    """Return a change that leaves out the event at *place*."""
    return lambda step: replace(step, events=step.events[:place] + step.events[place + 1 :])


def with_field(place: int, **values: object) -> Callable[[Step], Step]:
    """Return a change of some fields of the event at *place*."""

    def change(step: Step) -> Step:
        events = list(step.events)
        events[place] = replace(events[place], **values)  # type: ignore[arg-type]
        return replace(step, events=tuple(events))

    return change
