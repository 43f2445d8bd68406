"""Comparing one scenario: what is exact, what is allowed, and how it is explained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mmuspec.conform.companions import Companion, Watch
from mmuspec.conform.examine import examine, examine_scenario
from mmuspec.conform.findings import Allowed, Finding, ScenarioReport
from mmuspec.epochs import V6_1
from mmuspec.kvm.state.errors import SlotError
from mmuspec.scenario.error import ScenarioError
from mmuspec.scenario.operation import Operation
from mmuspec.scenario.read import read_scenario
from mmuspec.scenario.recording import RecordedStep, Scenario
from mmuspec.scenario.run import ModelStep, Runner
from mmuspec.trace.allowance import Allowance
from mmuspec.trace.compare import Comparison
from mmuspec.trace.printed import printed_fields
from tests.scenario.example import RECORDINGS, example, parsed

SIMPLE = RECORDINGS / "linux-6.1" / "a-simple-long4.json.gz"
UNSYNC = RECORDINGS / "linux-6.1" / "d-unsync-long4.json.gz"


def changed(scenario: Scenario, n: int, **parts: Any) -> Scenario:
    steps = list(scenario.steps)
    steps[n - 1] = replace(steps[n - 1], **parts)
    return replace(scenario, steps=tuple(steps))


def findings(scenario: Scenario) -> list[Finding]:
    return examine_scenario(scenario).findings


def first_read(scenario: Scenario) -> RecordedStep:
    return next(s for s in scenario.steps if s.outcome.value is not None and len(s.events) > 5)


@pytest.fixture(scope="module")
def simple() -> Scenario:
    return read_scenario(SIMPLE)


def test_a_recording_agrees(simple: Scenario) -> None:
    report = examine(SIMPLE)
    assert report.agrees
    assert (report.operations, report.agree, report.epoch) == (61, 61, "v6.1")
    assert report.allowances[Allowed.SPTE_ADDRESS] > 0
    assert not report.allowances[Allowed.FRAME]


def test_no_difference_of_versions_is_allowed_here(simple: Scenario) -> None:
    step = first_read(simple)
    n = step.operation.n
    foreign = {"e": "kvm_mmu_invalidate_zap_all_pages", "valid_gen": "1", "used_pages": "2"}
    [finding] = findings(changed(simple, n, events=(*step.events, foreign)))
    assert (finding.operation, finding.event) == (n, foreign["e"])
    assert finding.expected is None
    comparison = Comparison(simple, V6_1)
    for recorded, model in zip(
        simple.steps, map(Runner(simple, V6_1).step, simple.ops), strict=True
    ):
        used = {a for row in comparison.step(recorded, model).rows for a in row.allowances}
        assert not used & {Allowance.NOT_PRINTED, Allowance.NO_TRACE_POINT}


def test_a_missing_field_is_no_difference_of_versions(simple: Scenario) -> None:
    step = next(s for s in simple.steps if any(e["e"] == "kvm_mmu_get_page" for e in s.events))
    events = tuple({k: v for k, v in e.items() if k != "ad"} for e in step.events)
    finding = findings(changed(simple, step.operation.n, events=events))[0]
    assert (finding.event, finding.field, finding.expected) == ("kvm_mmu_get_page", "ad", "ad")


def test_a_frame_that_is_told_is_exact(simple: Scenario) -> None:
    step = next(s for s in simple.steps if any("pfn" in e for e in s.events))
    events = tuple({**e, "pfn": "1ff0"} if "pfn" in e else e for e in step.events)
    finding = findings(changed(simple, step.operation.n, events=events))[0]
    assert (finding.operation, finding.field) == (step.operation.n, "pfn")
    assert finding.expected in {run_pfn(simple, e["gfn"]) for e in step.events if "pfn" in e}


def run_pfn(scenario: Scenario, gfn: str) -> str:
    number = int(gfn, 16)
    runs = [run for frames in scenario.frames for run in frames.runs]
    [pfn] = {r.pfn + number - r.gfn for r in runs if r.gfn <= number < r.gfn + r.count}
    return f"{pfn:x}"


def test_outcome_counter_and_event_are_explained(simple: Scenario) -> None:
    step = first_read(simple)
    n = step.operation.n
    wrong = replace(step.outcome, value=1)
    stats = {**step.stats, "pf_taken": step.stats["pf_taken"] + 5}
    events = list(step.events)
    place = next(i for i, e in enumerate(events) if e["e"] == "kvm_mmu_paging_element")
    events[place] = {**events[place], "pte": "14006"}
    found = findings(changed(simple, n, outcome=wrong, stats=stats, events=tuple(events)))
    assert [f.operation for f in found if f.operation != n] == []
    event, outcome, counter = found
    assert (event.event, event.field, event.recorded) == ("kvm_mmu_paging_element", "pte", "14006")
    assert (event.rule, event.accepted) == (
        "WALK-1",
        (f"{event.event} pte {event.expected} level 4",),
    )
    assert (outcome.event, outcome.field, outcome.recorded) == (None, "outcome.value", "1")
    assert (counter.field, counter.recorded) == ("stats.pf_taken", str(stats["pf_taken"]))


def test_a_fault_beside_the_mmu_is_compared(simple: Scenario) -> None:
    step = next(s for s in simple.steps if any(e["e"] == "kvm_page_fault" for e in s.events))
    for field, value in (("addr", "1234"), ("error_code", "1"), ("vcpu", "1"), ("rip", "12")):
        events = tuple(
            {**e, field: value} if e["e"] == "kvm_page_fault" else e for e in step.events
        )
        finding = findings(changed(simple, step.operation.n, events=events))[0]
        assert (finding.event, finding.field, finding.recorded) == ("kvm_page_fault", field, value)


def test_an_operation_that_the_model_cannot_do_ends_the_comparison(
    simple: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(runner: Runner, operation: Operation) -> ModelStep:
        if operation.n == 5:
            raise SlotError("there is no slot 7")
        return possible(runner, operation)

    possible = Runner.step
    monkeypatch.setattr(Runner, "step", step)
    report = examine_scenario(simple)
    [finding] = report.findings
    assert (report.agree, report.operations) == (4, 61)
    assert (finding.operation, finding.field) == (5, "operation")
    assert "there is no slot 7" in str(finding.expected)


def test_the_tdp_mmu_is_not_modelled() -> None:
    report = examine(RECORDINGS / "linux-6.1" / "tdp-a-simple.json.gz")
    assert report.agrees
    assert "not modelled" in report.not_modelled
    assert report.operations == 0


def test_a_kernel_that_is_not_modelled_is_refused(tmp_path: Path) -> None:
    value = example()
    value["lab"]["kernel"] = "Linux 4.4.0"
    with pytest.raises(ScenarioError, match=r"lab\.kernel: expected .*v6\.1.*found .*4\.4"):
        examine_scenario(parsed(value))


# --- the host reschedules ---------------------------------------------------------------

GIVES_UP = 33
"""An operation of the recording in which a fault synchronizes what it is going to link."""


def as_recorded(step: ModelStep, companions: list[Companion]) -> list[dict[str, str]]:
    printed = [{"e": e.name, **printed_fields(e, V6_1)} for e in step.events]
    for companion in reversed([c for c in companions if c.after is not None]):
        printed.insert(companion.after or 0, {"e": companion.event, **companion.fields})
    return printed


def rescheduled(scenario: Scenario) -> Scenario:
    """Return what the kernel would have printed, had the host rescheduled in that operation."""
    runner = Runner(scenario, V6_1, {GIVES_UP: 0})
    watch = Watch(lambda: len(runner.events))
    runner.kvm.observers.append(watch)
    steps = []
    for recorded in scenario.steps:
        watch.noted.clear()
        model = runner.step(recorded.operation)
        stats = dict(recorded.stats)
        if recorded.operation.n >= GIVES_UP and "pf_taken" in stats:
            stats["pf_taken"] += 1
        if recorded.operation.n == GIVES_UP:
            renamed = _kernel_addresses(recorded, as_recorded(model, watch.noted))
            recorded = replace(recorded, events=tuple(renamed))
        steps.append(replace(recorded, stats=stats))
    return replace(scenario, steps=tuple(steps))


def _kernel_addresses(recorded: RecordedStep, events: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return *events* with the table addresses that the recording has in its own events."""
    theirs = iter([e["sptep_pa"] for e in recorded.events if "sptep_pa" in e])
    return [{**e, "sptep_pa": next(theirs)} if "sptep_pa" in e else e for e in events]


def test_synchronizing_that_was_given_up_is_allowed_once() -> None:
    report = examine_scenario(rescheduled(read_scenario(UNSYNC)))
    assert report.findings == []
    assert report.allowances[Allowed.SYNC_GIVEN_UP] == 1


def test_a_fault_more_is_not_allowed_where_nothing_was_synchronized(simple: Scenario) -> None:
    step = first_read(simple)
    report: ScenarioReport = examine_scenario(
        changed(simple, step.operation.n, events=(*step.events, *step.events))
    )
    assert {finding.operation for finding in report.findings} == {step.operation.n}
    assert not report.allowances[Allowed.SYNC_GIVEN_UP]
