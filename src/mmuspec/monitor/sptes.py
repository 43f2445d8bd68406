"""Monitors of leaf sptes, and of fast page faults."""

from ..epochs.versions import V6_1
from ..trace import numbers
from ..x86.entry import ADDRESS_MASK, PAGE_SHIFT, PS, RW, US, XD, A, D, P, bits
from .error_code import RSVD, W
from .error_code import P as PRESENT
from .kernel import Kernel
from .registry import of_line

LEAF, FAST = "kvm_mmu_set_spte", "fast_page_fault"
TDP, SPLIT = "kvm_tdp_mmu_spte_changed", "kvm_mmu_split_huge_page"

_EPT_X, _EPT_A, _EPT_D = 1 << 2, 1 << 8, 1 << 9
_SPECIAL = bits(52, 53)
_LARGEST = 3


def may_be_made_writable(spte: int, kernel: Kernel) -> bool:
    """Whether *spte* has both software bits that allow W, where the kernel may have them."""
    return any(spte & mask == mask for mask in kernel.writable_bits)


def is_mmio(event: numbers.LeafSet) -> bool:
    """Whether v5.10 set an MMIO spte: later versions print no such event for one."""
    return event.spte & _SPECIAL == _SPECIAL


def offset_in(level: int) -> int:
    """Return the bits of a gfn that lie inside a page of *level*."""
    return bits(0, 9 * (level - 1) - 1)


@of_line("leaf-letters", "WALK-1", "the letters after an spte are its rights", LEAF)
def leaf_letters(event: numbers.LeafSet, _: Kernel) -> str | None:
    """With EPT there is no fourth letter, and X is a bit of its own."""
    spte, letters = event.spte, event.letters
    executable = not spte & XD if len(letters) == 4 else spte & _EPT_X
    expected = ("r" if letters[0] == "r" else "-") + ("w" if spte & RW else "-")
    expected += "x" if executable else "-"
    expected += ("u" if spte & US else "-") if len(letters) == 4 else ""
    if letters[0] == "-" and spte & P:
        return f"({letters}) of spte {spte:#x}, which can be read"
    return None if letters == expected else f"({letters}) of spte {spte:#x}, which is ({expected})"


@of_line("leaf-writable", "SP-2", "a writable spte has both bits that allow it", LEAF)
def leaf_writable(event: numbers.LeafSet, kernel: Kernel) -> str | None:
    """W without MMU-writable would let the guest write a shadowed table unseen."""
    if is_mmio(event) or not event.spte & RW or may_be_made_writable(event.spte, kernel):
        return None
    return f"spte {event.spte:#x} has W, but not both Host-writable and MMU-writable"


@of_line("leaf-present", "RMAP-1", "since v5.15, an spte that is set is in use", LEAF)
def leaf_present(event: numbers.LeafSet, kernel: Kernel) -> str | None:
    """Bit 11 says so."""
    if kernel.since_5_15 and not event.spte >> V6_1.present_bit & 1:
        return f"spte {event.spte:#x} lacks bit {V6_1.present_bit}"
    return None


@of_line("leaf-level", "RMAP-1", "a leaf spte is at level 1 to 3", LEAF)
def leaf_level(event: numbers.LeafSet, _: Kernel) -> str | None:
    """Pages have 4 KiB, 2 MiB or 1 GiB."""
    return None if 1 <= event.level <= _LARGEST else f"level {event.level}"


@of_line("leaf-large", "RMAP-1", "bit 7 is set exactly in a leaf above level 1", LEAF)
def leaf_large(event: numbers.LeafSet, _: Kernel) -> str | None:
    """That bit makes a leaf of it."""
    if is_mmio(event) or bool(event.spte & PS) == (event.level > 1):
        return None
    return f"spte {event.spte:#x} at level {event.level}"


@of_line("leaf-aligned", "RMAP-1", "gfn and frame of a large page are multiples of its size", LEAF)
def leaf_aligned(event: numbers.LeafSet, _: Kernel) -> str | None:
    """A large page begins where one may begin."""
    if not 1 < event.level <= _LARGEST:
        return None
    inside, pfn = offset_in(event.level), (event.spte & ADDRESS_MASK) >> PAGE_SHIFT
    if not (event.gfn | pfn) & inside:
        return None
    return f"gfn {event.gfn:#x} and frame {pfn:#x} at level {event.level}"


@of_line("leaf-address", "PARENT-2", "an spte stands at a multiple of 8", LEAF)
def leaf_address(event: numbers.LeafSet, _: Kernel) -> str | None:
    """So that bit 0 of its address is free."""
    return f"an spte at {event.sptep:#x}" if event.sptep & 7 else None


@of_line("tdp-change", "RMAP-1", "a changed spte differs, and its gfn is one of its level", TDP)
def tdp_change(event: numbers.TdpChange, _: Kernel) -> str | None:
    """An event without a change, or for half a large page, cannot be."""
    if event.old == event.new:
        return f"spte {event.old:#x} is said to change to itself"
    if not 1 <= event.level <= 5 or event.gfn & offset_in(event.level):
        return f"gfn {event.gfn:#x} at level {event.level}"
    return None


@of_line("tdp-leaf-replaced", "ZAP-5", "a leaf is not replaced by one of another frame", TDP)
def tdp_leaf_replaced(event: numbers.TdpChange, _: Kernel) -> str | None:
    """It goes first, and vCPUs are flushed: the kernel stops at anything else."""
    present = event.old & event.new & 1 << V6_1.present_bit
    leaves = event.level == 1 or event.old & event.new & PS
    if not present or not leaves or not (event.old ^ event.new) & ADDRESS_MASK:
        return None
    return f"leaf {event.old:#x} becomes {event.new:#x}, of another frame"


@of_line("split-large", "RMAP-1", "only a large page is split", SPLIT)
def split_large(event: numbers.Split, _: Kernel) -> str | None:
    """Its gfn is one of its level, its spte a large one."""
    if not 1 < event.level <= _LARGEST or event.gfn & offset_in(event.level):
        return f"gfn {event.gfn:#x} at level {event.level}"
    return None if event.spte & PS else f"spte {event.spte:#x} is not large"


# --- fast page faults -----------------------------------------------------------------


@of_line("fast-not-reserved", "FPF-3", "a fault for reserved bits is not tried fast", FAST)
def fast_not_reserved(event: numbers.Fast, _: Kernel) -> str | None:
    """RSVD means MMIO."""
    return "the error code has RSVD" if event.code & RSVD else None


@of_line("fast-is-write", "FPF-3", "a fast page fault is a write to what is present", FAST)
def fast_is_write(event: numbers.Fast, kernel: Kernel) -> str | None:
    """The error code has P and W; with EPT since v4.19, access tracking adds other faults."""
    both = PRESENT | W
    if event.code & both == both or not (kernel.form == "v3.11" or kernel.ept is False):
        return None
    return f"the error code is {event.code:#x}; it should have P (1) and W (2)"


@of_line("fast-allowed", "FPF-4", "W is set fast only where both bits allow it", FAST)
def fast_allowed(event: numbers.Fast, kernel: Kernel) -> str | None:
    """Host-writable and MMU-writable were set, or it was writable already."""
    if not event.fixed or event.old & RW or event.old & _SPECIAL:
        return None
    if may_be_made_writable(event.old, kernel):
        return None
    return f"spte {event.old:#x} lacks Host-writable or MMU-writable"


@of_line("fast-spurious", "FPF-4", "a spurious write fault found W set", FAST)
def fast_spurious(event: numbers.Fast, _: Kernel) -> str | None:
    """Spurious: there was nothing to do."""
    if not event.spurious or not event.code & W or event.old & RW:
        return None
    return f"spurious, but spte {event.old:#x} has no W"


@of_line("fast-one-result", "FPF-4", "since v5.10, it is spurious or fixed, not both", FAST)
def fast_one_result(event: numbers.Fast, kernel: Kernel) -> str | None:
    """The result is one value."""
    both = event.spurious and event.fixed
    return "both spurious and fixed" if both and kernel.form == "v5.10" else None


@of_line("fast-was-readonly", "FPF-4", "since v5.10, what is fixed had no W", FAST)
def fast_was_readonly(event: numbers.Fast, kernel: Kernel) -> str | None:
    """With W set before, a write is spurious."""
    if kernel.form != "v5.10" or not event.fixed or not event.code & W:
        return None
    return f"fixed, but spte {event.old:#x} had W" if event.old & RW else None


@of_line("fast-fixed-writable", "FPF-5", "up to v4.19, what is fixed has W", FAST)
def fast_fixed_writable(event: numbers.Fast, kernel: Kernel) -> str | None:
    """There, fixed is printed by looking at W of the new spte."""
    if kernel.before_5 and event.fixed and not event.new & RW:
        return f"fixed, but spte {event.new:#x} has no W"
    return None


@of_line("fast-changes-w", "FPF-5", "a fast page fault changes nothing but W", FAST)
def fast_changes_w(event: numbers.Fast, kernel: Kernel) -> str | None:
    """The processor may set A and D meanwhile; another frame means that others were at it."""
    changed = event.old ^ event.new
    hardware = A | D if kernel.ept is False else A | D | _EPT_A | _EPT_D
    if not event.fixed or not event.new & RW or not event.new & P or event.old & _SPECIAL:
        return None
    if changed & ADDRESS_MASK or not changed & ~(RW | hardware):
        return None
    return f"spte {event.old:#x} became {event.new:#x}"
