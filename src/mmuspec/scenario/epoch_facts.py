"""What follows from an epoch's clauses: role words, generation bits, defects.

Nothing here is a constant of its own: a small machine of the epoch is run, and read out.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..epochs import Epoch
from ..kvm.faults.mmio import mmio_generation
from ..kvm.sptes.mmio_spte import generation_mmio_spte_mask
from ..kvm.state.defects import DEFECTS
from ..kvm.state.page import ShadowPage
from ..kvm.state.vm import Kvm, Paging
from .machine import Machine

GENERATIONS = (0x2, 0x100, 0x200, 0x400)
"""Generations whose bits are shown; each lies elsewhere in some version."""


class Fact(NamedTuple):
    """Something that follows from the clauses, and what it is in each of some epochs."""

    what: str
    values: tuple[str, ...]


def differing(facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts that are not the same in all epochs."""
    return [fact for fact in facts if len(set(fact.values)) > 1]


class DefectFact(NamedTuple):
    """A defect: which epochs have it, and the first version read that lacks it."""

    name: str
    what: str
    present: tuple[bool, ...]
    repaired_in: str | None


def role_words(epochs: Sequence[Epoch]) -> list[Fact]:
    """Return the role words of three pages."""
    return _facts(_ROLES, epochs)


def generation_bits(epochs: Sequence[Epoch]) -> list[Fact]:
    """Return the spte bits of some generations, and the generation at a VM's start."""
    every = Fact("all bits", tuple(_mask(epoch, -1) for epoch in epochs))
    some = [Fact(f"{gen:#x}", tuple(_mask(epoch, gen) for epoch in epochs)) for gen in GENERATIONS]
    first = (mmio_generation(Kvm(epoch=epoch), 0) for epoch in epochs)
    return [every, *some, Fact("at VM start", tuple(map(hex, first)))]


def defects(epochs: Sequence[Epoch], *, everything: bool = True) -> list[DefectFact]:
    """Return the defects that some of *epochs* has.

    :param everything: also those that all of them have
    """
    found = (
        DefectFact(name, it.what, tuple(name in e.defects for e in epochs), it.repaired_in)
        for name, it in DEFECTS.items()
    )
    return [fact for fact in found if any(fact.present) and (everything or not all(fact.present))]


def _facts(what: dict[str, Callable[[Epoch], ShadowPage]], epochs: Sequence[Epoch]) -> list[Fact]:
    return [Fact(name, tuple(_words(page, epochs))) for name, page in what.items()]


def _words(page: Callable[[Epoch], ShadowPage], epochs: Sequence[Epoch]) -> Iterator[str]:
    for epoch in epochs:
        yield hex(page(epoch).role.word(epoch.role_layout))


def _mask(epoch: Epoch, gen: int) -> str:
    width = (1 << epoch.generation.bits) - 1
    return f"{generation_mmio_spte_mask(epoch.generation, gen & width):#x}"


def _leaf(epoch: Epoch) -> ShadowPage:
    """Return the leaf page of a 4-level guest with NX and WP on."""
    machine = Machine(epoch=epoch)
    machine.map(0x40_0000, 0x5000)
    machine.read(0x40_0000)
    return machine.page(0x40_0000)


def _second_half(epoch: Epoch) -> ShadowPage:
    """Return the page for the second half of a leaf table of 4-byte entries."""
    machine = Machine("legacy32", epoch=epoch)
    machine.map(0x20_0000, 0x5000)
    machine.read(0x20_0000)
    return machine.page(0x20_0000)


def _tdp_root(epoch: Epoch) -> ShadowPage:
    """Return the root of a 64-bit guest under NPT."""
    machine = Machine(epoch=epoch, paging=Paging.NPT)
    machine.map(0x40_0000, 0x5000)
    machine.read(0x40_0000)
    return machine.page(0x5000, 4)


_ROLES: dict[str, Callable[[Epoch], ShadowPage]] = {
    "4-level guest, leaf table": _leaf,
    "2-level guest, second half of a leaf table": _second_half,
    "NPT, root": _tdp_root,
}
