"""Small parts of a page: links to rules, examples and mutants."""

from collections.abc import Sequence

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.environment import BuildEnvironment

from mmuspec.rules import Example, Mutant, Registry, page_of
from mmuspec.rules.epochs import Status
from mmuspec.site.domain import NAME


def rule_link(env: BuildEnvironment, ident: str) -> pending_xref:
    """Return a link to a rule."""
    return _link(env, "rule", ident, nodes.literal(ident, ident, classes=["rule-id"]))


def example_link(env: BuildEnvironment, registry: Registry, example: Example) -> pending_xref:
    """Return a link to an example, named after its chapter and its place there."""
    number = registry.examples_in(example.chapter).index(example) + 1
    page = page_of(example.chapter)
    return _link(env, "place", f"{page}#{example_anchor(number)}", nodes.Text(f"{page} {number}"))


def mutant_link(env: BuildEnvironment, mutant: Mutant) -> pending_xref:
    """Return a link to a mutant, named by what follows the slash in its id."""
    target = f"{page_of(mutant.chapter)}#{mutant_anchor(mutant)}"
    words = mutant.id.partition("/")[2].replace("-", " ")
    return _link(env, "place", target, nodes.Text(words))


def example_anchor(number: int) -> str:
    """Return the anchor of an example, by its place in the chapter."""
    return f"example-{number}"


def mutant_anchor(mutant: Mutant) -> str:
    """Return the anchor of a mutant on its page."""
    return f"mutant-{mutant.id.lower().replace('/', '-')}"


def _link(env: BuildEnvironment, kind: str, target: str, content: nodes.Node) -> pending_xref:
    link = pending_xref("", refdomain=NAME, reftype=kind, reftarget=target, refdoc=env.docname)
    link["refwarn"] = True
    inner = nodes.inline()
    inner += content
    link += inner
    return link


def status(found: Status, words: str = "") -> nodes.inline:
    """Return what an epoch makes of a rule, after *words*, in its colour."""
    text = f"{words} {found.value}".strip()
    return nodes.inline(text, text, classes=["epoch-status", f"epoch-{found.name.lower()}"])


def local_link(text: str, anchor: str) -> nodes.reference:
    """Return a link to *anchor* on the same page."""
    return nodes.reference(text, text, internal=True, refid=anchor)


def joined(parts: Sequence[nodes.Node], separator: str = ", ") -> list[nodes.Node]:
    """Return *parts* with *separator* between them."""
    out: list[nodes.Node] = []
    for part in parts:
        out += [nodes.Text(separator), part] if out else [part]
    return out


def table(
    head: Sequence[str], rows: Sequence[Sequence[Sequence[nodes.Node]]], name: str
) -> nodes.container:
    """Return a table that scrolls sideways when it is too wide; each cell is a list of nodes."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    titles = [[nodes.Text(title)] for title in head]
    group += nodes.thead("", _cells(titles))
    group += nodes.tbody("", *(_cells(row) for row in rows))
    return nodes.container("", nodes.table("", group, classes=[name]), classes=["wide-table"])


def _cells(row: Sequence[Sequence[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *_blocks(cell)) for cell in row))


def _blocks(cell: Sequence[nodes.Node]) -> Sequence[nodes.Node]:
    """Return *cell* as block elements: inline content becomes a paragraph."""
    if all(isinstance(node, nodes.paragraph) for node in cell):
        return cell
    return [nodes.paragraph("", "", *cell)]
