"""The rules that a difference cites are rules of the book."""

import pytest

from mmuspec.conform.cited import COUNTER_RULES, EVENT_RULES, OUTCOME_RULES, rule_of_event
from mmuspec.conform.explain import COMPANION_RULES
from mmuspec.rules import read
from mmuspec.scenario.recorded_event import RECORDED_EVENTS

WITHOUT_RULE = {"kvm_tdp_mmu_spte_changed", "kvm_mmu_split_huge_page"}
"""Trace points about which no chapter states a rule yet."""


def test_every_cited_rule_exists() -> None:
    tables = (EVENT_RULES, OUTCOME_RULES, COUNTER_RULES, COMPANION_RULES)
    cited = {rule for table in tables for rule in table.values()}
    assert cited <= {rule.id for rule in read().rules}


@pytest.mark.parametrize("event", RECORDED_EVENTS)
def test_every_trace_point_has_a_rule_but_for_those_listed(event: str) -> None:
    assert (rule_of_event(event, None) is None) == (event in WITHOUT_RULE)


def test_a_field_may_have_a_rule_of_its_own() -> None:
    assert rule_of_event("kvm_mmu_get_page", "quadrant") == "ROLE-2"
    assert rule_of_event("kvm_mmu_get_page", "level") == rule_of_event("kvm_mmu_get_page", None)
    assert rule_of_event("kvm_mmu_sync_page", "gen") == "ZAP-1"


def test_the_table_names_events_and_fields_that_there_are() -> None:
    every = {key for forms in RECORDED_EVENTS.values() for key in forms}
    for event, field in EVENT_RULES:
        assert event == "*" or event in RECORDED_EVENTS
        assert field in {"*", *(every if event == "*" else RECORDED_EVENTS[event])}
