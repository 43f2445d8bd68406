"""Figures of the chapter on fast page faults."""

from ...kvm.sptes.spte import leaf_fields
from ...kvm.state.constants import KVM_MEM_LOG_DIRTY_PAGES
from ...kvm.state.vm import Paging
from ...scenario.machine import SLOT0_SIZE, Machine
from . import bitfield

GPA = 0x3000
"""A page that the guest writes before its slot is logged."""


def spte() -> str:
    """Draw a leaf spte that lost W to the dirty log."""
    machine = Machine("nopaging", paging=Paging.EPT)
    machine.write(GPA)
    machine.memslot(0, 0, SLOT0_SIZE, flags=KVM_MEM_LOG_DIRTY_PAGES)
    value = machine.spte(GPA)
    title = f"An EPT leaf spte without W, but with H and M: {value:#x}"
    return bitfield.draw(leaf_fields(machine.kvm.masks), title, value=value)
