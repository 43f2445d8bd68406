"""The registry of rules, read from the chapters.

A rule is written once, in its chapter.  :func:`read` gathers the rules, the
examples that show them and the mutants that break them, without building the
site; :mod:`mmuspec.rules.evidence` runs the examples against the mutants.
"""

from mmuspec.rules.check import checked, claims, problems
from mmuspec.rules.parse import read
from mmuspec.rules.registry import (
    Example,
    Mutant,
    Problem,
    Registry,
    Rule,
    RulesError,
    page_of,
)

__all__ = [
    "Example",
    "Mutant",
    "Problem",
    "Registry",
    "Rule",
    "RulesError",
    "checked",
    "claims",
    "page_of",
    "problems",
    "read",
]
