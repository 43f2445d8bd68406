"""What a chapter's rules must satisfy beyond their syntax."""

import difflib
import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mmuspec.rules import places
from mmuspec.rules.parse import read
from mmuspec.rules.registry import Mutant, Problem, Registry, Rule, RulesError

CLAUSE = re.compile(r"\bC[1-6]\b")
"""A clause of the contract, as a rule names it."""

VERSION = re.compile(r"v\d+\.\d+")
"""A kernel version, as a rule names it."""


def checked(folder: Path | None = None) -> Registry:
    """Read the chapters of *folder* and insist that nothing is wrong with them.

    :raises RulesError: with every problem, each with its file and line
    """
    registry = read(folder)
    found = problems(registry)
    if found:
        raise RulesError(found)
    return registry


def problems(registry: Registry) -> list[Problem]:
    """Return everything wrong with the chapters, in order of chapter and line."""
    found = [*registry.problems, *_duplicates(registry), *_examples(registry), *_mutants(registry)]
    for rule in registry.rules:
        found += (Problem(rule.chapter, rule.line, f"rule {rule.id}: {t}") for t in _rule(rule))
    return sorted(found, key=lambda p: (registry.chapters.index(p.chapter), p.line, p.text))


@cache
def symbols() -> dict[str, dict[str, Any]]:
    """Return the recorded kernel symbols by name."""
    table = json.loads((places.DATA / "symbols.json").read_text(encoding="utf-8"))
    return {symbol["name"]: symbol for symbol in table["symbols"]}


@cache
def claims() -> dict[str, str]:
    """Return the statements of the 2013 documentation series by their id."""
    table = json.loads((places.DATA / "series" / "claims.json").read_text(encoding="utf-8"))
    return {claim["id"]: claim["claim"] for claim in table["claims"]}


def _suggest(name: str, known: Collection[str]) -> str:
    """Return what *name* may have meant, as the tail of a sentence."""
    alike = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(alike)}?" if alike else ""


def _in_interval(rule: Rule, symbol: str) -> bool:
    """Tell whether *symbol* is in some recorded kernel version of the rule's interval."""
    presence = symbols()[symbol]["presence"]
    labels = list(presence)
    first = labels.index(rule.since) if rule.since in labels else 0
    last = labels.index(rule.until) if rule.until in labels else len(labels)
    return any(presence[label] for label in labels[first:last])


def _rule(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with one rule."""
    for symbol in rule.symbols:
        if symbol not in symbols():
            yield f"no kernel symbol {symbol!r} is recorded{_suggest(symbol, symbols())}"
        elif not _in_interval(rule, symbol):
            yield f"no kernel between 'since' and 'until' has {symbol}"
    for claim in rule.claims:
        if claim not in claims():
            yield f"no claim {claim!r}{_suggest(claim, claims())}"
    for name in ("since", "until"):
        value = getattr(rule, name)
        if value and not VERSION.fullmatch(value):
            yield f"{name!r} is {value!r}, not a kernel version such as v3.11"
    if rule.without and not CLAUSE.search(rule.without):
        yield "'without' names no clause of the contract (C1 to C6)"
    if not rule.examples:
        yield f"no example shows it; write ```{{doctest}} {rule.id} in a chapter"
    if not rule.mutants:
        yield f"no mutant breaks it; write ```{{mutant}} {rule.id}/some-words module:function"


def _duplicates(registry: Registry) -> Iterator[Problem]:
    """Yield the ids that are given twice, at the second place."""
    seen: dict[str, str] = {}
    things: list[Rule | Mutant] = [*registry.rules, *registry.mutants]
    for thing in things:
        if thing.id in seen:
            text = f"id {thing.id} is taken by {seen[thing.id]}"
            yield Problem(thing.chapter, thing.line, text)
        seen.setdefault(thing.id, f"{thing.chapter}:{thing.line}")


def _examples(registry: Registry) -> Iterator[Problem]:
    """Yield the examples that name rules there are not."""
    ids = {rule.id for rule in registry.rules}
    for example in registry.examples:
        for ident in example.rules:
            if ident not in ids:
                text = f"the example names rule {ident!r}, which no chapter has"
                yield Problem(example.chapter, example.line, text + _suggest(ident, ids))


def _mutants(registry: Registry) -> Iterator[Problem]:
    """Yield the mutants of rules there are not, or of another chapter's rules."""
    homes = {rule.id: rule.chapter for rule in registry.rules}
    for mutant in registry.mutants:
        if not mutant.rule:
            continue
        if mutant.rule not in homes:
            text = f"mutant {mutant.id} breaks rule {mutant.rule!r}, which no chapter has"
            yield Problem(mutant.chapter, mutant.line, text + _suggest(mutant.rule, homes))
        elif homes[mutant.rule] != mutant.chapter:
            text = f"mutant {mutant.id} belongs beside its rule, in {homes[mutant.rule]}"
            yield Problem(mutant.chapter, mutant.line, text)
