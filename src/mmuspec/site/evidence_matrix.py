"""The matrix of rules and evidence."""

from collections.abc import Sequence

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from mmuspec.epochs import EPOCHS
from mmuspec.rules import Rule, claims
from mmuspec.rules.epochs import statuses
from mmuspec.rules.tests import Test, naming
from mmuspec.site import parts
from mmuspec.site.domain import domain_of

HEAD = (
    "Rule",
    "Statement",
    "Examples",
    *EPOCHS,
    "Mutants, and what catches them",
    "Tests",
    "Symbols",
)


class MatrixDirective(SphinxDirective):
    """A table with a row for each rule, and below it the claims with the rules they rest on."""

    def run(self) -> list[nodes.Node]:
        """Return the tables."""
        domain = domain_of(self.env)
        domain.note_generated(everything=True)
        rules = domain.registry.rules
        if not rules:
            return [nodes.paragraph("", "No chapter has a rule yet.")]
        tests = naming()
        rows = [self._row(rule, tests.get(rule.id, [])) for rule in rules]
        return [
            self._summary(),
            parts.table(HEAD, rows, "evidence-matrix"),
            nodes.rubric("", "Claims of the 2013 series, and the rules that carry them"),
            parts.table(("Claim", "What it says", "Rules"), self._claims(rules), "claim-matrix"),
        ]

    def _summary(self) -> nodes.paragraph:
        domain = domain_of(self.env)
        killed = sum(verdict.killed for verdict in domain.evidence.verdicts)
        registry = domain.registry
        text = (
            f"{len(registry.rules)} rules, {len(registry.examples)} examples, "
            f"{killed} of {len(registry.mutants)} mutants caught."
        )
        return nodes.paragraph(text, text)

    def _row(self, rule: Rule, tests: Sequence[Test]) -> list[list[nodes.Node]]:
        registry = domain_of(self.env).registry
        examples = [parts.example_link(self.env, registry, example) for example in rule.examples]
        found = statuses(rule, domain_of(self.env).evidence.runs)
        epochs: list[list[nodes.Node]] = [[parts.status(status)] for status in found.values()]
        return [
            [parts.rule_link(self.env, rule.id)],
            list(self.parse_inline(rule.title, lineno=self.lineno)[0]),
            parts.joined(examples),
            *epochs,
            self._mutants(rule),
            parts.joined([nodes.literal(test.name, test.name) for test in tests]),
            parts.joined([nodes.literal(symbol, symbol) for symbol in rule.symbols]),
        ]

    def _mutants(self, rule: Rule) -> list[nodes.Node]:
        domain = domain_of(self.env)
        out: list[nodes.Node] = []
        for mutant in rule.mutants:
            verdict = domain.evidence.verdict(mutant.id)
            caught = verdict and f"caught by line {verdict.line}" if verdict else "not run"
            if verdict and not verdict.killed:
                caught = "survives"
            entry = nodes.paragraph("", "", parts.mutant_link(self.env, mutant))
            entry += nodes.Text(f" ({caught})")
            out.append(entry)
        return out

    def _claims(self, rules: Sequence[Rule]) -> list[list[list[nodes.Node]]]:
        return [
            [
                [nodes.Text(claim)],
                [nodes.Text(text)],
                parts.joined(
                    [parts.rule_link(self.env, rule.id) for rule in rules if claim in rule.claims]
                ),
            ]
            for claim, text in claims().items()
        ]
