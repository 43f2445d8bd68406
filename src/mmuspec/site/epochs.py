"""What differs between kernel versions, as tables that are read from the epochs."""

from collections.abc import Iterator, Sequence

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from mmuspec.epochs import EPOCHS, Epoch, epoch_named
from mmuspec.epochs.describe import Row, by_topic, rows
from mmuspec.scenario.epoch_facts import Fact, defects, differing, generation_bits, role_words
from mmuspec.site import parts
from mmuspec.site.domain import domain_of


class DiffDirective(SphinxDirective):
    """A table for each topic in which two versions differ."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        """Return the tables; a version that is not modelled is an error of the page."""
        domain_of(self.env).note_generated()
        try:
            pair = [epoch_named(name) for name in self.arguments]
        except KeyError as error:
            raise self.error(error.args[0]) from None
        head = ("Clause", *self.arguments)
        table = [
            line for topic, found in by_topic(rows(pair)).items() for line in _topic(topic, found)
        ]
        return [parts.table(head, table, "epoch-diff"), *_facts(pair)]


class DefectsDirective(SphinxDirective):
    """A table of the defects, and which version has them."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        domain_of(self.env).note_generated()
        table = [
            _cells(
                nodes.literal(fact.name, fact.name),
                fact.what,
                *("yes" if present else "no" for present in fact.present),
                fact.repaired_in or "no version read",
            )
            for fact in defects(list(EPOCHS.values()))
        ]
        head = ("Defect", "What it is", *EPOCHS, "First version read without it")
        return [parts.table(head, table, "epoch-defects")]


def _topic(topic: str, found: Sequence[Row]) -> Iterator[list[list[nodes.Node]]]:
    """Yield the rows of one topic, a heading first."""
    yield _cells(nodes.strong(topic, topic), "", "")
    for row in found:
        clause = nodes.paragraph("", "", nodes.literal(row.clause.name, row.clause.name))
        meaning = row.clause.meaning.replace("``", "")
        yield [[clause, nodes.paragraph(meaning, meaning)], *_cells(*row.words)]


def _facts(pair: Sequence[Epoch]) -> Iterator[nodes.Node]:
    """Yield a table of what follows from the clauses, where that differs."""
    facts = [("Role word", fact) for fact in role_words(pair)]
    facts += [("Generation in an MMIO spte", fact) for fact in generation_bits(pair)]
    wanted = differing([fact for _, fact in facts])
    table = [_fact(kind, fact) for kind, fact in facts if fact in wanted]
    if table:
        yield parts.table(("What follows", *(e.name for e in pair)), table, "epoch-facts")


def _fact(kind: str, fact: Fact) -> list[list[nodes.Node]]:
    return _cells(f"{kind}: {fact.what}", *(nodes.literal(value, value) for value in fact.values))


def _cells(*contents: str | nodes.Node) -> list[list[nodes.Node]]:
    """Return a row of cells, each of one text or node."""
    return [[nodes.Text(it) if isinstance(it, str) else it] for it in contents]
