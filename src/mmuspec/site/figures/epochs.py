"""Figures that show the layouts of several kernel versions below each other."""

from collections.abc import Callable

from ...epochs import V3_11, V5_10, V6_1, Epoch
from ...kvm.sptes.spte import leaf_fields
from ...scenario.machine import Machine
from . import bitfield
from .bitfield import Layout
from .pages import role_fields

EPOCHS = (V3_11, V5_10, V6_1)
"""The versions whose layouts differ (v3.10 has v3.11's, without a generation)."""
GVA = 0x40_0000


def _machine(epoch: Epoch, gpa: int) -> Machine:
    """Return a machine that has read GVA, which it maps at *gpa*."""
    machine = Machine(epoch=epoch)
    machine.map(GVA, gpa)
    machine.read(GVA)
    return machine


def _role_word(epoch: Epoch) -> Layout:
    word = _machine(epoch, 0x5000).page(GVA).role.word(epoch.role_layout)
    return Layout(epoch.name, role_fields(epoch), word)


def _leaf_spte(epoch: Epoch) -> Layout:
    machine = _machine(epoch, 0x5000)
    return Layout(epoch.name, leaf_fields(machine.kvm.masks), machine.spte(GVA))


def _mmio_spte(epoch: Epoch) -> Layout:
    machine = _machine(epoch, 0xFEE0_0000)
    return Layout(epoch.name, machine.kvm.mmio_sptes.fields(), machine.spte(GVA))


_KINDS: dict[str, tuple[Callable[[Epoch], Layout], int, str]] = {
    "role": (_role_word, 32, "The role word of a leaf page"),
    "leaf": (_leaf_spte, 64, "A leaf spte of shadow paging"),
    "mmio": (_mmio_spte, 64, "An MMIO spte of shadow paging"),
}


def layouts(kind: str) -> str:
    """Draw one thing as each version makes it: ``role``, ``leaf`` or ``mmio``."""
    layout, width, title = _KINDS[kind]
    return bitfield.compare([layout(epoch) for epoch in EPOCHS], title, width=width)
