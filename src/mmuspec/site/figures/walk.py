"""Figures of the chapter on the guest walk."""

from collections.abc import Iterator
from itertools import pairwise

from mmuspec.kvm.guest.walk_addr import walk_addr
from mmuspec.scenario.machine import Machine
from mmuspec.site.figures import bitfield, graph
from mmuspec.site.figures.graph import Edge, Node
from mmuspec.x86.controls import Controls
from mmuspec.x86.entry import (
    ADDRESS_MASK,
    PAGE_SHIFT,
    PAT,
    PAT_LARGE,
    PCD,
    PS,
    PWT,
    RW,
    US,
    XD,
    A,
    D,
    Field,
    G,
    P,
)
from mmuspec.x86.layout import level_of
from mmuspec.x86.mode import PagingMode, mode_of
from mmuspec.x86.pferr import READ

GVA = 0x40_0000
GPA = 0x5000


def path() -> str:
    """Return the entries that one walk of a 4-level guest reads, and the page."""
    m = Machine()
    leaf = m.map(GVA, GPA)
    found = walk_addr(m.vcpu, GVA, READ)
    nodes: list[Node] = []
    for level in range(found.max_level, found.level - 1, -1):
        gpa = found.pte_gpa[level]
        lines = (f"level {level}", f"at {gpa:#x}", f"{m.peek(gpa):#x}")
        nodes.append(
            Node(f"level {level}", lines, len(nodes), "accent" if gpa == leaf else "plain")
        )
    nodes.append(Node("page", ("page", f"{found.gfn << PAGE_SHIFT:#x}"), len(nodes)))
    edges = [Edge(upper.name, lower.name) for upper, lower in pairwise(nodes)]
    return graph.draw(nodes, edges, f"The walk for {GVA:#x}: one entry read at each level")


def leaf_entry(mode: str = "long4") -> str:
    """Return the layout of the entry that maps a 4 KiB page, with the value in a guest.

    :param mode: ``long4``, ``pae`` or ``legacy32``
    """
    m = Machine(mode)
    size = m.mode.entry_size
    value = m.peek(m.map(GVA, GPA), size)
    fields = entry_fields(m.vcpu.controls, m.mode, 1)
    title = f"A level-1 entry of {m.mode.name} paging that holds {value:#x}"
    return bitfield.draw(fields, title, value=value, width=8 * size)


def entry_fields(
    controls: Controls, mode: PagingMode | None = None, number: int = 1, *, large: bool = False
) -> list[Field]:
    """Return the fields of an entry, worked out from what the walk knows of its level.

    :param number: the level
    :param large: whether an entry above level 1 maps a page
    """
    mode = mode or mode_of(controls)
    level = level_of(controls, mode, number)
    leaf = large or number == 1
    reserved = level.reserved_large if large else level.reserved
    fields = [*_flags(leaf=leaf, large=large, wide=mode.entry_size == 8)]
    whole = (1 << 8 * mode.entry_size) - 1
    address = level.frame_mask if leaf else ADDRESS_MASK
    fields += _runs("address", address & whole & ~reserved, "of the page, or of the next table")
    fields += _runs("address 32+", level.extension if large else 0, "PSE-36")
    return [*fields, *_runs("reserved", reserved, "must be 0")]


def _flags(*, leaf: bool, large: bool, wide: bool) -> Iterator[Field]:
    """Yield the single bits."""
    named = {P: "P", RW: "R/W", US: "U/S", PWT: "PWT", PCD: "PCD", A: "A"}
    if leaf:
        named |= {D: "D", G: "G"} | ({PS: "PS", PAT_LARGE: "PAT"} if large else {PAT: "PAT"})
    if wide:
        named[XD] = "XD"
    for mask, name in named.items():
        yield Field(name, mask.bit_length() - 1, mask.bit_length() - 1, "")


def _runs(name: str, mask: int, meaning: str) -> Iterator[Field]:
    """Yield a field for each run of ones in *mask*."""
    low = 0
    while mask >> low:
        if not mask >> low & 1:
            low += 1
            continue
        high = low
        while mask >> (high + 1) & 1:
            high += 1
        yield Field(name, low, high, meaning)
        low = high + 1
