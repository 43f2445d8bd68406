"""The clauses C1 to C6 over a running machine.

The simple meaning is computed beside the model: which translations the
architecture allows (:mod:`~mmuspec.contract.architecture`), which slots and
host pages there are now, which frames were written since the log was taken.
Every access that the model carries out is compared with it.
"""

from collections.abc import Callable
from typing import Final, Protocol

from ..kvm.cpu.instruction import Instruction, Kind, Mmio, Result
from ..kvm.slots.memslot import MemSlot
from ..kvm.state.observer import Observer
from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Kvm
from ..x86.entry import PAGE_MASK, PAGE_SHIFT
from ..x86.pferr import Pferr
from .architecture import Architecture, Outcome
from .history import History
from .snapshot import host_page
from .violation import ContractBroken, ContractViolation
from .watched_tlb import WatchedTlb

MOST_EXITS: Final = 16
"""Faults that one access may take [C6]."""
LONGEST_HOLD: Final = 64 * 1024
"""Sptes that may be visited in one hold of ``mmu_lock`` [C6]: some 60 pages with their entries."""
REGISTERS: Final = (Kind.MOV_CR0, Kind.MOV_CR3, Kind.MOV_CR4, Kind.WRMSR_EFER)


class Running(Protocol):
    """What a contract needs of a machine.

    :param after: called after each operation
    """

    kvm: Kvm
    after: list[Callable[[], None]]


class Contract(Observer):
    """Holds a machine to C1 to C6 from now on.

    :param running: a machine
    :param page_fault_refreshes: whether a #PF obliges to forget its address
    :param raising: whether an operation that breaks the contract raises
        :class:`ContractBroken`; else the violations are only collected
    :ivar violations: what was found since the last :meth:`take`
    """

    def __init__(
        self, running: Running, *, page_fault_refreshes: bool = False, raising: bool = True
    ) -> None:
        self.kvm = running.kvm
        self.violations: list[ContractViolation] = []
        self._page_fault_refreshes = page_fault_refreshes
        self._history = History(self.kvm)
        self._history.on_write = self._written
        self._architecture = Architecture(self._history)
        self._depth = self._exits = 0
        self._words: set[int] = set()
        self._logged: dict[tuple[int, int], MemSlot] = {}
        for vcpu in self.kvm.vcpus:
            self._follow(vcpu)
        self.kvm.observers.append(self)
        if raising:
            running.after.append(self.verify)

    def take(self) -> list[ContractViolation]:
        """Look at the log and the lock once more; return and forget the violations."""
        self._look_at_log()
        self._look_at_lock()
        taken, self.violations = self.violations, []
        return taken

    def verify(self) -> None:
        """Complain about every violation since the last look.

        :raises ContractBroken: there is one
        """
        if violations := self.take():
            raise ContractBroken(violations)

    def _report(self, clause: str, operation: str, expected: str, got: str) -> None:
        self.violations.append(ContractViolation(clause, operation, expected, got))

    # What the guest does.

    def instruction(self, vcpu: Vcpu, instruction: Instruction) -> None:
        """Start judging one instruction."""
        self._follow(vcpu)
        self._depth, self._exits = self._depth + 1, 0
        self._words.clear()

    def executed(self, vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
        """Judge what became of it, and note what it obliges to."""
        self._depth = max(self._depth - 1, 0)
        if result.fault:
            self._fault(vcpu, instruction, result)
        elif instruction.kind is Kind.INVLPG:
            self._architecture.invlpg(vcpu, instruction.operand)
        elif instruction.kind in REGISTERS:
            cr3 = instruction.kind is Kind.MOV_CR3
            self._architecture.registers_written(vcpu, cr3=cr3)
        elif result.emulated:
            self._emulated(vcpu, instruction, result)

    def _follow(self, vcpu: Vcpu) -> None:
        """Watch the TLB of *vcpu*, and its registers."""
        if not isinstance(vcpu.tlb, WatchedTlb):
            vcpu.tlb = WatchedTlb(
                vcpu.tlb,
                lambda gva, access, hpa: self._used(vcpu, gva, access, hpa),
                lambda gva, access: self._exited(vcpu, gva, access),
            )
        self._architecture.follow(vcpu)

    def _exited(self, vcpu: Vcpu, gva: int, access: Pferr) -> None:
        """Count the faults of one access [C6]."""
        self._exits += 1
        if self._exits == MOST_EXITS:
            got = f"{self._exits} and no end"
            self._report("C6", _access(vcpu, gva, access), f"fewer than {MOST_EXITS} faults", got)

    def _used(self, vcpu: Vcpu, gva: int, access: Pferr, hpa: int) -> None:
        """Judge a translation that the processor used [C1, C2, C3, C5]."""
        self._exits = 0
        matching = False
        for outcome in self._architecture.outcomes(vcpu, gva, access):
            if outcome.translation and self._leads_to(outcome.translation.physical, hpa):
                matching = True
                if outcome.flags_set:
                    self._look_at_host_write(vcpu, gva, access, hpa)
                    return
        self._explain(vcpu, gva, access, hpa, matching=matching)

    def _leads_to(self, gpa: int, hpa: int) -> bool:
        """Whether guest-physical *gpa* is at *hpa*, by the slots and the host of now."""
        pte = host_page(self.kvm, gpa >> PAGE_SHIFT)
        visible = self.kvm.memslots.visible(gpa >> PAGE_SHIFT) is not None
        return visible and pte is not None and hpa == pte.pfn << PAGE_SHIFT | gpa & PAGE_MASK

    def _look_at_host_write(self, vcpu: Vcpu, gva: int, access: Pferr, hpa: int) -> None:
        """A write may not reach a page that the host has made read-only."""
        hva = self._history.hva_of(hpa >> PAGE_SHIFT)
        if access & Pferr.W and hva is not None and not self.kvm.host.ptes[hva].writable:
            wrong = f"a write to frame {hpa >> PAGE_SHIFT:#x}, which the host made read-only"
            self._report("C5", _access(vcpu, gva, access), "a page of the host's to write", wrong)

    def _explain(self, vcpu: Vcpu, gva: int, access: Pferr, hpa: int, *, matching: bool) -> None:
        """Say which clause a wrong access breaks."""
        operation = _access(vcpu, gva, access)
        if matching:
            expected = "A in every guest entry used, and D in the last for a write"
            self._report("C2", operation, expected, "an access before they were set")
            return
        hva = self._history.hva_of(hpa >> PAGE_SHIFT)
        if hva is None:
            self._report("C5", operation, "a page that the host has", f"old page {hpa:#x}")
        elif not any(_holds(slot, hva) for slot in self._visible_slots()):
            self._report("C3", operation, "a page of a slot", f"{hpa:#x} of a slot that is gone")
        elif self._forbidden(vcpu, gva, hpa):
            code = self._faults(vcpu, gva, access)
            self._report("C2", operation, f"page fault {' or '.join(code)}", f"access to {hpa:#x}")
        else:
            told = ", ".join(self._frames(vcpu, gva, access)) or "a page fault"
            self._report("C1", operation, f"one of {told}", f"host page {hpa:#x}")

    def _visible_slots(self) -> list[MemSlot]:
        return [slot for slot in self.kvm.memslots.slots.values() if not slot.invalid]

    def _forbidden(self, vcpu: Vcpu, gva: int, hpa: int) -> bool:
        """Whether the frame is right for a supervisor's read or a user's."""
        return any(
            outcome.translation and self._leads_to(outcome.translation.physical, hpa)
            for kind in (Pferr(0), Pferr.U)
            for outcome in self._architecture.outcomes(vcpu, gva, kind)
        )

    def _faults(self, vcpu: Vcpu, gva: int, access: Pferr) -> list[str]:
        outcomes = self._architecture.outcomes(vcpu, gva, access)
        return sorted({f"{outcome.fault:#x}" for outcome in outcomes if outcome.fault is not None})

    def _frames(self, vcpu: Vcpu, gva: int, access: Pferr) -> list[str]:
        found = (each.translation for each in self._architecture.outcomes(vcpu, gva, access))
        return sorted({f"gpa {translation.physical:#x}" for translation in found if translation})

    # Faults and emulation.

    def _fault(self, vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
        """Judge a page fault that the guest took [C2]."""
        assert result.fault is not None
        fault = result.fault
        possible: set[int] = set()
        for gva, access in accesses(instruction):
            if gva == fault.cr2:
                outcomes = self._architecture.outcomes(vcpu, gva, access)
                possible |= {int(o.fault) if o.fault is not None else -1 for o in outcomes}
        if fault.error_code not in possible:
            told = ["no fault" if code < 0 else f"page fault {code:#x}" for code in possible]
            expected = " or ".join(sorted(told)) or "no access there"
            self._report("C2", f"{instruction.kind.value} at {fault.cr2:#x}", expected, repr(fault))
        if self._page_fault_refreshes:
            self._architecture.invlpg(vcpu, fault.cr2)

    def _emulated(self, vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
        """Judge what the emulator accessed [C1, C3]."""
        gva, access = instruction.operand, instruction.access()
        if instruction.kind is Kind.READ:
            access &= Pferr.U
        outcomes = list(self._architecture.outcomes(vcpu, gva, access))
        for mmio in result.mmio:
            self._mmio(vcpu, instruction, mmio, outcomes)
        if not result.mmio and not any(self._did(instruction, result, o) for o in outcomes):
            told = ", ".join(self._frames(vcpu, gva, access)) or "a page fault"
            got = f"{result} somewhere else"
            self._report("C1", _access(vcpu, gva, access), f"emulation at {told}", got)

    def _mmio(self, vcpu: Vcpu, instruction: Instruction, mmio: Mmio, may: list[Outcome]) -> None:
        operation = _access(vcpu, instruction.operand, instruction.access())
        slot = self.kvm.memslots.visible(mmio.gpa >> PAGE_SHIFT)
        if slot and not (slot.read_only and mmio.write):
            self._report("C3", operation, f"memory of slot {slot.id}", repr(mmio))
        if not any(each.translation and each.translation.physical == mmio.gpa for each in may):
            told = ", ".join(self._frames(vcpu, instruction.operand, instruction.access()))
            self._report("C1", operation, told or "a page fault", repr(mmio))

    def _did(self, instruction: Instruction, result: Result, outcome: Outcome) -> bool:
        """Whether the emulated access to memory was the one that *outcome* allows."""
        if outcome.translation is None:
            return False
        gpa = outcome.translation.physical
        slot = self.kvm.memslots.visible(gpa >> PAGE_SHIFT)
        if slot is None:
            return False
        page = slot.hva(gpa >> PAGE_SHIFT)
        if instruction.kind is Kind.WRITE:
            return page | gpa & PAGE_MASK & ~7 in self._words
        pte = self.kvm.host.ptes.get(page)
        hpa = pte.pfn << PAGE_SHIFT | gpa & PAGE_MASK if pte else 0
        held = self.kvm.host.memory.read(hpa, instruction.size)
        return instruction.kind is not Kind.READ or held == result.value

    # The dirty log and the lock.

    def _written(self, hva: int) -> None:
        """Note a word that the guest, or KVM on its behalf, has written [C4]."""
        if not self._depth:
            return
        self._words.add(hva)
        for slot in self._visible_slots():
            if slot.log_dirty and _holds(slot, hva):
                gfn = slot.base_gfn + (hva - slot.userspace_addr >> PAGE_SHIFT)
                self._logged[slot.id, gfn] = slot

    def log_taken(self, slot: MemSlot, frames: set[int]) -> None:
        """Compare a log with the frames that were written since the last one [C4]."""
        self._look_at_log(frames, slot)
        self._logged = {key: s for key, s in self._logged.items() if s is not slot}

    def _look_at_log(self, frames: set[int] | None = None, only: MemSlot | None = None) -> None:
        """Look for frames that were written and will not be, or were not, reported."""
        slots = self.kvm.memslots.slots
        for (slot_id, gfn), slot in list(self._logged.items()):
            if slots.get(slot_id) is not slot or not slot.log_dirty:
                del self._logged[slot_id, gfn]
            elif only in (None, slot) and gfn not in (
                slot.dirty_bitmap if frames is None else frames
            ):
                del self._logged[slot_id, gfn]
                expected = f"gfn {gfn:#x} in the dirty log of slot {slot_id}"
                self._report("C4", f"a write to gfn {gfn:#x}", expected, "no trace of it there")

    def _look_at_lock(self) -> None:
        """Compare the longest hold of ``mmu_lock`` so far with the bound [C6]."""
        held, self.kvm.mmu_lock.longest_hold = self.kvm.mmu_lock.longest_hold, 0
        if held > LONGEST_HOLD:
            at_most = f"at most {LONGEST_HOLD} sptes visited without a break"
            self._report("C6", "mmu_lock is held", at_most, str(held))


def accesses(instruction: Instruction) -> list[tuple[int, Pferr]]:
    """Return the (address, access) pairs at which *instruction* may fault."""
    found = []
    if instruction.rip is not None:
        found.append((instruction.rip, Pferr.F | (Pferr.U if instruction.user else Pferr(0))))
    if instruction.kind in (Kind.READ, Kind.WRITE, Kind.XCHG, Kind.EXEC):
        found.append((instruction.operand, instruction.access()))
    if instruction.kind is Kind.XCHG:
        found.append((instruction.operand, instruction.access() & Pferr.U))
    return found


def _access(vcpu: Vcpu, gva: int, access: Pferr) -> str:
    """Say which access it was."""
    who = "user" if access & Pferr.U else "supervisor"
    what = "write" if access & Pferr.W else "fetch" if access & Pferr.F else "read"
    return f"{who} {what} at {gva:#x} on vCPU {vcpu.vcpu_id}"


def _holds(slot: MemSlot, hva: int) -> bool:
    """Whether *slot* has the page of *hva* behind it."""
    return 0 <= hva - slot.userspace_addr < slot.npages << PAGE_SHIFT
