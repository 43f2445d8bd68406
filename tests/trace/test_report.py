import json

from mmuspec.trace.report import (
    WIDTH,
    operation_lines,
    operation_object,
    summary_lines,
    summary_object,
)

from .test_compare import READ, everywhere, reports, summary_of
from .witness import changed, replay, with_field, without


def lines(report: object, **options: bool) -> list[str]:
    return list(operation_lines(report, **options))  # type: ignore[arg-type]


def test_an_operation_that_agrees() -> None:
    found = lines(reports(replay)[READ - 1])
    assert found[0] == "operation 3: read vcpu=0 cpl=0 a=0x40000000: agrees"
    assert "  = kvm_mmu_paging_element: pte 14007 level 4" in found
    assert "  . fn:kvm_mmu_sync_roots:" in found
    assert not any(line.startswith("  !") for line in found)
    assert lines(reports(replay)[READ - 1], only_differences=True) == found[:1]


def test_a_field_that_differs_is_shown_on_both_sides() -> None:
    found = lines(reports(changed(READ, with_field(1, pte=0x99)))[READ - 1], only_differences=True)
    assert found == [
        "operation 3: read vcpu=0 cpl=0 a=0x40000000: DIFFERS",
        "  ! kvm_mmu_paging_element",
        "      model     pte 99 level 4",
        "      recorded  pte 14007 level 4",
        "      pte: model 99, recorded 14007",
    ]


def test_an_event_of_one_side() -> None:
    found = lines(reports(changed(READ, without(1)))[READ - 1], only_differences=True)
    assert found[1:] == [
        "  ! only in the recording: kvm_mmu_paging_element: pte 14007 level 4",
    ]


def test_chosen_addresses_are_shown() -> None:
    found = lines(reports(everywhere)[READ - 1])
    assert "      model: spte 777a25, sptep_pa 5008" in found


def test_lines_stay_within_the_width() -> None:
    everything = [line for report in reports(everywhere) for line in lines(report)]
    everything += summary_lines(summary_of(reports(everywhere)))
    assert max(map(len, everything)) <= WIDTH


def test_the_summary() -> None:
    found = list(summary_lines(summary_of(reports(changed(READ, without(1))))))
    assert found == [
        "7 operations: 6 agree, 1 differ; 11 events: 10 equal, 0 allowed, 1 differ; "
        "0 outcomes differ"
    ]


def test_objects_are_json() -> None:
    found = reports(changed(READ, with_field(1, pte=0x99)))
    operation = json.loads(json.dumps(operation_object(found[READ - 1])))
    assert (operation["n"], operation["do"], operation["agree"]) == (READ, "read", False)
    row = operation["events"][2]
    assert (row["status"], row["event"]) == ("different", "kvm_mmu_paging_element")
    assert row["fields"] == [{"field": "pte", "model": "99", "recorded": "14007"}]
    summary = json.loads(json.dumps(summary_object(summary_of(found))))
    assert summary["events"]["total"] == 11
    assert summary["differ"] == 1
