"""What a check of one file has found."""

from collections import Counter
from dataclasses import dataclass, field

from ..trace.gap import Gap


@dataclass(frozen=True)
class Found:
    """A violation: what is wrong at which line, by which monitor of which rule."""

    line: int
    rule: str
    monitor: str
    message: str


@dataclass
class Outcome:
    """What was read of a file, and what was found.

    :param events: events of the MMU that were read
    :param others: other lines that are events
    :param problems: (line, text) of what could not be read
    """

    events: int = 0
    others: int = 0
    gaps: Counter[Gap] = field(default_factory=Counter)
    violations: list[Found] = field(default_factory=list)
    violations_left_out: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    problems_left_out: int = 0
