"""The evidence of the real chapters."""

import functools

import pytest

from mmuspec.rules import Mutant, Registry, Rule, problems, read
from mmuspec.rules.evidence import Evidence, collect

REGISTRY = read()


@functools.cache
def evidence() -> Evidence:
    return collect()


@pytest.fixture(scope="module")
def registry() -> Registry:
    return REGISTRY


def test_nothing_is_wrong_with_the_chapters(registry: Registry) -> None:
    assert "\n".join(map(str, problems(registry))) == ""


def test_every_example_holds_and_every_mutant_fits_and_is_caught() -> None:
    assert "\n".join(map(str, evidence().problems)) == ""


@pytest.mark.parametrize("mutant", REGISTRY.mutants, ids=lambda mutant: mutant.id)
def test_mutant_is_caught(mutant: Mutant) -> None:
    verdict = evidence().verdict(mutant.id)
    assert verdict is not None, f"{mutant.chapter}:{mutant.line}: {mutant.id} was not run"
    assert verdict.killed, f"{mutant.chapter}:{mutant.line}: {mutant.id} survives"


@pytest.mark.parametrize("rule", REGISTRY.rules, ids=lambda rule: rule.id)
def test_rule_has_evidence(rule: Rule) -> None:
    caught = [m.id for m in rule.mutants if (v := evidence().verdict(m.id)) and v.killed]
    assert rule.examples, f"{rule.chapter}:{rule.line}: no example shows {rule.id}"
    assert caught, f"{rule.chapter}:{rule.line}: no mutant of {rule.id} is caught"
