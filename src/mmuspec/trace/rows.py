"""What a comparison finds: events side by side, outcomes, and counts."""

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum

from ..scenario.operation import Operation
from .allowance import Allowance
from .printed import Printed


class Status(Enum):
    """How an event of the model and one of the recording compare."""

    EQUAL = "equal"
    DIFFERENT = "different"
    ONLY_MODEL = "only-model"
    ONLY_RECORDED = "only-recorded"
    ALLOWED = "allowed"
    CONTEXT = "context"


@dataclass(frozen=True)
class Difference:
    """A field, or a part of the outcome, in which model and recording differ.

    Values are as printed; ``None`` where one has no such field.
    """

    field: str
    model: str | None
    recorded: str | None


@dataclass(frozen=True)
class Row:
    """Two events side by side, or one that has no counterpart.

    :param event: the trace point's name; the recording's where the two differ
    """

    status: Status
    event: str
    model: Printed | None
    recorded: Printed | None
    differences: tuple[Difference, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether there is no disagreement in it."""
        return self.status in (Status.EQUAL, Status.ALLOWED, Status.CONTEXT)


@dataclass(frozen=True)
class OperationReport:
    """One operation, compared."""

    operation: Operation
    rows: tuple[Row, ...]
    outcome: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether all events and the outcome agree."""
        return not self.outcome and all(row.agrees for row in self.rows)


def without_context(report: OperationReport) -> OperationReport:
    """Return *report* without the recorded events that are not compared."""
    return replace(report, rows=tuple(r for r in report.rows if r.status is not Status.CONTEXT))


@dataclass
class Summary:
    """Counts over the operations compared."""

    operations: int = 0
    agree: int = 0
    events: Counter[Status] = field(default_factory=Counter)
    outcomes: int = 0
    allowances: Counter[Allowance] = field(default_factory=Counter)

    @property
    def differ(self) -> int:
        """How many operations have a difference."""
        return self.operations - self.agree

    def add(self, report: OperationReport) -> None:
        """Count *report*."""
        self.operations += 1
        self.agree += report.agrees
        self.outcomes += len(report.outcome)
        for row in report.rows:
            if row.status is not Status.CONTEXT:
                self.events[row.status] += 1
            self.allowances.update(row.allowances)
