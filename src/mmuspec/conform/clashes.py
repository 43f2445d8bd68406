"""Showing an address that contradicts the others in the event that mentions it."""

from collections.abc import Sequence
from dataclasses import replace

from ..trace.rows import Difference, OperationReport, Row, Status
from .settlement import Clash


def with_clashes(report: OperationReport, clashes: Sequence[Clash]) -> OperationReport:
    """Return *report* with the mentions that cannot be right as differences."""
    wrong: dict[int, list[Clash]] = {}
    for clash in clashes:
        wrong.setdefault(id(clash.mention.printed), []).append(clash)
    rows = tuple(_row(row, wrong.get(id(row.model), [])) for row in report.rows)
    return replace(report, rows=rows)


def _row(row: Row, clashes: list[Clash]) -> Row:
    if not clashes or row.recorded is None:
        return row
    differences = tuple(
        Difference(clash.mention.key, _expected(clash), row.recorded[clash.mention.key])
        for clash in clashes
    )
    return replace(row, status=Status.DIFFERENT, differences=(*row.differences, *differences))


def _expected(clash: Clash) -> str:
    """Return what a chosen address should have been, in words."""
    others = ", ".join(map(str, clash.others[:6])) + (", ..." if len(clash.others) > 6 else "")
    where = f" (operation {others})" if others else ""
    if clash.expected is None:
        return f"an address that does not contradict{where or ' the others'}"
    return f"page {clash.expected:x}, as elsewhere{where}"
