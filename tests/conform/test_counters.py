"""Counters are compared where both sides keep them, and blamed on one operation."""

from dataclasses import fields

import pytest

from mmuspec.conform.cited import COUNTER_RULES
from mmuspec.conform.counters import COMPARED, NOT_COMPARED, Counters
from mmuspec.epochs import EPOCHS
from mmuspec.kvm.state.stats import Stats
from mmuspec.scenario.read import read_scenario
from mmuspec.trace.rows import Difference
from tests.scenario.example import RECORDINGS

MODEL = Stats().snapshot()


def step(counters: Counters, changed: dict[str, int], **model: int) -> list[Difference]:
    return list(counters.step(changed, {**MODEL, **model}))


def test_a_counter_is_reported_where_it_goes_astray_and_only_there() -> None:
    counters = Counters("v6.1")
    assert step(counters, {"pf_taken": 1}, pf_taken=1) == []
    assert step(counters, {"pf_taken": 3}, pf_taken=2) == [Difference("pf_taken", "2", "3")]
    assert step(counters, {}, pf_taken=2) == []
    assert step(counters, {"pf_taken": 4}, pf_taken=3) == []
    assert step(counters, {"pf_taken": 4}, pf_taken=5) == [Difference("pf_taken", "5", "4")]


def test_a_wrong_value_in_one_operation_is_that_operation_s() -> None:
    counters = Counters("v6.1")
    assert len(step(counters, {"mmu_cache_miss": 9}, mmu_cache_miss=1)) == 1
    assert step(counters, {"mmu_cache_miss": 2}, mmu_cache_miss=2) == []


def test_a_counter_that_did_not_change_keeps_its_value() -> None:
    counters = Counters("v6.1")
    step(counters, {"mmu_unsync": 1}, mmu_unsync=1)
    assert step(counters, {}, mmu_unsync=0) == [Difference("mmu_unsync", "0", "1")]


def test_the_tables_name_counters_that_there_are() -> None:
    assert COMPARED.keys() == EPOCHS.keys()
    kept = {field.name for field in fields(Stats)}
    assert {ours for names in COMPARED.values() for ours in names.values()} <= kept
    assert COUNTER_RULES.keys() <= kept
    for names in COMPARED.values():
        assert not names.keys() & NOT_COMPARED.keys()


@pytest.mark.parametrize("kernel", ["linux-5.10", "linux-6.1", "linux-6.1-686pae"])
@pytest.mark.parametrize("name", ["d-unsync-pae", "h-huge-pae", "b-mmio-pae"])
def test_every_counter_that_changes_is_compared_or_has_a_reason(kernel: str, name: str) -> None:
    scenario = read_scenario(RECORDINGS / kernel / f"{name}.json.gz")
    compared = COMPARED[scenario.kernel_version or ""]
    changed = {counter for step in scenario.steps for counter in step.stats}
    assert len(changed & compared.keys()) > 5
    assert changed <= compared.keys() | NOT_COMPARED.keys()
