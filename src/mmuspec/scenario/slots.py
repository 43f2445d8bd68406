"""The memory slots as the operations of a scenario leave them.

This is bookkeeping for checking a file and for naming frames; how KVM keeps
its slots is the model's business.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .node import Node
from .operation import (
    PAGE,
    ClearDirtyLog,
    GetDirtyLog,
    MadviseDontneed,
    Memslot,
    MemslotFlagToggles,
    Operation,
)


@dataclass(frozen=True)
class Range:
    """A range of guest physical addresses, in bytes."""

    gpa: int
    size: int

    def holds(self, gpa: int, size: int = 1) -> bool:
        """Whether *size* bytes from *gpa* on all lie inside."""
        return self.gpa <= gpa and gpa + size <= self.gpa + self.size

    def overlaps(self, other: "Range") -> bool:
        """Whether the two have a byte in common."""
        return self.gpa < other.gpa + other.size and other.gpa < self.gpa + self.size


def describe(ranges: Iterable[Range]) -> str:
    """Return *ranges* for an error message."""
    lows = sorted((each.gpa, each.gpa + each.size) for each in ranges)
    shown = ", ".join(f"{low:#x}-{high:#x}" for low, high in lows[:4])
    return f"slots: {shown or 'none'}{', ...' if lows[4:] else ''}"


class Slots:
    """Slot number -> range, after the operations seen so far."""

    def __init__(self) -> None:
        """Start without any slot."""
        self.ranges: dict[int, Range] = {}
        self.ever: set[Range] = set()
        """Every range that some slot has had."""

    def hold(self, gpa: int, size: int = 1) -> bool:
        """Whether one slot holds *size* bytes from *gpa* on."""
        return any(slot.holds(gpa, size) for slot in self.ranges.values())

    def check(self, node: Node, operation: Operation) -> None:
        """Check that *operation*, read from *node*, names memory that there is; apply it.

        :raises ScenarioError: it does not
        """
        match operation:
            case Memslot():
                self._check_memslot(node, operation)
                self.apply(operation)
            case MadviseDontneed():
                if not self.hold(operation.gpa, operation.size):
                    node["gpa"].refuse(
                        f"a range inside one slot ({describe(self.ranges.values())})"
                    )
            case GetDirtyLog() | ClearDirtyLog() | MemslotFlagToggles():
                self._check_known(node, operation.slot)
        if isinstance(operation, ClearDirtyLog):
            pages = self.ranges[operation.slot].size // PAGE
            if operation.first + operation.num > pages + 63:
                node["num"].refuse(f"pages within the slot's {pages}")

    def _numbers(self) -> str:
        return f"there are: {', '.join(map(str, sorted(self.ranges))) or 'none'}"

    def _check_known(self, node: Node, slot: int) -> None:
        if slot not in self.ranges:
            node["slot"].refuse(f"a slot that exists ({self._numbers()})")

    def _check_memslot(self, node: Node, operation: Memslot) -> None:
        if operation.change != "create":
            self._check_known(node, operation.slot)
        elif operation.slot in self.ranges:
            node["slot"].refuse(f"a slot that does not exist yet ({self._numbers()})")
        if (operation.size == 0) != (operation.change == "delete"):
            node["size"].refuse("0 to delete a slot, and not 0 otherwise")
        wanted = Range(operation.gpa, operation.size)
        others = (r for slot, r in self.ranges.items() if slot != operation.slot)
        if operation.size and any(wanted.overlaps(other) for other in others):
            node["gpa"].refuse(
                f"a range that no other slot overlaps ({describe(self.ranges.values())})"
            )

    def apply(self, operation: Operation) -> None:
        """Apply *operation*, which has been checked or did succeed."""
        if not isinstance(operation, Memslot):
            return
        if operation.size:
            self.ranges[operation.slot] = Range(operation.gpa, operation.size)
            self.ever.add(self.ranges[operation.slot])
        else:
            self.ranges.pop(operation.slot, None)
