"""Figures of the chapter on reverse maps."""

from ...kvm.rmaps.pte_list import PteList, PteListDescCache, pte_list_add
from ...kvm.rmaps.rmap import parent_sptes
from ...kvm.sptes.spte import is_last_spte
from ...kvm.state.address import PT64_BASE_ADDR_MASK
from ...kvm.state.page import ShadowPage
from ...scenario.machine import Machine
from . import graph

GVA = 0x40_0000
"""Guest-virtual address whose leaf table is reached in two ways."""
TWIN = 0x4040_0000
"""The other way to it: the same entry of another level-2 table."""


def two_parents() -> Machine:
    """Return a machine whose guest reaches one leaf table through two level-2 tables."""
    machine = Machine(repaired=["BUG-2"])
    machine.map(GVA, 0x5000)
    machine.poke(machine.entry(TWIN, 2), machine.peek(machine.entry(GVA, 2)))
    machine.read(GVA)
    machine.read(TWIN)
    return machine


def parents() -> str:
    """Draw the shadow pages of :func:`two_parents`: links down, and ``parent_ptes`` back up."""
    machine = two_parents()
    pages = machine.pages()
    nodes = [_node(machine, sp) for sp in pages]
    down = [edge for sp in pages for edge in _links(machine, sp)]
    up = [
        graph.Edge(_name(sp), _name(machine.kvm.page_header(sptep)), back=True, kind="accent")
        for sp in pages
        for sptep in parent_sptes(machine.kvm, sp)
    ]
    title = "Shadow pages from the root to a leaf table with two parents, linked both ways"
    return graph.draw(nodes, [*down, *up], title)


def _node(machine: Machine, sp: ShadowPage) -> graph.Node:
    """Return the box of *sp*; the root is on the left."""
    lines = (f"level {sp.role.level}", f"{sp.hpa:#x}", f"{sp.parent_ptes.val:#x}")
    tip = f"shadow page of gfn {sp.gfn:#x}; its table; its parent_ptes"
    return graph.Node(_name(sp), lines, machine.mode.levels - sp.role.level, tip=tip)


def _name(sp: ShadowPage) -> str:
    return f"page at {sp.hpa:#x}"


def _links(machine: Machine, sp: ShadowPage) -> list[graph.Edge]:
    """Return an arrow for each spte of *sp* that links a page."""
    edges = []
    for index, spte in enumerate(sp.spt):
        if machine.kvm.masks.is_shadow_present_pte(spte) and not is_last_spte(spte, sp.role.level):
            child = machine.kvm.page_header(spte & PT64_BASE_ADDR_MASK)
            edges.append(graph.Edge(_name(sp), _name(child), f"[{index}]"))
    return edges


def forms(count: int) -> str:
    """Draw one reverse-map word after *count* adds: entries 1 to *count* at 8, 16, ...

    :param count: 1 or more
    """
    descs, head = PteListDescCache(), PteList()
    for number in range(1, count + 1):
        pte_list_add(descs, head, 8 * number)
    nodes = [graph.Node("word", ("the word", f"{head.val:#x}"), 0, kind="accent")]
    edges = []
    for layer, (address, desc) in enumerate(descs.chain(head), 1):
        entries = " ".join(str(sptep // 8) for sptep in desc.sptes)
        nodes.append(graph.Node(f"{address:#x}", ("sptes", entries), layer))
        edges.append(graph.Edge(nodes[-2].name, nodes[-1].name))
    return graph.draw(nodes, edges, f"A reverse map of {count} entries, descriptor by descriptor")
