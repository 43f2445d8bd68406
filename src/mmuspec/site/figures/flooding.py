"""Figure of the chapter on write flooding."""

from ...scenario.machine import Machine
from . import timeline

TARGET = 0x4000_0000
"""Guest-virtual address whose level-2 table is written."""
WINDOW = 0x80_0000
"""Guest-virtual address at which that table can be written."""
STEPS = "WWRWWWW"
"""W: the guest writes an entry of the table; R: a fault goes through it."""


def machine() -> Machine:
    """Return a guest that can write one of its level-2 tables, and has used it."""
    guest = Machine(repaired=["BUG-2"])
    guest.map(TARGET, 0x5000)
    guest.map(WINDOW, guest.entry(TARGET, 2) & ~0xFFF)
    guest.read(TARGET)
    guest.read(WINDOW)
    guest.events()
    return guest


def count() -> str:
    """Draw ``write_flooding_count`` of a level-2 page over writes to its table and one use."""
    guest = machine()
    page = guest.page(TARGET, 2)
    spans, moments = [], []
    for step, what in enumerate(STEPS):
        result = _write(guest) if what == "W" else _use(guest, step)
        moments.append(timeline.Moment(step, "write" if what == "W" else "fault"))
        alive = page in guest.kvm.active_mmu_pages
        words = str(page.write_flooding_count) if alive else "zapped"
        spans.append(timeline.Span("count", step, step + 1, words, "plain" if alive else "bad"))
        kind = "accent" if result == "emulated" else "plain"
        spans.append(timeline.Span("guest", step, step + 1, result, kind))
    title = "The write_flooding_count of a level-2 shadow page, write by write"
    return timeline.draw(["guest", "count"], spans, title, moments=moments)


def _write(guest: Machine) -> str:
    """Write one unused entry of the table; return how it was done."""
    return "emulated" if guest.write(WINDOW | 0xF00, 0).emulated else "native"


def _use(guest: Machine, step: int) -> str:
    """Read a page below the table that was not read before, so that the access faults."""
    gva = TARGET + 0x20_0000 * (step + 1)
    guest.map(gva, 0x6000)
    guest.read(gva)
    return "table used"
