"""Figures of the chapter on MMIO page faults."""

from ...kvm.faults.mmio import kvm_current_mmio_generation
from ...scenario.machine import Machine
from . import bitfield, timeline

PAGES = {"A": (0x60_0000, 0xFEE0_0000), "B": (0x60_1000, 0xFEC0_0000)}
"""Name of an MMIO page in the figure -> its gva and its gpa."""

READS = "AABA|BA"
"""Pages in the order in which they are read; a slot is created at the bar."""


def _machine() -> Machine:
    machine = Machine(repaired=["BUG-2"])
    for gva, gpa in PAGES.values():
        machine.map(gva, gpa)
    return machine


def spte() -> str:
    """Draw the MMIO spte that a first access leaves under shadow paging."""
    machine = _machine()
    machine.read(PAGES["A"][0])
    value = machine.spte(PAGES["A"][0])
    title = f"An MMIO spte under shadow paging: {value:#x}"
    return bitfield.draw(machine.kvm.mmio_sptes.fields(), title, value=value)


def answered_by(names: list[str]) -> str:
    """Return who answered an MMIO access, by the names of its events."""
    if "kvm_mmu_pagetable_walk" in names:
        return "slow path"
    return "MMIO spte" if "handle_mmio_page_fault" in names else "vCPU cache"


def answers() -> str:
    """Draw who answers a series of MMIO reads, before and after a slot is created elsewhere."""
    machine = _machine()
    spans, moments = [], []
    for step, page in enumerate(READS):
        machine.events()
        if page in PAGES:
            machine.read(PAGES[page][0])
            who = answered_by(machine.names())
            kind = "accent" if who == "slow path" else "plain"
            spans.append(timeline.Span("answered by", step, step + 1, who, kind))
        else:
            machine.memslot(1, 0x4000_0000, 0x20_0000)
        moments.append(timeline.Moment(step, f"read {page}" if page in PAGES else "create a slot"))
        spans += _generations(machine, step)
    lanes = ["answered by", "spte of A", "spte of B", "slots"]
    title = "Who answers a series of MMIO reads, and the generation in each MMIO spte"
    return timeline.draw(lanes, spans, title, moments=moments)


def _generations(machine: Machine, step: int) -> list[timeline.Span]:
    """Return the generations once the step is done; an outdated one is muted."""
    current = kvm_current_mmio_generation(machine.kvm)
    spans = [timeline.Span("slots", step, step + 1, f"{current:#x}")]
    for page, (gva, _) in PAGES.items():
        stored = machine.spte(gva)
        if machine.kvm.masks.is_mmio_spte(stored):
            gen = machine.kvm.mmio_sptes.generation(stored)
            kind = "plain" if gen == current else "muted"
            spans.append(timeline.Span(f"spte of {page}", step, step + 1, f"{gen:#x}", kind))
    return spans
