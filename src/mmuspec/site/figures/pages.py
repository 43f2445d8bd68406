"""Figures of the chapter on shadow pages."""

from collections.abc import Iterator

from mmuspec.epochs import Epoch
from mmuspec.kvm.rmaps.rmap import parent_sptes
from mmuspec.kvm.state.page import ShadowPage
from mmuspec.kvm.state.role import Acc
from mmuspec.scenario.machine import Machine
from mmuspec.site.figures import bitfield, graph
from mmuspec.site.figures.graph import Edge, Node
from mmuspec.x86.entry import RW, Field

GVA = 0x40_0000
NEIGHBOUR = 0x60_0000
"""The first address of the next leaf table."""
LETTERS = {Acc.WRITE: "w", Acc.USER: "u", Acc.EXEC: "x"}


def role_word() -> str:
    """Return the layout of the role, with the word of a leaf page of a running guest."""
    m = Machine()
    m.map(GVA, 0x5000)
    m.read(GVA)
    word = m.page(GVA).role.word(m.kvm.epoch.role_layout)
    title = f"The role word {word:#x} of {m.kvm.epoch}: a leaf page of a 4-level guest"
    return bitfield.draw(role_fields(m.kvm.epoch), title, value=word, width=32)


def role_fields(epoch: Epoch) -> list[Field]:
    """Return the fields of the role word of *epoch*."""
    return [
        Field(name, low, low + width - 1, "") for name, (low, width) in epoch.role_layout.items()
    ]


def shared_table() -> str:
    """Return a leaf table that two entries link with equal rights and a third read-only."""
    m = Machine(repaired=["BUG-2"])
    m.map(GVA, 0x5000)
    entry = m.entry(GVA, 2)
    m.poke(entry + 8, m.peek(entry))
    m.poke(entry + 16, m.peek(entry) & ~RW)
    for gva in (GVA, NEIGHBOUR, 2 * NEIGHBOUR - GVA):
        m.read(gva)
    return page_graph(m, "One guest table, linked three times, has a shadow page for each role")


def quadrants() -> str:
    """Return the shadow pages of a 2-level guest that uses two halves of one leaf table."""
    m = Machine("legacy32", repaired=["BUG-2"])
    for gva in (0, 0x20_0000):
        m.map(gva, 0x5000)
        m.read(gva)
    return page_graph(m, "Four shadow pages for the guest's top table, two for a leaf table")


def page_graph(m: Machine, title: str) -> str:
    """Return the shadow pages of *m*, their links, and (dashed) the links to their parents."""
    pages = m.pages()
    top = max(sp.role.level for sp in pages)
    nodes = [Node(_name(sp), _lines(sp), top - sp.role.level, _kind(sp)) for sp in pages]
    edges = [edge for sp in pages for edge in _links(m, sp)]
    return graph.draw(nodes, edges, title)


def _name(sp: ShadowPage) -> str:
    return f"{sp.hpa:#x}"


def _lines(sp: ShadowPage) -> tuple[str, ...]:
    """Return what a node says of its page."""
    rights = "".join(letter if sp.role.access & bit else "-" for bit, letter in LETTERS.items())
    use = f"access {rights}" if sp.role.cr4_pae else f"quadrant {sp.role.quadrant}"
    root = (f"root_count {sp.root_count}",) if sp.root_count else ()
    return f"level {sp.role.level}", f"gfn {sp.gfn:#x}", use, *root


def _kind(sp: ShadowPage) -> str:
    return "accent" if sp.role.level == 1 else "plain"


def _links(m: Machine, sp: ShadowPage) -> Iterator[Edge]:
    """Yield an edge for each parent of *sp*, with the indices of its sptes, and one back."""
    indices: dict[str, list[int]] = {}
    for sptep in parent_sptes(m.kvm, sp):
        parent = m.kvm.page_header(sptep)
        indices.setdefault(_name(parent), []).append(parent.index_of(sptep))
    for parent_name, found in indices.items():
        yield Edge(parent_name, _name(sp), " ".join(f"[{index}]" for index in found))
        yield Edge(_name(sp), parent_name, back=True)
