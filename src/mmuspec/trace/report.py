"""A comparison as text of at most 100 columns, and as JSON values."""

import textwrap
from collections.abc import Iterator
from typing import Any

from ..scenario.operation import Form, Operation, recorded_fields
from .printed import Printed
from .rows import Difference, OperationReport, Row, Status, Summary
from .text import event_text

WIDTH = 100

MARK = {
    Status.EQUAL: "=",
    Status.ALLOWED: "~",
    Status.CONTEXT: ".",
    Status.DIFFERENT: "!",
    Status.ONLY_MODEL: "!",
    Status.ONLY_RECORDED: "!",
}
"""What stands before an event."""

LEGEND = "= agrees   ! differs   ~ allowed, see the counts at the end"

_WHERE = {
    Status.ONLY_MODEL: "only in the model: ",
    Status.ONLY_RECORDED: "only in the recording: ",
}


def operation_text(operation: Operation) -> str:
    """Return an operation as ``read vcpu=0 cpl=3 a=0x1000``."""
    words = [operation.do]
    for declared in recorded_fields(type(operation)):
        value = getattr(operation, declared.name)
        is_hex = declared.metadata["form"] is Form.HEX
        words.append(f"{declared.name}={value:#x}" if is_hex else f"{declared.name}={value}")
    return " ".join(words)


def operation_lines(report: OperationReport, *, only_differences: bool = False) -> Iterator[str]:
    """Yield an operation and its events, each marked by how it compares.

    :param only_differences: leave out the events that agree
    """
    agrees = "agrees" if report.agrees else "DIFFERS"
    number = report.operation.n
    yield from filled(f"operation {number}: {operation_text(report.operation)}: {agrees}", 0)
    for row in report.rows:
        if not (only_differences and row.agrees):
            yield from row_lines(row)
    for part in report.outcome:
        yield from filled(f"! outcome: {difference_text(part)}", 2)


def row_lines(row: Row) -> Iterator[str]:
    """Yield one event of either side, or both where they differ."""
    if row.status is Status.DIFFERENT:
        yield f"  ! {row.event}"
        yield from filled(f"model     {_text(row, row.model)}", 6)
        yield from filled(f"recorded  {_text(row, row.recorded)}", 6)
        for difference in row.differences:
            yield from filled(difference_text(difference), 6)
        return
    printed = row.model if row.recorded is None else row.recorded
    where = _WHERE.get(row.status, "")
    if row.status is Status.ALLOWED and (row.model is None or row.recorded is None):
        where = _WHERE[Status.ONLY_MODEL if row.recorded is None else Status.ONLY_RECORDED]
    yield from filled(f"{MARK[row.status]} {where}{row.event}: {_text(row, printed)}".rstrip(), 2)
    yield from _allowed_lines(row)


def difference_text(difference: Difference) -> str:
    """Return a difference as ``level: model 3, recorded 4``."""
    ours, theirs = (value or "none" for value in (difference.model, difference.recorded))
    return f"{difference.field}: model {ours}, recorded {theirs}"


def _allowed_lines(row: Row) -> Iterator[str]:
    """Yield the fields of the model that differ and are allowed to."""
    if row.model and row.recorded:
        keys = dict.fromkeys([*row.recorded, *row.model])
        unequal = [key for key in keys if row.model.get(key) != row.recorded.get(key)]
        if unequal:
            values = ", ".join(f"{key} {row.model.get(key, 'not printed')}" for key in unequal)
            yield from filled(f"model: {values}", 6)


def _text(row: Row, printed: Printed | None) -> str:
    """Return the kernel's text of one side of *row*; context has its fields as they are."""
    if row.status is Status.CONTEXT:
        return " ".join(f"{key} {value}" for key, value in (printed or {}).items())
    return event_text(row.event, printed or {}).rstrip()


def filled(text: str, indent: int) -> list[str]:
    """Return *text* as lines of at most {py:data}`WIDTH` columns, the later ones indented more."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_on_hyphens=False,
    )


def summary_lines(summary: Summary) -> Iterator[str]:
    """Yield the counts of a run."""
    events, equal = sum(summary.events.values()), summary.events[Status.EQUAL]
    differ = sum(
        count
        for status, count in summary.events.items()
        if status not in (Status.EQUAL, Status.ALLOWED)
    )
    for allowance, count in sorted(summary.allowances.items(), key=lambda item: item[0].value):
        yield f"allowed {count} times: {allowance.value}"
    yield (
        f"{summary.operations} operations: {summary.agree} agree, {summary.differ} differ; "
        f"{events} events: {equal} equal, {summary.events[Status.ALLOWED]} allowed, "
        f"{differ} differ; {summary.outcomes} outcomes differ"
    )


# --- for machines ---------------------------------------------------------------------


def operation_object(report: OperationReport) -> dict[str, Any]:
    """Return an operation's comparison as a JSON value."""
    operation = report.operation
    declared = [each.name for each in recorded_fields(type(operation))]
    return {
        "n": operation.n,
        "do": operation.do,
        "arguments": {name: getattr(operation, name) for name in declared},
        "agree": report.agrees,
        "events": [row_object(row) for row in report.rows],
        "outcome": list(map(difference_object, report.outcome)),
    }


def row_object(row: Row) -> dict[str, Any]:
    """Return a row as a JSON value; ``fields`` holds the differences."""
    return {
        "status": row.status.value,
        "event": row.event,
        "model": row.model,
        "recorded": row.recorded,
        "fields": list(map(difference_object, row.differences)),
        "allowances": [allowance.name.lower() for allowance in row.allowances],
    }


def difference_object(difference: Difference) -> dict[str, str | None]:
    """Return a difference as a JSON value."""
    return {
        "field": difference.field,
        "model": difference.model,
        "recorded": difference.recorded,
    }


def summary_object(summary: Summary) -> dict[str, Any]:
    """Return the counts of a run as a JSON value."""
    events = {
        status.value: summary.events[status] for status in Status if status is not Status.CONTEXT
    }
    return {
        "operations": summary.operations,
        "agree": summary.agree,
        "differ": summary.differ,
        "events": {"total": sum(events.values()), **events},
        "outcome_differences": summary.outcomes,
        "allowances": {
            allowance.name.lower(): summary.allowances[allowance]
            for allowance in summary.allowances
        },
    }
