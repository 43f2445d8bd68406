"""Monitors of guest walks."""

from ..trace import numbers
from ..x86.entry import A, D, P
from .error_code import NAMED, RSVD, F, U, W
from .error_code import P as PRESENT
from .follow import is_nested
from .kernel import Kernel
from .registry import of_history, of_line
from .task import Task

WALK, ELEMENT = "kvm_mmu_pagetable_walk", "kvm_mmu_paging_element"
ACCESSED, DIRTY = "kvm_mmu_set_accessed_bit", "kvm_mmu_set_dirty_bit"
ERROR, REQUESTED = "kvm_mmu_walker_error", "kvm_mmu_spte_requested"

_EPT_A, _EPT_D = 1 << 8, 1 << 9


@of_line("flag-letters", "WALK-2", "the letters after an error code are its bits", WALK, ERROR)
def flag_letters(event: numbers.Walk | numbers.Failure, _: Kernel) -> str | None:
    """Compare the number with its letters."""
    if (event.pferr ^ event.flags) & NAMED:
        return f"the letters say {event.flags:#x}, the number is {event.pferr:#x}"
    return None


@of_line("reserved-is-present", "WALK-3", "an error for reserved bits has P", ERROR)
def reserved_is_present(event: numbers.Failure, _: Kernel) -> str | None:
    """Reserved bits are looked at in a present entry only."""
    if event.pferr & RSVD and not event.pferr & PRESENT:
        return "RSVD without P"
    return None


@of_line(
    "walk-without-rsvd", "WALK-3", "since v5.10, a walk is not told RSVD of a shadow entry", WALK
)
def walk_without_rsvd(event: numbers.Walk, kernel: Kernel) -> str | None:
    """The fault's RSVD is about an spte, and is taken off first."""
    if kernel.form == "v5.10" and event.pferr & RSVD:
        return f"the walk is told {event.pferr:#x}, which has RSVD"
    return None


@of_history("walk-descends", "WALK-1", "a walk reads one entry a level, down to the page", ELEMENT)
def walk_descends(event: numbers.Element, task: Task) -> str | None:
    """The level of an entry follows from the one before."""
    walk = task.walk
    if walk is None:
        return None
    if walk.failed:
        return "an entry is read after the walk has failed"
    if not walk.elements:
        return None if 2 <= event.level <= 5 else f"a walk begins at level {event.level}"
    last = walk.elements[-1]
    if event.level == last.level - 1 and (last.leads or walk.ends_at(last) is not True):
        return None
    if event.level == walk.root and (walk.accessed or walk.dirty):
        return None
    if walk.ends_at(last):
        return f"an entry of level {event.level} is read after the walk ended at {last.level}"
    return f"an entry of level {event.level} follows one of level {last.level}"


@of_history(
    "entry-size", "WALK-1", "entries of a two-level walk have 4 bytes", ELEMENT,
    only_if=lambda element: element.pte >> 32,
)  # fmt: skip
def entry_size(event: numbers.Element, task: Task) -> str | None:
    """Legacy 32-bit tables hold 32-bit entries."""
    if event.pte >> 32 and task.walk is not None and (task.walk.root or event.level) == 2:
        return f"entry {event.pte:#x} of a two-level walk is wider than 32 bits"
    return None


@of_history("walk-ends", "WALK-2", "a walk ends at a page, or with an error code", WALK, REQUESTED)
def walk_ends(event: numbers.Walk | numbers.Requested, task: Task) -> str | None:
    """What follows a walk shows that it has ended."""
    walk = task.walk
    if walk is None or walk.failed or not walk.elements:
        return None
    last = walk.elements[-1]
    ends = walk.ends_at(last)
    if ends and not last.pte & P:
        return f"the entry of level {last.level} is not present, and no error code was told"
    if ends is False and not (isinstance(event, numbers.Walk) and is_nested(event, walk)):
        return f"the walk broke off at level {last.level}, whose entry leads on"
    return None


@of_history("error-copies-access", "WALK-2", "an error code has the W and U of its walk", ERROR)
def error_copies_access(event: numbers.Failure, task: Task) -> str | None:
    """W and U are the access; F is told only of a fetch."""
    walk = task.walk
    if walk is None:
        return None
    if (event.pferr ^ walk.pferr) & (W | U):
        return f"error code {event.pferr:#x} of a walk for {walk.pferr:#x}"
    if event.pferr & ~walk.pferr & F:
        return "the error code has F, the walk was not for a fetch"
    return None


@of_history("error-present", "WALK-2", "P of an error code says that the last entry had P", ERROR)
def error_present(event: numbers.Failure, task: Task) -> str | None:
    """P tells a refusal from an absence."""
    walk = task.walk
    if walk is None or not walk.elements:
        return None
    last = walk.elements[-1]
    ends, told = walk.ends_at(last), bool(event.pferr & PRESENT)
    if ends and told and not last.pte & P:
        return f"the error code has P, the entry of level {last.level} has not"
    if ends and not told and last.pte & P and not (walk.accessed or walk.dirty):
        return f"the error code has no P, the entry of level {last.level} has"
    return None


@of_history("accessed-in-walk", "WALK-4", "A is set in an entry that the walk read", ACCESSED)
def accessed_in_walk(event: numbers.EntryBit, task: Task) -> str | None:
    """The address is that of an entry of the walk."""
    walk = task.walk
    if walk is None:
        return None
    if walk.failed or not walk.elements:
        return "A is set although no walk has reached a page"
    if walk.accessed_index(event.gpa) < 0:
        return f"no entry for address {walk.addr:#x} was read at gpa {event.gpa:#x}"
    return None


@of_history("accessed-was-clear", "WALK-4", "A is set only where it was clear", ACCESSED)
def accessed_was_clear(event: numbers.EntryBit, task: Task) -> str | None:
    """Entries are marked once, from the root down."""
    walk = task.walk
    index = -1 if walk is None else walk.accessed_index(event.gpa)
    if walk is None or index < 0:
        return None
    element = walk.elements[index]
    if element.pte & A and (element.pte & _EPT_A or not walk.ept_shaped):
        return f"the entry of level {element.level}, {element.pte:#x}, has A already"
    if index <= walk.marked:
        return f"A of level {element.level} is set twice, or after a lower level"
    return None


@of_history(
    "success-sets-accessed", "WALK-4", "a walk that succeeds sets A where it is clear",
    WALK, REQUESTED,
)  # fmt: skip
def success_sets_accessed(_: object, task: Task) -> str | None:
    """Each entry without A has had its event when something else happens."""
    walk = task.walk
    if walk is None or walk.judged or walk.lacking <= walk.accessed or not walk.succeeded:
        return None
    if walk.may_be_ept:
        return None
    return f"{walk.lacking} entries of the walk lack A, and it was set in {walk.accessed}"


@of_history("dirty-at-page", "WALK-4", "D is set in the entry that maps the page", DIRTY)
def dirty_at_page(event: numbers.EntryBit, task: Task) -> str | None:
    """The address is that of the last entry, which lacks D."""
    walk = task.walk
    if walk is None:
        return None
    if walk.failed or not walk.elements:
        return "D is set although no walk has reached a page"
    last = walk.elements[-1]
    if walk.ends_at(last) is False or not walk.is_entry(len(walk.elements) - 1, event.gpa):
        return f"gpa {event.gpa:#x} is not where the walk found the page for {walk.addr:#x}"
    if last.pte & D and (last.pte & _EPT_D or not walk.may_be_ept):
        return f"the entry {last.pte:#x} has D already"
    return None


@of_history("dirty-for-write", "WALK-4", "D is set only by a walk for a write", DIRTY)
def dirty_for_write(event: numbers.EntryBit, task: Task) -> str | None:
    """Reading makes no page dirty."""
    if task.walk is not None and not task.walk.writes:
        return f"the walk is for {task.walk.pferr:#x}, which has no W"
    return None


@of_history(
    "success-sets-dirty", "WALK-4", "a walk for a write that succeeds sets D", WALK, REQUESTED
)
def success_sets_dirty(_: object, task: Task) -> str | None:
    """The page's entry has D, or had its event."""
    walk = task.walk
    if walk is None or walk.judged or walk.dirty or not walk.writes or not walk.succeeded:
        return None
    last = walk.elements[-1]
    if last.pte & D or walk.may_be_ept:
        return None
    return f"the entry {last.pte:#x} of a walk for a write lacks D, and it was not set"
