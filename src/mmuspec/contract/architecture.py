"""The simple meaning of translation: what a processor without KVM might do.

It may use what the guest's tables say, or said at any moment since an event
obliged it to forget.  Nothing else.

A page fault that the guest takes is, to the architecture, such an event for
its address.  KVM does not treat it so before v5.8 (kvm_inject_emulated_page_fault()),
so by default it does not count.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Paging
from ..x86.controls import Controls
from ..x86.entry import PAGE_SHIFT, A, D
from ..x86.exceptions import GeneralProtection, PageFault
from ..x86.mode import PAE, mode_of
from ..x86.pferr import Pferr
from ..x86.tlb import OBLIGATIONS, Forget
from ..x86.walk import Pdptes, Translation, load_pdptes, walk
from .history import History, Past


class Outcome(NamedTuple):
    """What the access may come to, by the tables of one moment.

    :param translation: None if the guest takes a fault
    :param fault: the error code of a page fault; None for any other
    :param flags_set: A is set in every entry used, and D in the last for a write
    """

    translation: Translation | None
    fault: Pferr | None
    flags_set: bool


class Window:
    """Since when one vCPU must have forgotten what.

    :param start: the time at which it starts with nothing cached
    """

    def __init__(self, start: int) -> None:
        self.all = self.not_global = start
        self.pages: dict[int, int] = {}

    def since(self, gva: int) -> int:
        """Return the earliest moment whose translation of *gva* may be used, if it is global."""
        return max(self.all, self.pages.get(gva >> PAGE_SHIFT, 0))


class Architecture:
    """What each vCPU may see, given the history of guest memory."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.windows: dict[int, Window] = {}
        self.controls: dict[int, Controls] = {}
        self._pdptes: dict[int, Pdptes | None] = {}

    def follow(self, vcpu: Vcpu) -> None:
        """Take note of the registers of *vcpu*: set from outside, they oblige to everything."""
        known = self.controls.get(vcpu.vcpu_id)
        if known is None or known != vcpu.controls:
            self.windows[vcpu.vcpu_id] = Window(self.history.now)
            self._loaded(vcpu)

    def invlpg(self, vcpu: Vcpu, gva: int) -> None:
        """Oblige *vcpu* to forget the page of *gva*."""
        self.windows[vcpu.vcpu_id].pages[gva >> PAGE_SHIFT] = self.history.now

    def registers_written(self, vcpu: Vcpu, *, cr3: bool) -> None:
        """Oblige *vcpu* to what its own write of a control register demands."""
        old, window = self.controls[vcpu.vcpu_id], self.windows[vcpu.vcpu_id]
        if cr3:
            self.history.cr3_changed(vcpu.vcpu_id, old.cr3)
            window.not_global = self.history.now
        arising = [each for each in OBLIGATIONS if each.arises(old, vcpu.controls)]
        if any(each.forget is Forget.ALL for each in arising):
            window.all = self.history.now
        self._loaded(vcpu)

    def _loaded(self, vcpu: Vcpu) -> None:
        """Load the PDPTEs too; with NPT the processor reads them at each walk instead."""
        self.controls[vcpu.vcpu_id] = vcpu.controls
        self._pdptes[vcpu.vcpu_id] = None
        if mode_of(vcpu.controls) is PAE and vcpu.kvm.paging is not Paging.NPT:
            try:
                now = Past(self.history, vcpu.vcpu_id)
                self._pdptes[vcpu.vcpu_id] = load_pdptes(now, vcpu.controls)
            except GeneralProtection:
                return

    def outcomes(self, vcpu: Vcpu, gva: int, access: Pferr) -> Iterator[Outcome]:
        """Yield what *access* may come to: by the tables of now, then of earlier moments.

        The rights are judged by the registers of now, as a TLB entry's are.
        """
        window, past = self.windows[vcpu.vcpu_id], Past(self.history, vcpu.vcpu_id)
        while True:
            outcome = self._outcome(vcpu, past, gva, access)
            found = outcome.translation
            if past.time >= window.not_global or (found and found.global_):
                yield outcome
            if not past.go_back(window.since(gva)):
                return

    def _outcome(self, vcpu: Vcpu, past: Past, gva: int, access: Pferr) -> Outcome:
        controls = vcpu.controls.with_(cr3=past.cr3)
        try:
            found = walk(past, controls, gva, access, self._pdptes[vcpu.vcpu_id])
        except PageFault as fault:
            return Outcome(None, fault.error_code, flags_set=True)
        except GeneralProtection:
            return Outcome(None, None, flags_set=True)
        size = 4 if controls.paging and not controls.pae else 8
        entries = [past.read(address, size) for address in found.path]
        flags_set = all(entry & A for entry in entries)
        if access & Pferr.W and entries:
            flags_set &= bool(entries[-1] & D)
        return Outcome(found, None, flags_set)
