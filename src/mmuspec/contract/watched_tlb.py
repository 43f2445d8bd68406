"""A TLB that can be asked what it was used for."""

from collections.abc import Callable

from ..kvm.cpu.hardware import VmExit
from ..x86.controls import Controls
from ..x86.pferr import Pferr
from ..x86.tlb import Tlb, Walk


class WatchedTlb(Tlb):
    """A TLB that tells of every access through it."""

    def __init__(
        self,
        tlb: Tlb,
        used: Callable[[int, Pferr, int], None],
        exited: Callable[[int, Pferr], None],
    ) -> None:
        self.pages = tlb.pages
        self._used = used
        self._exited = exited

    def access(self, controls: Controls, linear: int, access: Pferr | int, walk: Walk) -> int:
        """Translate as always, then tell what came of it."""
        try:
            physical = super().access(controls, linear, access, walk)
        except VmExit:
            self._exited(linear, Pferr(access))
            raise
        self._used(linear, Pferr(access), physical)
        return physical
