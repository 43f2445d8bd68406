"""Monitors of what a fault maps, against the walk that it made."""

from functools import reduce
from operator import and_

from ..trace import numbers
from ..x86.entry import ADDRESS_MASK, PAGE_SHIFT, RW, US, XD, D
from .follow import fits, table_of
from .registry import of_history
from .sptes import is_mmio, offset_in
from .task import GuestWalk, Task

LEAF, REQUESTED = "kvm_mmu_set_spte", "kvm_mmu_spte_requested"
_LETTERS = ((RW, "w"), (US, "u"))
_PFN_BITS = 52
"""A pfn with a higher bit is an error, or says that there is no slot (KVM_PFN_NOSLOT)."""


def _frame(event: numbers.LeafSet) -> int:
    return (event.spte & ADDRESS_MASK) >> PAGE_SHIFT


def _maps_memory(event: numbers.LeafSet) -> bool:
    return not is_mmio(event)


@of_history("page-of-walk", "SP-3", "a page that a fault links shadows a table that it walked",
            REQUESTED)  # fmt: skip
def page_of_walk(_: numbers.Requested, task: Task) -> str | None:
    """Its gfn is where the entry above leads."""
    walk = task.walk
    if walk is None or not walk.succeeded or not task.pages:
        return None
    known = [page for page in task.pages if table_of(walk, page) is not None]
    wrong = [page for page in known if not fits(walk, page)]
    # If none fits, they were not made by this walk's fault, but when a root was loaded.
    if len(wrong) != 1 or (len(known) == 1 and len(task.pages) > 1):
        return None
    page = wrong[0]
    return f"gfn {page.gfn:#x} at level {page.level}; the walk read {table_of(walk, page):#x}"


@of_history("page-access", "ROLE-3", "since v5.15, a page has the access that entries above grant",
            REQUESTED)  # fmt: skip
def page_access(_: numbers.Requested, task: Task) -> str | None:
    """W, U and not XD of all the entries that lead to it."""
    walk = task.walk
    if walk is None or not task.recording.kernel.since_5_15 or not walk.succeeded:
        return None
    for page in task.pages:
        if fits(walk, page) and not walk.may_be_ept and page.access != _granted(walk, page.level):
            return f"access {page.access} at level {page.level}; the walk grants " + _granted(
                walk, page.level
            )
    return None


def _granted(walk: GuestWalk, level: int) -> str:
    """Return the access that the entries above *level* grant, in letters."""
    above = [e.pte for e in walk.elements if e.level > level and not walk.is_pdpte(e)]
    common = reduce(and_, above, -1)
    letters = "".join(letter if common & bit else "-" for bit, letter in _LETTERS)
    return letters + ("-" if any(pte & XD for pte in above) else "x")


def _target(event: numbers.LeafSet, task: Task) -> GuestWalk | None:
    """Return the walk whose fault sets *event*'s spte for its own address; None if not sure."""
    walk = task.confirmed
    if walk is None or event.level != 1 or walk.may_be_ept:
        return None
    return walk if event.sptep >> 3 & 0x1FF == walk.addr >> PAGE_SHIFT & 0x1FF else None


@of_history(
    "leaf-rights", "WALK-1", "an spte allows no more than the walk", LEAF,
    only_if=_maps_memory,
)  # fmt: skip
def leaf_rights(event: numbers.LeafSet, task: Task) -> str | None:
    """User access and fetches need the permission of each entry."""
    walk = _target(event, task)
    if walk is None:
        return None
    entries = [e.pte for e in walk.elements if not walk.is_pdpte(e)]
    if event.letters.endswith("u") and not reduce(and_, entries) & US:
        return f"({event.letters}), but the guest's tables forbid user access"
    if event.letters[2] == "x" and any(pte & XD for pte in entries):
        return f"({event.letters}), but the guest's tables forbid fetches"
    return None


@of_history(
    "leaf-clean", "WALK-6", "an spte is writable only if the guest's page is dirty", LEAF,
    only_if=_maps_memory,
)  # fmt: skip
def leaf_clean(event: numbers.LeafSet, task: Task) -> str | None:
    """D was set, or the walk set it."""
    walk = _target(event, task)
    if walk is None or not event.spte & RW or walk.dirty or walk.elements[-1].pte & D:
        return None
    return f"spte {event.spte:#x} has W, but the entry {walk.elements[-1].pte:#x} lacks D"


@of_history(
    "leaf-gfn", "RMAP-1", "a fault maps the gfn that the walk found", LEAF,
    only_if=_maps_memory,
)  # fmt: skip
def leaf_gfn(event: numbers.LeafSet, task: Task) -> str | None:
    """The gfn of the last entry, at level 1."""
    walk = _target(event, task)
    if walk is None or walk.elements[-1].level != 1:
        return None
    gfn = (walk.elements[-1].pte & ADDRESS_MASK) >> PAGE_SHIFT
    return None if gfn == event.gfn else f"gfn {event.gfn:#x} is mapped, the walk found {gfn:#x}"


@of_history(
    "leaf-frame", "RMAP-1", "what a fault maps is the frame that it requested", LEAF,
    only_if=_maps_memory,
)  # fmt: skip
def leaf_frame(event: numbers.LeafSet, task: Task) -> str | None:
    """At the requested gfn, however large the pages."""
    request = task.requested
    if request is None or not 1 <= event.level <= 3 or not 1 <= request.level <= 3:
        return None
    if request.pfn >> _PFN_BITS or not _shows_gfn(request, task):
        return None
    if event.gfn != request.gfn & ~offset_in(event.level):
        return None
    small = request.pfn & ~offset_in(request.level) | request.gfn & offset_in(request.level)
    expected = small & ~offset_in(event.level)
    if _frame(event) == expected:
        return None
    return f"gfn {event.gfn:#x} gets frame {_frame(event):#x}, {expected:#x} was requested"


def _shows_gfn(request: numbers.Requested, task: Task) -> bool:
    """Whether the request surely tells a gfn: in v5.10's shadow paging it tells the address."""
    if task.recording.kernel.since_5_15:
        return True
    return task.walk is not None and task.walk.addr >> PAGE_SHIFT != request.gfn


@of_history("target-frame", "RMAP-1", "the faulting address gets the frame that was requested",
            LEAF, only_if=_maps_memory)  # fmt: skip
def target_frame(event: numbers.LeafSet, task: Task) -> str | None:
    """The same for the spte of the address itself."""
    request = task.requested
    if request is None or request.level != 1 or request.pfn >> _PFN_BITS:
        return None
    if _target(event, task) is None:
        return None
    if _frame(event) == request.pfn:
        return None
    return f"frame {_frame(event):#x} is mapped, {request.pfn:#x} was requested"
