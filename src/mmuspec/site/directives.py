"""The directives of a chapter: a rule, an example, a mutant."""

from collections.abc import Iterator
from typing import ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxDirective

from mmuspec.rules import Mutant, Rule, claims
from mmuspec.rules.epochs import statuses
from mmuspec.rules.parse import comma_list, split_fields
from mmuspec.site import parts
from mmuspec.site.domain import NAME, domain_of

LABELS = {
    "reads": "Reads",
    "requires": "Requires",
    "effect": "Effect",
    "without": "Without it",
    "epochs": "Epochs",
    "symbols": "Symbols",
    "claims": "Claims",
}
"""What a reader sees for each field, in this order; the marks have a line of their own."""


class RuleRole(XRefRole):
    """The role ``rule``: a link to a rule."""

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        """Send the reference to the domain, which the role's name does not say."""
        refnode["refdomain"] = NAME
        return title, target


class RuleDirective(SphinxDirective):
    """A rule as a box: statement, fields, body, evidence."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    # No options for MyST to parse: it would read a field's text as YAML.
    option_spec: ClassVar[None] = None

    def run(self) -> list[nodes.Node]:
        """Return the box."""
        domain = domain_of(self.env)
        domain.note_generated()
        ident, _, statement = " ".join(self.arguments).partition(" ")
        rule = domain.registry.rule(ident)
        if rule is None:  # the registry has said what is wrong with it
            return []
        found, _, length = split_fields("\n".join(self.content))
        box = nodes.container(classes=["rule-box"], ids=[rule.anchor])
        title = nodes.paragraph(classes=["rule-title"])
        title += [parts.local_link(ident, rule.anchor), nodes.Text(" ")]
        title += self.parse_inline(statement.strip(), lineno=self.lineno)[0]
        box += [title, self._marks(rule)]
        fields = nodes.field_list(classes=["rule-fields"])
        texts = {name: text for name, text, _ in found}
        for name in (name for name in LABELS if texts.get(name)):
            fields += _field(LABELS[name], self._value(name, texts[name]))
        fields += [_field(label, content) for label, content in self._evidence(rule)]
        box += fields
        body = StringList(list(self.content[length:]), self.state.document["source"])
        self.state.nested_parse(body, self.content_offset + length, box)
        return [box]

    def _marks(self, rule: Rule) -> nodes.paragraph:
        """Return since and until when the rule holds, and what each epoch made of its examples."""
        line = nodes.paragraph(classes=["rule-marks"])
        for mark in ("since", "until"):
            if version := getattr(rule, mark):
                text = f"{mark} {version}"
                line += [nodes.inline(text, text, classes=["rule-mark"]), nodes.Text(" ")]
        found = statuses(rule, domain_of(self.env).evidence.runs)
        line += parts.joined([parts.status(status, name) for name, status in found.items()], " ")
        return line

    def _value(self, name: str, text: str) -> list[nodes.Node]:
        if name == "symbols":
            return parts.joined([nodes.literal(s, s) for s in comma_list(text)])
        if name == "claims":
            said = (f"{claim}, {claims().get(claim, '')}" for claim in comma_list(text))
            return [nodes.Text("; ".join(said))]
        return self.parse_inline(text, lineno=self.lineno)[0]

    def _evidence(self, rule: Rule) -> Iterator[tuple[str, list[nodes.Node]]]:
        registry = domain_of(self.env).registry
        shown = [parts.example_link(self.env, registry, example) for example in rule.examples]
        broken = [parts.mutant_link(self.env, mutant) for mutant in rule.mutants]
        yield "Shown by", parts.joined(shown)
        yield "Broken as", parts.joined(broken)


class ExampleDirective(SphinxDirective):
    """An example that runs, with a badge for the rules that it shows."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the example."""
        domain = domain_of(self.env)
        domain.note_generated()
        lines = [e.line for e in domain.registry.examples if e.page == self.env.docname]
        box = nodes.container(classes=["example"])
        if self.lineno in lines:
            box["ids"].append(parts.example_anchor(lines.index(self.lineno) + 1))
        if self.arguments:
            badge = nodes.paragraph("", "shows ", classes=["example-badge"])
            shown = self.arguments[0].replace(",", " ").split()
            badge += parts.joined([parts.rule_link(self.env, ident) for ident in shown], " ")
            box += badge
        box += _literal("\n".join(self.content), "pycon")
        return [box]


class MutantDirective(SphinxDirective):
    """A mutant: the diff, and what catches it."""

    required_arguments = 2
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the diff between two captions."""
        domain = domain_of(self.env)
        domain.note_generated()
        ident, target = self.arguments
        mutant = next((m for m in domain.registry.mutants if m.id == ident), None)
        if mutant is None:
            return []
        box = nodes.container(classes=["mutant"], ids=[parts.mutant_anchor(mutant)])
        head = nodes.paragraph(classes=["mutant-title"])
        words = ident.partition("/")[2].replace("-", " ")
        head += [nodes.Text("Broken on purpose: "), nodes.strong(words, words), nodes.Text(", in ")]
        head += nodes.literal(target, target)
        box += [head, _literal("\n".join(self.content), "diff"), self._caught(mutant)]
        return [box]

    def _caught(self, mutant: Mutant) -> nodes.paragraph:
        domain = domain_of(self.env)
        verdict = domain.evidence.verdict(mutant.id)
        line = nodes.paragraph(classes=["mutant-verdict"])
        examples = domain.registry.examples_in(mutant.chapter)
        killer = next((e for e in examples if verdict and e.line == verdict.example), None)
        if verdict is None or killer is None:
            line += nodes.Text("Nothing catches it.")
            return line
        line += nodes.Text("Caught by example ")
        line += parts.example_link(self.env, domain.registry, killer)
        line += [nodes.Text(": "), nodes.literal(verdict.how, verdict.how)]
        return line


def _field(label: str, content: list[nodes.Node]) -> nodes.field:
    body = nodes.field_body("", nodes.paragraph("", "", *content))
    return nodes.field("", nodes.field_name(label, label), body)


def _literal(text: str, language: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language=language)
