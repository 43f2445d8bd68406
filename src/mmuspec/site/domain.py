"""What the site knows about the rules, and which pages that makes out of date."""

import hashlib
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from mmuspec.rules import Registry, places, problems, read
from mmuspec.rules.epochs import statuses
from mmuspec.rules.evidence import Evidence, collect, digest_of_sources

log = logging.getLogger(__name__)

NAME = "mmuspec"
"""The domain's name, as references carry it."""


class RulesDomain(Domain):
    """The rules of the chapters, and what running them showed.

    ``registry`` and ``evidence`` are those of this build.  The stored data are, for each page
    with something generated, a digest of what it was generated from.
    """

    name = NAME
    label = "rules"
    initial_data: ClassVar[dict[str, Any]] = {"generated": {}}
    data_version = 1

    registry: Registry
    evidence: Evidence

    def note_generated(self, *, everything: bool = False) -> None:
        """Note that the current page shows the rules of its chapter, or of every chapter."""
        page = self.env.docname
        _, known = self.data["generated"].get(page, ("", False))
        everything = everything or known
        self.data["generated"][page] = (self.digest(page, everything), everything)

    def digest(self, page: str, everything: bool) -> str:
        """Return a digest of what is generated into *page*."""
        shown = [
            (
                rule,
                [self.evidence.verdict(mutant.id) for mutant in rule.mutants],
                statuses(rule, self.evidence.runs),
            )
            for rule in self.registry.rules
            if everything or rule.page == page
        ]
        return hashlib.sha256(f"{digest_of_sources()}{shown}".encode()).hexdigest()

    def clear_doc(self, docname: str) -> None:
        """Forget one page."""
        self.data["generated"].pop(docname, None)

    def merge_domaindata(self, docnames: Set[str], otherdata: dict[str, Any]) -> None:
        """Take over the pages that another process read."""
        other = otherdata["generated"]
        self.data["generated"].update({page: other[page] for page in other if page in docnames})

    def resolve_xref(
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        """Return a link to the rule called *target*, or to a ``page#anchor``, or None."""
        if typ == "place":
            page, _, anchor = target.partition("#")
            return make_refnode(builder, fromdocname, page, anchor, contnode)
        rule = self.registry.rule(target)
        if rule is None:
            return None
        return make_refnode(builder, fromdocname, rule.page, rule.anchor, contnode, rule.title)

    def resolve_any_xref(self, *args: Any, **kwargs: Any) -> list[tuple[str, nodes.reference]]:
        """Return nothing: rules are cited by their own role."""
        return []

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        """Yield the rules for the search."""
        for rule in self.registry.rules:
            yield rule.id, f"{rule.id} {rule.title}", "rule", rule.page, rule.anchor, 1


def domain_of(env: BuildEnvironment) -> RulesDomain:
    """Return the domain of this build."""
    found = env.domains[RulesDomain.name]
    assert isinstance(found, RulesDomain)
    return found


def gather(app: Sphinx) -> None:
    """Read the chapters, run their evidence, and warn of everything that is wrong."""
    domain = domain_of(app.env)
    domain.registry = read(Path(app.srcdir))
    build = places.checkout()
    cache = build / "build" / "evidence.json" if build else None
    domain.evidence = collect(domain.registry, cache=cache)
    for problem in [*problems(domain.registry), *domain.evidence.problems]:
        path = domain.registry.path(problem.chapter)
        log.warning("%s", problem.text, location=f"{path}:{problem.line}", type="mmuspec")


def outdated(
    app: Sphinx, env: BuildEnvironment, added: Set[str], changed: Set[str], removed: Set[str]
) -> list[str]:
    """Return the pages whose generated parts would now be different."""
    domain = domain_of(env)
    generated = domain.data["generated"].items()
    return [
        page
        for page, (digest, everything) in generated
        if page not in removed and digest != domain.digest(page, everything)
    ]
