"""Figures of the chapter on the contract."""

from itertools import pairwise

from mmuspec.kvm.pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from mmuspec.kvm.sptes.spte import spte_to_pfn
from mmuspec.scenario.machine import Machine
from mmuspec.site.figures import graph, timeline
from mmuspec.site.figures.graph import Edge, Node
from mmuspec.x86.entry import PAGE_SHIFT

GVA = 0x40_0000
GPA = 0x5000
LARGE_SPACE = 0x20_0000
"""Bytes that one guest leaf table maps."""


def translation() -> str:
    """Return the two ways from a guest-virtual address to memory, as a machine found them."""
    m = Machine()
    m.map(GVA, GPA)
    m.read(GVA)
    slot = m.kvm.memslots.visible(GPA >> PAGE_SHIFT)
    assert slot is not None
    hpa = f"{spte_to_pfn(m.spte(GVA)) << PAGE_SHIFT:#x}"
    nodes = [
        Node("gva", ("gva", f"{GVA:#x}"), 0),
        Node("gpa", ("gpa", f"{GPA:#x}"), 1),
        Node("root", ("shadow tables", f"from {m.vcpu.mmu.root_hpa:#x}"), 1, "accent"),
        Node("hva", ("hva", f"{slot.hva(GPA >> PAGE_SHIFT):#x}"), 2),
        Node("spte", ("leaf spte", f"{m.spte(GVA):#x}"), 2, "accent"),
        Node("hpa", ("hpa", hpa), 3),
    ]
    edges = [
        Edge("gva", "gpa", "guest tables"),
        Edge("gpa", "hva", "slot"),
        Edge("hva", "hpa", "host tables"),
        Edge("gva", "root", "CR3", kind="accent"),
        Edge("root", "spte", f"{len(m.walk(GVA))} levels", kind="accent"),
        Edge("spte", "hpa", kind="accent"),
    ]
    title = "What a guest-virtual address means, and the shadow tables that give the same answer"
    return graph.draw(nodes, edges, title)


def stretches() -> str:
    """Return how long mmu_lock is held at a time while all pages are zapped."""
    lanes, spans = ["nobody waits", "someone waits"], []
    for lane, waits in zip(lanes, (False, True), strict=True):
        spans += [
            timeline.Span(lane, at, at + 1, str(work), "accent" if waits else "plain")
            for at, work in enumerate(stretches_of_work(waits=waits))
        ]
    title = "Work done under mmu_lock, stretch by stretch, while all shadow pages are zapped"
    return timeline.draw(lanes, spans, title)


def stretches_of_work(*, waits: bool, tables: int = 40) -> list[int]:
    """Return the work of each stretch for which zapping all pages holds mmu_lock.

    :param waits: someone always waits for the lock
    :param tables: guest leaf tables in use
    """
    m = Machine()
    for i in range(tables):
        m.map(i * LARGE_SPACE, GPA)
        m.read(i * LARGE_SPACE)
    lock = m.kvm.mmu_lock
    lock.contended = lambda: waits
    marks = [lock.work]
    lock.on_yield = lambda: marks.append(lock.work)
    kvm_mmu_invalidate_zap_all_pages(m.kvm)
    marks.append(lock.work)
    return [after - before for before, after in pairwise(marks)]
