"""Being told what happens inside an operation.

Checks of a state need nothing from here.  Those about what happened on the
way derive from :class:`Observer` and add themselves to ``kvm.observers``.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..cpu.instruction import Instruction, Result
    from ..slots.memslot import MemSlot
    from .page import ShadowPage
    from .requests import Request
    from .vcpu import Vcpu


class Observer:
    """Ignores everything; subclasses say what they want to know."""

    def instruction(self, vcpu: "Vcpu", instruction: "Instruction") -> None:
        """*vcpu* is about to execute *instruction*."""

    def executed(self, vcpu: "Vcpu", instruction: "Instruction", result: "Result") -> None:
        """It did."""

    def exited(self, vcpu: "Vcpu", address: int, error_code: int | None) -> None:
        """*vcpu* left the guest because of a fault; None if that has no error code."""

    def stored(self, sptep: int, old: int, new: int) -> None:
        """The spte at *sptep* was *old* and is *new*."""

    def requested(self, request: "Request") -> None:
        """*request* was made of every vCPU, and waited for."""

    def released(self) -> None:
        """``mmu_lock`` is about to be given back."""

    def freed(self, sp: "ShadowPage") -> None:
        """*sp* is about to be freed."""

    def fetched(self, vcpu: "Vcpu", addr: int) -> None:
        """A shadow fault has linked pages down to the leaf for *addr*."""

    def room_made(self) -> None:
        """Shadow pages were recycled, if that was necessary."""

    def log_taken(self, slot: "MemSlot", frames: set[int]) -> None:
        """Userspace was given *frames* as the dirty log of *slot*."""
