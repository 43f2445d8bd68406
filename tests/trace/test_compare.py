"""The comparison finds what differs, says where, and allows nothing without a name."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.epochs import V3_11, V6_1, Epoch
from mmuspec.events import PagingElement, SetSpte, SpteRequested, ZapAllFast
from mmuspec.scenario.operation import Read, Xchg
from mmuspec.scenario.outcome import Fault, Outcome
from mmuspec.scenario.recording import Scenario
from mmuspec.trace.allowance import Allowance
from mmuspec.trace.compare import Comparison, WitnessStep, compare_outcomes
from mmuspec.trace.rows import Difference, OperationReport, Status, Summary, without_context
from tests.scenario.example import SHADOW_PAGE, example, parsed

from .witness import Step, changed, replay, with_field, without

Witness = Callable[[Scenario, Epoch], Iterable[WitnessStep]]
READ = 3
"""The operation of the example that has most events."""
SET_SPTE = 8
"""Place of its ``kvm_mmu_set_spte`` among the events that are compared."""


def reports(witness: Witness, *, value: Any = None, epoch: Epoch = V6_1) -> list[OperationReport]:
    scenario = parsed(example() if value is None else value)
    comparison = Comparison(scenario, epoch)
    steps = zip(scenario.steps, witness(scenario, epoch), strict=True)
    return [comparison.step(recorded, step) for recorded, step in steps]


def summary_of(found: list[OperationReport]) -> Summary:
    summary = Summary()
    for report in found:
        summary.add(report)
    return summary


def the_difference(found: list[OperationReport]) -> OperationReport:
    [report] = [report for report in found if not report.agrees]
    return report


def test_a_replay_agrees_completely() -> None:
    found = reports(replay)
    summary = summary_of(found)
    assert (summary.agree, summary.differ) == (7, 0)
    assert summary.events == {Status.EQUAL: 11}
    assert not summary.allowances


def test_context_is_shown_in_its_place_and_not_compared() -> None:
    report = reports(replay)[READ - 1]
    places = [n for n, row in enumerate(report.rows) if row.status is Status.CONTEXT]
    assert places == [0, 8]
    assert len(without_context(report).rows) == len(report.rows) - 2


@pytest.mark.parametrize("place", range(9))
def test_a_missing_event_is_the_only_difference(place: int) -> None:
    report = the_difference(reports(changed(READ, without(place))))
    assert report.operation.n == READ
    [row] = [row for row in report.rows if not row.agrees]
    assert row.status is Status.ONLY_RECORDED
    assert row.event == [r.event for r in without_context(report).rows][place]


@given(st.integers(0, 9))
def test_an_event_too_many_is_the_only_difference(place: int) -> None:
    def insert(step: Step) -> Step:
        extra = PagingElement(0xDEAD, 5)
        return replace(step, events=(*step.events[:place], extra, *step.events[place:]))

    report = the_difference(reports(changed(READ, insert)))
    [row] = [row for row in report.rows if not row.agrees]
    assert (row.status, row.model) == (Status.ONLY_MODEL, {"pte": "dead", "level": "5"})


@pytest.mark.parametrize(
    ("place", "values", "difference"),
    [
        (0, {"addr": 0x5000}, Difference("addr", "5000", "40000000")),
        (1, {"pte": 0x14027}, Difference("pte", "14027", "14007")),
        (6, {"gfn": 0x11}, Difference("gfn", "11", "10")),
        (6, {"created": False}, Difference("created", "existing", "new")),
        (6, {"root_count": 1}, Difference("root_count", "1", "0")),
        (SET_SPTE, {"spte": 0x1E66A27}, Difference("spte", "1e66a27", "1e66a25")),
        (SET_SPTE, {"sptep": 0x80AA010}, Difference("sptep_pa", "80aa010", "80aa008")),
    ],
)
def test_a_changed_field_is_named(
    place: int, values: dict[str, int], difference: Difference
) -> None:
    report = the_difference(reports(changed(READ, with_field(place, **values))))
    [row] = [row for row in report.rows if not row.agrees]
    assert row.status is Status.DIFFERENT
    assert difference in row.differences


def test_a_role_bit_is_named() -> None:
    role = (4 << 0) | (1 << 7) | (7 << 8) | (1 << 12)
    report = the_difference(reports(changed(READ, with_field(6, role=role))))
    [row] = [row for row in report.rows if not row.agrees]
    assert row.differences == (Difference("direct", "direct", None),)


def test_a_different_outcome_is_named() -> None:
    def forget(step: Step) -> Step:
        return replace(step, outcome=Outcome(value=0x1234))

    report = the_difference(reports(changed(READ, forget)))
    assert report.outcome == (Difference("value", "0x1234", "0x40000010e6"),)
    report = the_difference(reports(changed(4, forget)))
    assert report.outcome == (
        Difference("value", "0x1234", None),
        Difference("fault", None, "vector 0xe error_code 0x7 cr2 0x40001008"),
    )
    code = replace(Outcome(), fault=Fault(14, 5, 0x40001008))
    report = the_difference(reports(changed(4, lambda step: replace(step, outcome=code))))
    assert [part.field for part in report.outcome] == ["fault"]


@pytest.mark.parametrize(("n", "part"), [(5, "dirty"), (6, "rc"), (7, "mmio")])
def test_every_part_of_the_outcome_is_compared(n: int, part: str) -> None:
    def empty(step: Step) -> Step:
        return replace(step, outcome=replace(step.outcome, **{part: getattr(Outcome(), part)}))

    report = the_difference(reports(changed(n, empty)))
    assert [difference.field for difference in report.outcome] == [part]


# --- chosen addresses -----------------------------------------------------------------


def moved(step: Step) -> Step:
    """Put the frame and the table of the example elsewhere, everywhere in *step*."""
    events = []
    for event in step.events:
        if isinstance(event, SpteRequested):
            event = replace(event, pfn=0x777)
        if isinstance(event, SetSpte):
            event = replace(event, spte=event.spte & 0xFFF | 0x777 << 12, sptep=0x5008)
        events.append(event)
    return replace(step, events=tuple(events))


def twice(*, pfn: str = "1e66", sptep: str = "80aa008") -> Any:
    """Return the example with its last operation setting the spte once more."""
    value = example()
    requested, spte = (dict(event) for event in value["ops"][READ - 1]["events"][-2:])
    requested["pfn"], spte["spte"], spte["sptep_pa"] = pfn, f"{pfn}a25", sptep
    value["ops"][6]["events"] = [requested, spte]
    return value


def everywhere(scenario: Scenario, epoch: Epoch) -> Iterable[Step]:
    return map(moved, replay(scenario, epoch))


def test_chosen_addresses_are_matched_and_counted() -> None:
    summary = summary_of(reports(everywhere, value=twice()))
    assert summary.differ == 0
    assert summary.allowances == {Allowance.FRAME: 4, Allowance.SPTE_ADDRESS: 2}


def test_a_table_that_changes_its_place_differs() -> None:
    value = twice(sptep="80bb008")
    del value["ops"][5]["events"][0]
    report = the_difference(reports(everywhere, value=value))
    assert [d.field for row in report.rows for d in row.differences] == ["sptep_pa"]


def test_a_table_may_change_its_place_after_a_page_was_zapped() -> None:
    assert {"e": "kvm_mmu_prepare_zap_page", **SHADOW_PAGE} in example()["ops"][5]["events"]
    summary = summary_of(reports(everywhere, value=twice(sptep="80bb008")))
    assert summary.differ == 0
    assert summary.allowances[Allowance.REUSED] == 1


def test_a_frame_may_change_after_the_memory_was_dropped() -> None:
    value = twice(pfn="1e99")
    summary = summary_of(reports(everywhere, value=value))
    assert (summary.differ, summary.allowances[Allowance.REUSED]) == (0, 1)
    value["ops"][5] = {**value["ops"][4], "n": 6}
    report = the_difference(reports(everywhere, value=value))
    assert {d.field for row in report.rows for d in row.differences} == {"pfn"}


def test_the_address_in_an_mmio_spte_is_not_chosen() -> None:
    value = example()
    value["ops"][6]["events"] = [
        {
            "e": "kvm_mmu_set_spte",
            "gfn": "d0000",
            "spte": "380000d0000027",
            "rwxu": "rwxu",
            "level": "1",
            "sptep_pa": "80aa000",
        }
    ]
    spte = 0x380000D0001027
    report = the_difference(reports(changed(7, with_field(0, spte=spte)), value=value))
    assert report.rows[0].differences == (Difference("spte", f"{spte:x}", "380000d0000027"),)


# --- another version ------------------------------------------------------------------


def test_what_only_one_version_prints_is_allowed_by_name() -> None:
    def older(scenario: Scenario, epoch: Epoch) -> Iterable[Step]:
        late = (SetSpte, SpteRequested)
        for step in replay(scenario, V3_11):
            yield replace(step, events=tuple(e for e in step.events if not isinstance(e, late)))

    summary = summary_of(reports(older, epoch=V3_11))
    assert summary.differ == 0
    assert summary.allowances == {Allowance.NOT_PRINTED: 4, Allowance.NO_TRACE_POINT: 2}
    assert summary.events == {Status.EQUAL: 7, Status.ALLOWED: 4}


def test_the_renamed_trace_point_is_compared() -> None:
    value = example()
    value["ops"][4]["events"] = [{"e": "kvm_mmu_zap_all_fast", "valid_gen": "0", "used_pages": "a"}]

    def older(used: int) -> Witness:
        from mmuspec.events import InvalidateZapAllPages

        event = InvalidateZapAllPages(0, used)
        return changed(5, lambda step: replace(step, events=(event,)))

    def row(used: int) -> Any:
        return reports(older(used), value=value, epoch=V3_11)[4].rows[0]

    assert (row(10).status, row(10).allowances) == (Status.ALLOWED, (Allowance.NO_TRACE_POINT,))
    assert row(11).differences == (Difference("used_pages", "b", "a"),)
    assert ZapAllFast.name == row(10).event


def test_nothing_is_allowed_between_equal_versions() -> None:
    value = example()
    del value["ops"][READ - 1]["events"][7]["ad"]
    report = the_difference(reports(replay, value=value))
    assert [d for row in report.rows for d in row.differences] == [Difference("ad", "ad", None)]


def test_an_exchange_may_be_recorded_without_its_old_value() -> None:
    xchg = Xchg(n=1, vcpu=0, cpl=0, a=0, val=1)
    assert not list(compare_outcomes(Outcome(value=7), Outcome(), xchg))
    assert list(compare_outcomes(Outcome(value=7), Outcome(value=8), xchg))
    read = Read(n=1, vcpu=0, cpl=0, a=0)
    assert list(compare_outcomes(Outcome(value=7), Outcome(), read))
