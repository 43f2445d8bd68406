"""What the report in HTML shows of a scenario: operations, events, shadow pages."""

from typing import Any

from ..kvm.state.page import ShadowPage
from ..kvm.state.vm import Kvm
from ..scenario.recording import Scenario
from ..trace.report import operation_text
from ..trace.rows import OperationReport, Row, Status
from ..trace.text import event_text
from ..x86.entry import PAGE_SHIFT
from .findings import Finding

_SIGN = {
    Status.EQUAL: "=",
    Status.ALLOWED: "=",
    Status.CONTEXT: ".",
    Status.DIFFERENT: "!",
    Status.ONLY_MODEL: "<",
    Status.ONLY_RECORDED: ">",
}
"""How a row compares: equal, context, different, only in the model, only in the recording."""


class Timeline:
    """Gathers plain data for the page; its script is the only reader."""

    def __init__(self, scenario: Scenario) -> None:
        """Start before the first operation."""
        self._notes = {note.before_op: note.text for note in scenario.notes}
        self._graphs: dict[int, int] = {}
        self._kept: list[Any] = []
        self._operations: list[Any] = []

    def snapshot(self, n: int, kvm: Kvm) -> None:
        """Keep the shadow pages as they are after operation *n*."""
        graph = graph_of(kvm)
        if not self._kept or self._kept[-1] != graph:
            self._kept.append(graph)
        self._graphs[n] = len(self._kept) - 1

    def operation(self, report: OperationReport, findings: list[Finding]) -> None:
        """Keep the events of one operation, the model's beside the kernel's."""
        n = report.operation.n
        self._operations.append(
            [
                n,
                operation_text(report.operation),
                self._notes.get(n, ""),
                [_row(row) for row in report.rows],
                [[f.event, f.field, f.expected, f.recorded, f.rule] for f in findings],
                self._graphs.get(n, -1),
            ]
        )

    def value(self) -> Any:
        """Return everything, as JSON values."""
        return {"operations": self._operations, "graphs": self._kept}


def _row(row: Row) -> list[Any]:
    """Return [sign, trace point, the kernel's text, the model's where it differs]."""
    if row.status is Status.CONTEXT:
        text = " ".join(f"{key} {value}" for key, value in (row.recorded or {}).items())
        return [_SIGN[row.status], row.event, text]
    texts = [event_text(row.event, side).rstrip() if side else "" for side in _sides(row)]
    if row.agrees:
        return [_SIGN[row.status], row.event, texts[0]]
    fields = [part.field for part in row.differences]
    return [_SIGN[row.status], row.event, *texts, fields]


def _sides(row: Row) -> tuple[Any, Any]:
    return row.recorded, row.model


def graph_of(kvm: Kvm) -> list[Any]:
    """Return the shadow pages: [table, level, gfn, flags, children, leaf sptes], by level."""
    pages = [sp for sp in kvm.host.page_private.values()]
    pages.sort(key=lambda sp: (-sp.role.level, sp.hpa))
    names = {sp.hpa >> PAGE_SHIFT: place for place, sp in enumerate(pages)}
    return [_node(kvm, sp, names) for sp in pages]


def _node(kvm: Kvm, sp: ShadowPage, names: dict[int, int]) -> list[Any]:
    children: dict[int, None] = {}
    leaves = 0
    for spte in filter(None, sp.spt):
        child = names.get((spte & ((1 << 52) - 1)) >> PAGE_SHIFT)
        if sp.role.level > 1 and child is not None and not spte >> 7 & 1:
            children[child] = None
        elif kvm.masks.is_shadow_present_pte(spte):
            leaves += 1
    flags = [
        word
        for word, is_set in (
            ("direct", sp.role.direct),
            ("unsync", sp.unsync),
            ("invalid", sp.role.invalid),
            ("obsolete", sp.mmu_valid_gen != kvm.mmu_valid_gen),
            ("root", sp.root_count),
        )
        if is_set
    ]
    return [sp.role.level, f"{sp.gfn:x}", " ".join(flags), list(children), leaves]
