"""Monitors of MMIO sptes and their generations."""

from ..kvm.sptes.mmio_spte import get_mmio_spte_generation
from ..trace import numbers
from ..x86.entry import PAGE_SHIFT, RW, US, bits
from .follow import parity
from .kernel import Kernel
from .registry import of_history, of_line
from .task import Task

CHECK, MARK, HANDLE = "check_mmio_spte", "mark_mmio_spte", "handle_mmio_page_fault"
LEAF = "kvm_mmu_set_spte"

_PLAIN_GFN = bits(0, 18)
"""Bits of the gfn that an MMIO spte holds unchanged, however few address bits a host has."""
_SPECIAL = bits(52, 53)
_NEAR_WRAP = 4
_SMALLEST_WINDOW = bits(0, 17)


def _may_wrap(gen: int) -> bool:
    """Whether *gen* is so near the end of its range that the next may be smaller."""
    return gen + _NEAR_WRAP & _SMALLEST_WINDOW < _NEAR_WRAP


@of_line("mmio-valid", "MMIO-5", "an MMIO spte is valid exactly if the generations agree", CHECK)
def mmio_valid(event: numbers.Check, _: Kernel) -> str | None:
    """Compare what is printed with what it is made of."""
    if event.valid == (event.kvm_gen == event.spte_gen):
        return None
    return f"valid {event.valid} with generations {event.kvm_gen:#x} and {event.spte_gen:#x}"


@of_line("mmio-generation", "MMIO-2", "the generation is the one in the MMIO spte", CHECK)
def mmio_generation(event: numbers.Check, kernel: Kernel) -> str | None:
    """Take the spte apart, by each layout that the kernel may have."""
    found = [get_mmio_spte_generation(layout, event.spte) for layout in kernel.layouts]
    if event.spte_gen in found:
        return None
    return f"spte {event.spte:#x} holds generation {found[0]:#x}, not {event.spte_gen:#x}"


@of_line("mmio-not-newer", "MMIO-6", "an MMIO spte is not newer than the slots", CHECK)
def mmio_not_newer(event: numbers.Check, _: Kernel) -> str | None:
    """Generations only grow until all pages are zapped."""
    if event.spte_gen <= event.kvm_gen or _may_wrap(event.spte_gen):
        return None
    return f"generation {event.spte_gen:#x} of the spte, {event.kvm_gen:#x} of the slots"


@of_line(
    "mmio-access", "MMIO-2", "up to v4.19, an MMIO spte keeps only W and U of the access", MARK
)
def mmio_access(event: numbers.Mark, kernel: Kernel) -> str | None:
    """Other access bits do not fit in it."""
    if kernel.before_5 and event.access & ~(RW | US):
        return f"access {event.access:#x} has other bits than W and U"
    return None


@of_line("mmio-access-range", "MMIO-2", "the access of an MMIO spte has at most three bits", MARK)
def mmio_access_range(event: numbers.Mark, _: Kernel) -> str | None:
    """Since v5.10 it is taken from the low bits of the spte."""
    return f"access {event.access:#x}" if event.access > 7 else None


@of_history("slots-grow", "MMIO-6", "the generation of the slots never goes back", CHECK)
def slots_grow(event: numbers.Check, task: Task) -> str | None:
    """It grows until all pages are zapped."""
    seen = task.machine.newest_slots(parity(task, event.kvm_gen))
    if event.kvm_gen >= seen or _may_wrap(seen):
        return None
    return f"generation {event.kvm_gen:#x} of the slots after {seen:#x}"


@of_history("mark-is-current", "MMIO-5", "an MMIO spte is stamped with no old generation", MARK)
def mark_is_current(event: numbers.Mark, task: Task) -> str | None:
    """The stamp is not older than a generation that the task has seen."""
    seen = task.machine.newest_slots(parity(task, event.gen))
    if event.gen < 0 or event.gen >= seen or _may_wrap(seen):
        return None
    return f"stamped with generation {event.gen:#x} after {seen:#x} was seen"


@of_history(
    "answer-was-checked", "MMIO-4", "an MMIO spte answers only after its check succeeded", HANDLE
)
def answer_was_checked(event: numbers.Handle, task: Task) -> str | None:
    """The event before is a check of an spte with this gfn, and valid."""
    check = task.last
    if check is None or task.recording.kernel.form == "v3.10":
        return None
    if not isinstance(check, numbers.Check):
        return "no check_mmio_spte comes right before"
    if not check.valid:
        return "the check right before was not valid"
    if (check.spte >> PAGE_SHIFT ^ event.gfn) & _PLAIN_GFN:
        return f"gfn {event.gfn:#x} is not that of the checked spte {check.spte:#x}"
    return None


@of_history("answer-access", "MMIO-2", "the access is that in the MMIO spte, or 0 with EPT", HANDLE)
def answer_access(event: numbers.Handle, task: Task) -> str | None:
    """W and U are stored in place."""
    check = task.last
    if not isinstance(check, numbers.Check) or event.access in (0, check.spte & (RW | US)):
        return None
    return f"access {event.access:#x} of spte {check.spte:#x}"


@of_history(
    "mark-then-set", "MMIO-2", "the MMIO spte that is set is the one marked", LEAF,
    only_if=lambda leaf: leaf.spte & _SPECIAL == _SPECIAL,
)  # fmt: skip
def mark_then_set(event: numbers.LeafSet, task: Task) -> str | None:
    """V5.10 prints both: gfn and generation agree."""
    mark, kernel = task.last, task.recording.kernel
    if not isinstance(mark, numbers.Mark):
        return None
    if event.gfn != mark.gfn:
        return f"gfn {event.gfn:#x} is set, {mark.gfn:#x} was marked"
    found = {get_mmio_spte_generation(layout, event.spte) for layout in kernel.layouts}
    if mark.gen in found:
        return None
    return f"spte {event.spte:#x} does not hold generation {mark.gen:#x}"
