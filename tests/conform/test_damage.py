"""Damaged recordings are found out, at the operation that was damaged.

What no rule can find is shown here, too, and listed in ``docs/conformance.md``.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest

from mmuspec.conform.examine import TDP_MMU, examine_scenario
from mmuspec.conform.findings import Allowed
from mmuspec.scenario.read import read_scenario
from mmuspec.scenario.recording import RecordedStep, Scenario
from tests.scenario.example import RECORDINGS

from .damage import KINDS, Damage, damaged

LONG = "k-mmiowrap"
"""Thousands of operations in one: not damaged, to save time."""
FILES = [
    path
    for path in sorted(RECORDINGS.rglob("*.json.gz"))
    if not path.name.startswith((TDP_MMU, LONG))
]
DETECTED = 0.99
"""The part of all damages that must be found at the right operation."""

Verdict = tuple[Damage, bool]


def several(job: tuple[Path, str]) -> list[Verdict]:
    """Damage one operation in each way, all in one copy; only those operations may differ."""
    path, seed = job
    scenario, random = read_scenario(path), Random(f"{path.name} {path.parent.name} {seed}")
    damages: list[Damage] = []
    for kind in KINDS:
        done = damaged(scenario, random, kind, avoid=frozenset(d.operation for d in damages))
        if done:
            scenario, damage = done
            damages.append(damage)
    found = {finding.operation for finding in examine_scenario(scenario).findings}
    clean = found <= {damage.operation for damage in damages}
    return [(damage, clean and damage.operation in found) for damage in damages]


def one_by_one(job: tuple[Path, str]) -> list[Verdict]:
    """Damage copies in one place each; that must be the first operation that differs."""
    path, seed = job
    scenario, random = read_scenario(path), Random(f"{path.name} {path.parent.name} {seed}")
    verdicts = []
    for kind in KINDS * 6:
        done = damaged(scenario, random, kind)
        if done:
            findings = examine_scenario(done[0]).findings
            verdicts.append((done[1], [f.operation for f in findings][:1] == [done[1].operation]))
    return verdicts


def judged(verdicts: Sequence[Verdict]) -> None:
    missed = [damage for damage, detected in verdicts if not detected]
    assert {damage.kind for damage, _ in verdicts} == set(KINDS)
    assert len(missed) <= (1 - DETECTED) * len(verdicts), missed


def in_parallel(
    work: Callable[[tuple[Path, str]], list[Verdict]], files: Sequence[Path], seed: str
) -> list[Verdict]:
    with get_context("spawn").Pool(2) as pool:
        return list(chain.from_iterable(pool.map(work, [(path, seed) for path in files])))


def test_a_sample_of_damages_is_detected() -> None:
    verdicts = in_parallel(several, FILES[::2], "day")
    assert len(verdicts) > 200
    judged(verdicts)


@pytest.mark.nightly
@pytest.mark.skipif(
    os.environ.get("MMUSPEC_NIGHTLY") != "1", reason="long: set MMUSPEC_NIGHTLY=1 to run it"
)
def test_thousands_of_damages_are_detected() -> None:
    verdicts = in_parallel(one_by_one, FILES, "night")
    assert len(verdicts) > 2500
    judged(verdicts)


# --- what no rule can find --------------------------------------------------------------


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return read_scenario(RECORDINGS / "linux-6.1" / "d-unsync-long4.json.gz")


def with_events(
    scenario: Scenario, change: dict[str, str] | None = None, repeat: str = "", drop: str = ""
) -> Scenario:
    def step(recorded: RecordedStep) -> RecordedStep:
        events = []
        for event in recorded.events:
            if event["e"] != drop:
                moved = {k: _renamed(v, change or {}) for k, v in event.items()}
                events += [moved] * (2 if event["e"] == repeat else 1)
        return replace(recorded, events=tuple(events))

    return replace(scenario, steps=tuple(map(step, scenario.steps)))


def _renamed(text: str, change: dict[str, str]) -> str:
    for old, new in change.items():
        if text[:-3].endswith(old):
            return text[:-3].removesuffix(old) + new + text[-3:]
    return text


def a_table(scenario: Scenario) -> str:
    """Return the page of a table that has several mentions."""
    pages = [e["sptep_pa"][:-3] for s in scenario.steps for e in s.events if "sptep_pa" in e]
    return max(pages, key=pages.count)


def test_a_table_that_is_elsewhere_throughout_is_not_found(scenario: Scenario) -> None:
    page = a_table(scenario)
    moved = with_events(scenario, {page: "5abc"})
    assert moved != scenario
    assert examine_scenario(moved).agrees


def test_a_table_that_is_elsewhere_once_is_found(scenario: Scenario) -> None:
    moved = with_events(scenario, {a_table(scenario): "5abc"})
    at = next(n for n, s in enumerate(scenario.steps) if s != moved.steps[n])
    steps = (*scenario.steps[:at], moved.steps[at], *scenario.steps[at + 1 :])
    found = examine_scenario(replace(scenario, steps=steps)).findings
    assert {(f.operation, f.field) for f in found} == {(moved.steps[at].operation.n, "sptep_pa")}


def test_events_for_the_reader_are_not_compared(scenario: Scenario) -> None:
    for name in ("kvm_exit", "kvm_emulate_insn", "fn:kvm_mmu_page_fault"):
        dropped = with_events(scenario, drop=name)
        assert dropped != scenario
        assert examine_scenario(dropped).agrees


def test_a_repeated_injection_is_allowed_and_counted(scenario: Scenario) -> None:
    before = examine_scenario(scenario).allowances[Allowed.INJECTION_REPEATED]
    path = RECORDINGS / "linux-6.1" / "a-simple-long4.json.gz"
    report = examine_scenario(with_events(read_scenario(path), repeat="kvm_inj_exception"))
    assert before == 0
    assert report.agrees
    assert report.allowances[Allowed.INJECTION_REPEATED] == 18
