"""Figures of the chapter on zapping all pages."""

from ...epochs import V3_10, V3_11, Epoch
from ...kvm.pages.zap import is_obsolete_sp
from ...scenario.machine import Machine
from . import timeline

FIRST = 0x40_0000
"""First guest-virtual address of the guests here."""
LARGE = 0x20_0000
"""Distance of two addresses that have different leaf tables."""


def machine(pages: int, epoch: Epoch = V3_11) -> Machine:
    """Return a guest whose use of memory has made that many shadow pages, with a second slot.

    :param pages: from 4, the pages on the way to one address, to 60
    """
    guest = Machine(repaired=["BUG-2"], epoch=epoch)
    guest.memslot(1, 0x4000_0000, 0x1000)
    for number in range(pages - 3):
        guest.map(FIRST + number * LARGE, 0x5000)
        guest.read(FIRST + number * LARGE)
    guest.events()
    return guest


def longest_hold(pages: int, epoch: Epoch) -> int:
    """Return the most work done under one hold of ``mmu_lock`` while a slot is deleted.

    Somebody always waits for the lock.
    """
    guest = machine(pages, epoch)
    lock = guest.kvm.mmu_lock
    lock.longest_hold, lock.contended = 0, lambda: True
    guest.memslot(1, 0, 0)
    return lock.longest_hold


def holds() -> str:
    """Draw the longest hold of v3.10 and of v3.11, for more and more pages."""
    counts = range(10, 60, 10)
    moments = [timeline.Moment(step, f"{pages} pages") for step, pages in enumerate(counts)]
    spans = [
        timeline.Span(
            epoch.name,
            step,
            step + 1,
            f"{longest_hold(pages, epoch):,}",
            "bad" if epoch is V3_10 else "plain",
        )
        for step, pages in enumerate(counts)
        for epoch in (V3_10, V3_11)
    ]
    title = "Most work under one hold of mmu_lock, by the number of shadow pages"
    return timeline.draw([V3_10.name, V3_11.name], spans, title, moments=moments)


def bump() -> str:
    """Draw pages of the old and the new generation while all pages are zapped."""
    guest = machine(25)
    spans: list[timeline.Span] = []
    moments: list[timeline.Moment] = []

    def note(words: str) -> None:
        step = len(moments)
        moments.append(timeline.Moment(step, words))
        for lane, number in _census(guest).items():
            kind = "muted" if not number else "accent" if lane == "current" else "plain"
            spans.append(timeline.Span(lane, step, step + 1, str(number), kind))

    def yielded() -> None:
        note("yield")
        guest.read(FIRST + LARGE * (len(moments) % 20))
        note("vCPU runs")

    note("before")
    guest.kvm.mmu_lock.contended, guest.kvm.mmu_lock.on_yield = lambda: True, yielded
    guest.memslot(1, 0, 0)
    note("after")
    title = "Shadow pages by generation while a slot is deleted and the lock is contended"
    return timeline.draw(list(_census(guest)), spans, title, moments=moments)


def _census(guest: Machine) -> dict[str, int]:
    """Return how many pages are in which state."""
    active = guest.pages()
    obsolete = [sp for sp in active if is_obsolete_sp(guest.kvm, sp)]
    return {
        "current": len(active) - len(obsolete),
        "obsolete": sum(not sp.role.invalid for sp in obsolete),
        "invalid root": sum(sp.role.invalid for sp in obsolete),
        "zapped, not freed": len(guest.kvm.zapped_obsolete_pages),
    }
