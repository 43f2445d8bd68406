"""The result of a comparison as lines of text and as JSON values."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..trace.report import filled
from .findings import Allowed, Broken, Finding, Result, ScenarioReport, Unreadable

Statement = Callable[[str], str]
"""Tells what a rule says, given its id."""


@dataclass
class Total:
    """Counts over all recordings."""

    scenarios: int = 0
    operations: int = 0
    agree: int = 0
    events: int = 0
    not_modelled: int = 0
    failed: int = 0
    allowances: Counter[Allowed] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Count *result*."""
        if not isinstance(result, ScenarioReport):
            self.failed += 1
            return
        self.scenarios += 1
        self.not_modelled += bool(result.not_modelled)
        self.operations += result.operations
        self.agree += result.agree
        self.events += result.events
        self.allowances.update(result.allowances)


def exit_code(results: Iterable[Result]) -> int:
    """Return 3 for an internal error, else 2 for unreadable input, 1 for differences, or 0."""
    codes = {Broken: 3, Unreadable: 2}
    found = [codes.get(type(each), 0) for each in results]
    differ = any(isinstance(each, ScenarioReport) and not each.agrees for each in results)
    return max([*found, int(differ)], default=0)


def result_lines(result: Result, statement: Statement) -> Iterator[str]:
    """Yield what came of one recording: one line, then its differences."""
    if not isinstance(result, ScenarioReport):
        return
    title = f"{result.name} ({result.kernel})"
    if result.not_modelled:
        yield from filled(f"{title}: not compared: {result.not_modelled}", 0)
        return
    counts = f"{result.agree} of {result.operations} operations agree"
    allowed = ", ".join(_allowances(result.allowances)) or "none"
    yield from filled(f"{title}: {counts}; allowed: {allowed}", 0)
    at = 0
    for finding in result.findings:
        if finding.operation != at:
            at = finding.operation
            yield from filled(f"operation {at}: {result.texts.get(at, '')}", 2)
        yield from _finding_lines(finding, statement)


def _allowances(used: Counter[Allowed]) -> Iterator[str]:
    for allowance in Allowed:
        if used[allowance]:
            yield f"{allowance.name.lower()} {used[allowance]}"


def _finding_lines(finding: Finding, statement: Statement) -> Iterator[str]:
    where = " ".join(filter(None, [finding.event, finding.field])) or "events"
    yield from filled(f"! {where}", 4)
    yield from filled(f"expected  {finding.expected or 'nothing'}", 8)
    yield from filled(f"recorded  {finding.recorded or 'nothing'}", 8)
    for text in finding.accepted:
        if text != finding.expected:
            yield from filled(f"accepted  {text}", 8)
    if finding.rule:
        yield from filled(f"rule      {finding.rule}: {statement(finding.rule)}", 8)


def total_lines(total: Total) -> Iterator[str]:
    """Yield the counts over all recordings."""
    for allowance in Allowed:
        if total.allowances[allowance]:
            text = f"allowed {total.allowances[allowance]} times: {allowance.value}"
            yield from filled(f"{text} ({allowance.name.lower()})", 0)
    compared = total.scenarios - total.not_modelled
    parts = [
        f"{compared} recordings compared",
        f"{total.agree} of {total.operations} operations agree",
        f"{total.events} events of the MMU",
    ]
    if total.not_modelled:
        parts.append(f"{total.not_modelled} recordings not modelled")
    if total.failed:
        parts.append(f"{total.failed} not readable")
    yield from filled("; ".join(parts), 0)


# --- for machines ---------------------------------------------------------------------


def report_object(results: Sequence[Result]) -> dict[str, Any]:
    """Return everything as one JSON value."""
    total = Total()
    for result in results:
        total.add(result)
    scenarios = [each for each in results if isinstance(each, ScenarioReport)]
    failed = [each for each in results if not isinstance(each, ScenarioReport)]
    return {
        "operations": total.operations,
        "agree": total.agree,
        "allowances": _counts(total.allowances),
        "scenarios": [_scenario_object(each) for each in scenarios],
        "errors": [
            {"file": each.file, "message": each.message, "internal": isinstance(each, Broken)}
            for each in failed
        ],
    }


def _counts(used: Counter[Allowed]) -> dict[str, int]:
    return {allowance.name.lower(): used[allowance] for allowance in Allowed}


def _scenario_object(report: ScenarioReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "file": report.file,
        "kernel": report.kernel,
        "epoch": report.epoch,
        "not_modelled": report.not_modelled or None,
        "operations": report.operations,
        "agree": report.agree,
        "allowances": _counts(report.allowances),
        "differences": [_finding_object(each) for each in report.findings],
    }


def _finding_object(finding: Finding) -> dict[str, Any]:
    return {
        "operation": finding.operation,
        "event": finding.event,
        "field": finding.field,
        "expected": finding.expected,
        "recorded": finding.recorded,
        "rule": finding.rule,
        "accepted": list(finding.accepted),
    }
