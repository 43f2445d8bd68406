"""Comparing one recording with the model of its kernel."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..epochs import EPOCHS, Epoch
from ..kvm.cpu.entry import TripleFault
from ..kvm.faults.fault_result import FaultError
from ..kvm.state.errors import ModelError
from ..scenario.error import ScenarioError
from ..scenario.operation import GuestOperation
from ..scenario.read import read_scenario
from ..scenario.recording import RecordedStep, Scenario
from ..scenario.run import ModelStep, Runner
from ..trace.compare import Comparison
from ..trace.recorded import TRACE_POINT
from ..trace.report import operation_text
from ..trace.rows import OperationReport, Status
from ..x86.entry import PAGE_SHIFT
from .addresses import AddressBook
from .clashes import with_clashes
from .companions import (
    CompanionDifference,
    Watch,
    compare_companions,
    expected_mmio,
    recorded_companions,
)
from .counters import Counters
from .explain import Explainer
from .findings import Allowed, Finding, ScenarioReport
from .settlement import Clash, Settlement, Space
from .timeline import Timeline

MOST_PATIENCE = 4
"""How many of the moments at which KVM may be rescheduled, in one operation, are tried."""
TDP_MMU = "tdp-"
"""Recordings of the TDP MMU are named so."""
NOT_MODELLED = "made with the TDP MMU, which is not modelled: it is outside the shadow MMU"


@dataclass
class Compared:
    """One operation, compared, before addresses are settled.

    :param notes: findings beside the events: outcome, companions, counters
    """

    report: OperationReport
    model: ModelStep
    notes: list[Finding]
    clashes: list[Clash] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees, chosen addresses aside."""
        return self.report.agrees and not self.notes


def examine(path: str | Path, *, timeline: bool = False) -> ScenarioReport:
    """Compare the recording in *path* with the model of its kernel.

    :param timeline: also keep what the report in HTML shows
    :raises ScenarioError: it cannot be read, or its kernel version is not modelled
    """
    return examine_scenario(read_scenario(path), timeline=timeline)


def examine_scenario(scenario: Scenario, *, timeline: bool = False) -> ScenarioReport:
    """Compare *scenario* as {py:func}`examine` does the one in a file.

    :raises ScenarioError: its kernel version is not modelled
    """
    report = ScenarioReport(scenario.file, scenario.name, scenario.kernel, scenario.host_bits)
    epoch = EPOCHS.get(scenario.kernel_version or "")
    if epoch is None:
        known = f"a kernel that is modelled ({', '.join(EPOCHS)}), found {scenario.kernel!r}"
        raise ScenarioError(scenario.file, None, "lab.kernel", known)
    report.epoch = epoch.name
    if scenario.name.startswith(TDP_MMU):
        report.not_modelled = NOT_MODELLED
        return report
    _Examination(scenario, epoch, report, timeline=timeline).run()
    return report


class _Examination:
    """The comparison of one scenario."""

    def __init__(
        self, scenario: Scenario, epoch: Epoch, report: ScenarioReport, *, timeline: bool
    ) -> None:
        self.scenario, self.epoch, self.report = scenario, epoch, report
        self.book = AddressBook(scenario.host_bits)
        self.comparison = Comparison(scenario, epoch, self.book)
        self.counters = Counters(epoch.name)
        self.reschedules: dict[int, int] = {}
        self.timeline = Timeline(scenario) if timeline else None
        self._start()

    def _start(self) -> None:
        """Set a model up, anew if need be."""
        self.runner = Runner(self.scenario, self.epoch, self.reschedules)
        self.watch = Watch(lambda: len(self.runner.events))
        self.runner.kvm.observers.append(self.watch)

    def run(self) -> None:
        """Compare every operation, and put what was found in the report."""
        self.report.operations = len(self.scenario.steps)
        compared: list[Compared] = []
        for recorded in self.scenario.steps:
            try:
                compared.append(self._operation(recorded))
            except (ModelError, FaultError, TripleFault) as error:
                self.report.findings.append(_impossible(recorded, error))
                break
            if self.timeline:
                self.timeline.snapshot(recorded.operation.n, self.runner.kvm)
        settlement = self.book.settle()
        by_operation: dict[int, list[Clash]] = {}
        for clash in settlement.clashes():
            by_operation.setdefault(clash.mention.operation, []).append(clash)
        self._allow_addresses(settlement)
        for each in compared:
            each.clashes = by_operation.get(each.report.operation.n, [])
            self._conclude(each, settlement)

    def _operation(self, recorded: RecordedStep) -> Compared:
        """Compare one operation, a second time if the host may have interfered."""
        seen = len(self.book.mentions)
        step = self._step(recorded)
        result = self._compare(recorded, step)
        if not result.agrees and self._may_be_rescheduled(recorded, step):
            result = self._rescheduled(recorded, seen) or result
        self.book.told |= result.model.told
        for hpa in self.watch.freed_tables:
            self.book.freed.setdefault(hpa >> PAGE_SHIFT, recorded.operation.n)
        self.watch.freed_tables.clear()
        result.notes += self._counters(recorded, result.model)
        return result

    def _step(self, recorded: RecordedStep) -> ModelStep:
        self.watch.noted.clear()
        return self.runner.step(recorded.operation)

    def _compare(self, recorded: RecordedStep, step: ModelStep) -> Compared:
        """Compare events, outcome and companions."""
        self.book.operation = recorded.operation.n
        report = self.comparison.step(recorded, step)
        explainer = Explainer(recorded.operation.n)
        notes = [explainer.outcome(part) for part in report.outcome]
        ours = [*self.watch.noted, *expected_mmio(step.outcome.mmio)]
        theirs = recorded_companions(recorded.events)
        allowed: list[Allowed] = []
        differences: list[CompanionDifference] = list(
            compare_companions(ours, theirs, allowed.append)
        )
        notes += [
            explainer.companion(difference)
            for difference in differences
            if report.agrees or not difference.is_only_the_place
        ]
        self.report.allowances.update(allowed)
        return Compared(report, step, notes)

    def _counters(self, recorded: RecordedStep, step: ModelStep) -> Iterator[Finding]:
        explainer = Explainer(recorded.operation.n)
        for difference in self.counters.step(recorded.stats, step.stats):
            yield explainer.counter(difference)

    def _may_be_rescheduled(self, recorded: RecordedStep, step: ModelStep) -> bool:
        """Whether the recording has a fault more: synchronizing may have been given up."""
        if not self.epoch.syncs_before_linking or not isinstance(
            recorded.operation, GuestOperation
        ):
            return False
        walks = sum(e[TRACE_POINT] == "kvm_mmu_pagetable_walk" for e in recorded.events)
        return walks > sum(event.name == "kvm_mmu_pagetable_walk" for event in step.events)

    def _rescheduled(self, recorded: RecordedStep, seen: int) -> Compared | None:
        """Try with the host wanting to reschedule; return the comparison if that explains all."""
        before, watch, mentions = self.runner, self.watch, self.book.mentions[:]
        allowances = self.report.allowances.copy()
        for patience in range(MOST_PATIENCE):
            self.reschedules[recorded.operation.n] = patience
            self._start()
            self._replay(recorded.operation.n)
            del self.book.mentions[seen:]
            result = self._compare(recorded, self._step(recorded))
            if result.agrees:
                self.report.allowances[Allowed.SYNC_GIVEN_UP] += 1
                return result
        del self.reschedules[recorded.operation.n]
        self.runner, self.watch, self.book.mentions = before, watch, mentions
        self.report.allowances = allowances
        return None

    def _replay(self, n: int) -> None:
        """Bring a new model to the moment before operation *n*."""
        for step in self.scenario.steps[: n - 1]:
            self.runner.step(step.operation)
        self.watch.freed_tables.clear()

    def _allow_addresses(self, settlement: Settlement) -> None:
        """Count the chosen addresses."""
        tables = [m for m in settlement.accepted if m.space is not Space.FRAME]
        frames = [m for m in settlement.accepted if m.space is Space.FRAME]
        allowances = self.report.allowances
        allowances[Allowed.SPTE_ADDRESS] += len(tables)
        allowances[Allowed.FRAME] += sum(m.model not in self.book.told for m in frames)
        allowances[Allowed.ADDRESS_REUSED] += settlement.reused()

    def _conclude(self, each: Compared, settlement: Settlement) -> None:
        """Put one operation into the report."""
        report = with_clashes(each.report, each.clashes)
        rows = [row for row in report.rows if row.status is not Status.CONTEXT]
        self.report.events += sum(row.recorded is not None for row in rows)
        n = report.operation.n
        findings = list(Explainer(n, settlement).events(rows)) + each.notes
        self.report.agree += not findings
        self.report.findings += findings
        if findings:
            self.report.texts[n] = operation_text(report.operation)
        if self.timeline:
            self.timeline.operation(report, findings)
            self.report.timeline = self.timeline.value()


def _impossible(recorded: RecordedStep, error: Exception) -> Finding:
    """Return that the model cannot carry out an operation."""
    expected = f"an operation that the model can carry out: {error}"
    operation = operation_text(recorded.operation)
    return Finding(recorded.operation.n, None, "operation", expected, operation, None)
