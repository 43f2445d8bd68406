"""How each event changes what is remembered: after the monitors have judged it."""

from collections.abc import Callable
from typing import Any

from ..trace import numbers
from ..x86.entry import ADDRESS_MASK
from .task import GuestWalk, Machine, Task

Follower = Callable[[Any, Task], None]

FOLLOWERS: dict[str, Follower] = {}
"""What remembers an event, by trace point."""


def follows(*names: str) -> Callable[[Follower], Follower]:
    """Register the decorated function for the trace points *names*."""

    def register(function: Follower) -> Follower:
        for name in names:
            FOLLOWERS[name] = function
        return function

    return register


# --- walks ----------------------------------------------------------------------------


@follows("kvm_mmu_pagetable_walk")
def walk_begins(event: numbers.Walk, task: Task) -> None:
    """Remember the new walk, unless the task has been seen to nest walks."""
    if is_nested(event, task.walk):
        task.nested = True
    task.walk = None if task.nested else GuestWalk(event)
    task.pages.clear()
    task.requested = task.confirmed = None


def is_nested(event: numbers.Walk, walk: GuestWalk | None) -> bool:
    """Whether *event* begins a walk inside *walk*: of the hypervisor's own tables in a guest.

    There the address of each table is itself translated by a walk.
    """
    if walk is None or walk.failed:
        return False
    if not walk.elements:
        return True
    last = walk.elements[-1]
    return walk.ends_at(last) is not True and event.addr == last.pte & ADDRESS_MASK


@follows("kvm_mmu_paging_element")
def entry_read(event: numbers.Element, task: Task) -> None:
    """Remember the entry."""
    if task.walk is not None:
        task.walk.read(event)


@follows("kvm_mmu_set_accessed_bit")
def accessed(event: numbers.EntryBit, task: Task) -> None:
    """Remember that A is set in the entry."""
    if task.walk is not None:
        task.walk.accessed += 1
        task.walk.marked = max(task.walk.marked, task.walk.accessed_index(event.gpa))


@follows("kvm_mmu_set_dirty_bit")
def dirtied(event: numbers.EntryBit, task: Task) -> None:
    """Remember that D is set in the last entry."""
    if task.walk is not None:
        task.walk.dirty = True


@follows("kvm_mmu_walker_error")
def walk_failed(event: numbers.Failure, task: Task) -> None:
    """Remember that the walk has failed."""
    if task.walk is not None:
        task.walk.failed = True


# --- pages ----------------------------------------------------------------------------


@follows("kvm_mmu_get_page")
def looked_up(page: numbers.Page, task: Task) -> None:
    """Remember the page, and the generation if it says which is current."""
    machine = task.machine
    owns_pages(machine, page, starts=task.last is None)
    machine.pages.looked_up(page)
    if page.direct:
        machine.direct_generation |= page.gen == 1 or page.created == "existing"
        machine.direct_root |= page.level >= 3
    else:
        machine.indirect = True
        if len(task.pages) < 64:
            task.pages.append(page)
    if page.created == "new" and machine.generation_counts(page):
        set_generation(machine, page.gen)


@follows("kvm_mmu_unsync_page")
def went_unsync(page: numbers.Page, task: Task) -> None:
    """Count the page as unsync."""
    owns_pages(task.machine, page)
    task.machine.pages.went_unsync(page)


@follows("kvm_mmu_sync_page")
def synced(page: numbers.Page, task: Task) -> None:
    """Count the page as synchronized."""
    owns_pages(task.machine, page)
    task.machine.pages.synced(page)


@follows("kvm_mmu_prepare_zap_page")
def zapped(page: numbers.Page, task: Task) -> None:
    """Count the page as zapped."""
    owns_pages(task.machine, page)
    task.machine.pages.zapped(page)


def owns_pages(machine: Machine, page: numbers.Page, starts: bool = False) -> None:
    """Note that *machine* reports shadow pages; with a second one, both may be the same machine.

    :param starts: this is the first event of the task; if it makes a root, the
        machine starts here
    """
    recording, pages = machine.recording, machine.pages
    if machine.owner not in recording.page_owners:
        recording.page_owners.add(machine.owner)
        if len(recording.page_owners) > 1 and machine.owner > 0:
            recording.doubted = True
    if pages.complete is None:
        fresh = page.created == "new" and page.root_count == 0 and page.level >= 2
        pages.complete = recording.from_start or (starts and fresh and recording.whole)


@follows("kvm_mmu_zap_all_fast")
def toggled(event: numbers.ZapAll, task: Task) -> None:
    """Remember the other generation."""
    began(task, 1 - event.gen if event.gen in (0, 1) else None)


@follows("kvm_mmu_invalidate_zap_all_pages")
def incremented(event: numbers.ZapAll, task: Task) -> None:
    """Remember the next generation."""
    began(task, event.gen + 1)


def began(task: Task, gen: int | None) -> None:
    """Note that all pages are obsolete now, and that *gen* is current."""
    task.recording.zaps += 1
    task.machine.slots.clear()
    set_generation(task.machine, gen)
    if gen is not None:
        task.machine.pages.generation_began(gen)


def set_generation(machine: Machine, gen: int | None) -> None:
    """Note that *gen* is the current generation of *machine*."""
    machine.generation = gen
    machine.generation_at = machine.recording.zaps


# --- MMIO -----------------------------------------------------------------------------


@follows("check_mmio_spte")
def checked(event: numbers.Check, task: Task) -> None:
    """Remember the slot generation."""
    saw_slots(task, event.kvm_gen)


@follows("mark_mmio_spte")
def marked(event: numbers.Mark, task: Task) -> None:
    """Remember the slot generation."""
    if event.gen >= 0:
        saw_slots(task, event.gen)


def saw_slots(task: Task, gen: int) -> None:
    """Note that the slot generation *gen* was current."""
    machine = task.machine
    if machine.slots_at != machine.recording.zaps:
        machine.slots.clear()
        machine.slots_at = machine.recording.zaps
    machine.slots[parity(task, gen)] = gen


def parity(task: Task, gen: int) -> int:
    """Return which address space *gen* belongs to: since v4.19 their numbers are disjoint."""
    return gen & 1 if task.recording.kernel.form == "v5.10" else 0


# --- faults ---------------------------------------------------------------------------


@follows("kvm_mmu_spte_requested")
def requested(event: numbers.Requested, task: Task) -> None:
    """Remember what the fault maps, and which walk it made if its pages prove that."""
    walk = task.walk
    proven = walk is not None and walk.succeeded and any(fits(walk, p) for p in task.pages)
    task.confirmed = walk if proven else None
    task.requested = event
    task.pages.clear()
    if walk is not None:
        walk.judged = True


def table_of(walk: GuestWalk, page: numbers.Page) -> int | None:
    """Return the gfn of the table that the walk read at the level of *page*, if it did.

    The root is not meant, nor PAE's level 2, whose pages are roots.
    """
    if walk.root == 3 and page.level != 1:
        return None
    for element in walk.elements:
        if element.level == page.level + 1:
            return (element.pte & ADDRESS_MASK) >> 12
    return None


def fits(walk: GuestWalk, page: numbers.Page) -> bool:
    """Whether *page* shadows a table that *walk* has read."""
    return table_of(walk, page) == page.gfn
