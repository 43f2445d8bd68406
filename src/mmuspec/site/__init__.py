"""The Sphinx extension that turns chapters into pages.

Directives ``rule``, ``mutant``, ``doctest``, ``draw`` and ``evidence-matrix``, and the role
``rule``; all of them show what :mod:`mmuspec.rules` read and ran.  Directives ``epoch-diff`` and
``epoch-defects`` show what :mod:`mmuspec.epochs` says; ``protocol``, ``schedule``, ``guards``
and ``states`` what :mod:`mmuspec.interleave` found.
"""

from typing import Any

from sphinx.application import Sphinx

from mmuspec import __version__
from mmuspec.site.api import resolve_exported
from mmuspec.site.directives import ExampleDirective, MutantDirective, RuleDirective, RuleRole
from mmuspec.site.domain import RulesDomain, gather, outdated
from mmuspec.site.draw import DrawDirective
from mmuspec.site.epochs import DefectsDirective, DiffDirective
from mmuspec.site.evidence_matrix import MatrixDirective
from mmuspec.site.guards import GuardsDirective, StatesDirective
from mmuspec.site.interleave import ProtocolDirective, ScheduleDirective


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_domain(RulesDomain)
    app.add_role("rule", RuleRole())
    app.add_directive("rule", RuleDirective)
    app.add_directive("mutant", MutantDirective)
    app.add_directive("doctest", ExampleDirective)
    app.add_directive("draw", DrawDirective)
    app.add_directive("evidence-matrix", MatrixDirective)
    app.add_directive("epoch-diff", DiffDirective)
    app.add_directive("epoch-defects", DefectsDirective)
    app.add_directive("protocol", ProtocolDirective)
    app.add_directive("schedule", ScheduleDirective)
    app.add_directive("guards", GuardsDirective)
    app.add_directive("states", StatesDirective)
    app.connect("builder-inited", gather)
    app.connect("env-get-outdated", outdated)
    app.connect("missing-reference", resolve_exported)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
