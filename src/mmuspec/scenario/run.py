"""Running a scenario on the model, operation by operation."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..epochs import Epoch
from ..events import Event
from ..kvm.cpu.context import kvm_mmu_reset_context
from ..kvm.cpu.entry import TripleFault
from ..kvm.cpu.instruction import GuestFault, Result
from ..kvm.cpu.run import execute
from ..kvm.slots.dirty_log import kvm_vm_ioctl_clear_dirty_log, kvm_vm_ioctl_get_dirty_log
from ..kvm.slots.update import kvm_set_memory_region, kvm_vm_ioctl_set_nr_mmu_pages
from ..kvm.state.errors import SlotError
from ..kvm.state.vcpu import Vcpu
from ..x86.entry import PAGE_SHIFT
from ..x86.mode import PAE
from .operation import (
    ClearDirtyLog,
    GetDirtyLog,
    GuestOperation,
    MadviseDontneed,
    Memslot,
    MemslotFlagToggles,
    Operation,
    SetNrMmuPages,
)
from .outcome import Fault, MmioAccess, Outcome
from .recording import Config, Scenario
from .stage import build, fill_slot, invalidate_whole_frame, place_frames, write_tables
from .step import code_after, deliver, instruction_for

EINVAL = 22
KVM_EXIT_SHUTDOWN, KVM_EXIT_INTERNAL_ERROR = 8, 17
KVM_MEM_LOG_DIRTY_PAGES = 1
NO_RESCHEDULES: Mapping[int, int] = {}


@dataclass(frozen=True)
class ModelStep:
    """One operation on the model: what it reported, and what came of it.

    :param told: frames that the model had made up, and what the recording told them to be
    """

    operation: Operation
    events: list[Event]
    outcome: Outcome
    stats: dict[str, int]
    told: dict[int, int]


def run_on_model(scenario: Scenario, epoch: Epoch) -> Iterator[ModelStep]:
    """Yield one step for each operation of *scenario*, in order."""
    runner = Runner(scenario, epoch)
    for operation in scenario.ops:
        yield runner.step(operation)


class Runner:
    """The model in the middle of a scenario.

    :param reschedules: operation -> how often KVM asks in vain, in that operation,
        before the host wants to run something else; no scenario states it
    """

    def __init__(
        self, scenario: Scenario, epoch: Epoch, reschedules: Mapping[int, int] = NO_RESCHEDULES
    ) -> None:
        self.scenario = scenario
        self._reschedules = reschedules
        self._patience: int | None = None
        self.kvm = build(scenario, epoch)
        self.events: list[Event] = []
        self.kvm.trace = self.events.append
        self.kvm.mmu_lock.contended = self._contended
        self._on = False
        self._seen_hva: set[int] = set()
        self._last: dict[int, tuple[int, bool]] = {}

    def step(self, operation: Operation) -> ModelStep:
        """Carry out one operation."""
        self.events.clear()
        self._patience = self._reschedules.get(operation.n)
        if isinstance(operation, GuestOperation):
            outcome = self._guest(operation)
        else:
            outcome = self._host(operation)
        told = place_frames(self.kvm, self.scenario, operation.n)
        if isinstance(operation, Memslot) and operation.change == "create":
            self._populate(operation)
        self._power_on()
        return ModelStep(operation, list(self.events), outcome, self.kvm.stats.snapshot(), told)

    def _contended(self) -> bool:
        """Whether someone waits: at most once in an operation."""
        if self._patience is None:
            return False
        waiting = self._patience == 0
        self._patience = None if waiting else self._patience - 1
        return waiting

    def _power_on(self) -> None:
        """Give the vCPUs their registers once there is memory (``KVM_SET_SREGS``)."""
        if not self._on and self.kvm.memslots.slots:
            self._on = True
            for vcpu in self.kvm.vcpus:
                kvm_mmu_reset_context(vcpu)

    def _populate(self, operation: Memslot) -> None:
        """Fill memory that userspace has just allocated."""
        if operation.hva in self._seen_hva or not operation.size:
            return
        self._seen_hva.add(operation.hva)
        fill_slot(self.kvm, operation.slot)
        write_tables(self.kvm, self.scenario, operation.slot)

    def _guest(self, operation: GuestOperation) -> Outcome:
        """One instruction of the guest, and the OUT that ends the step."""
        vcpu = self.kvm.vcpus[operation.vcpu]
        self._set_sregs(operation)
        self.events.clear()
        try:
            result = self._execute(vcpu, operation)
        except TripleFault:
            return Outcome(exit_reason=KVM_EXIT_SHUTDOWN)
        self._last[operation.vcpu] = operation.cpl, result.fault is not None
        return Outcome(
            value=result.value,
            fault=_recorded_fault(result.fault),
            mmio=tuple(MmioAccess(m.gpa, m.size, m.write, m.value) for m in result.mmio),
            exit_reason=KVM_EXIT_INTERNAL_ERROR if result.internal_error else None,
        )

    def _execute(self, vcpu: Vcpu, operation: GuestOperation) -> Result:
        """Run the instruction, then the OUT behind it or the guest's fault handler."""
        config: Config = self.scenario.config
        instruction = instruction_for(operation, config)
        result = execute(vcpu, instruction)
        if not result.fault and not result.internal_error:
            result.fault = execute(vcpu, code_after(instruction, config)).fault
        if result.fault:
            deliver(vcpu, operation, config)
        return result

    def _set_sregs(self, operation: GuestOperation) -> None:
        """Userspace sets the registers anew after a fault and for another CPL.

        With PAE paging that reloads the PDPTEs and resets the MMU context.
        """
        vcpu = self.kvm.vcpus[operation.vcpu]
        cpl, faulted = self._last.get(operation.vcpu, (0, False))
        if vcpu.mmu.guest_mode is PAE and (faulted or cpl != operation.cpl):
            kvm_mmu_reset_context(vcpu)

    def _host(self, operation: Operation) -> Outcome:
        """One act of the host: the method below that is named after the operation."""
        act: Callable[[Operation], Outcome] = getattr(self, operation.do)
        return act(operation)

    def memslot(self, operation: Memslot) -> Outcome:
        """``KVM_SET_USER_MEMORY_REGION``."""
        size = 0 if operation.change == "delete" else operation.size
        return self._ioctl(
            lambda: kvm_set_memory_region(
                self.kvm,
                operation.slot,
                operation.gpa,
                size,
                operation.hva,
                operation.flags,
            )
        )

    def get_dirty_log(self, operation: GetDirtyLog) -> Outcome:
        """``KVM_GET_DIRTY_LOG``."""
        slot = self.kvm.memslots.slots.get(operation.slot)
        if slot is None or not slot.log_dirty:
            return Outcome(rc=-2)
        dirty = kvm_vm_ioctl_get_dirty_log(self.kvm, operation.slot)
        return Outcome(rc=0, dirty=tuple(sorted(gfn - slot.base_gfn for gfn in dirty)))

    def clear_dirty_log(self, operation: ClearDirtyLog) -> Outcome:
        """``KVM_CLEAR_DIRTY_LOG``, which does not exist in v3.11."""
        slot = self.kvm.memslots.slots.get(operation.slot)
        if not self.kvm.epoch.manual_dirty_log or slot is None:
            return Outcome(rc=-EINVAL)
        first = slot.base_gfn + operation.first
        gfns = {first + i for i in range(operation.num) if operation.mask64 >> i & 1}
        return self._ioctl(lambda: kvm_vm_ioctl_clear_dirty_log(self.kvm, operation.slot, gfns))

    def set_nr_mmu_pages(self, operation: SetNrMmuPages) -> Outcome:
        """``KVM_SET_NR_MMU_PAGES``."""
        return self._ioctl(lambda: kvm_vm_ioctl_set_nr_mmu_pages(self.kvm, operation.pages))

    def madvise_dontneed(self, operation: MadviseDontneed) -> Outcome:
        """The process gives pages back: they are unmapped, and read as zero later."""
        for gpa in range(operation.gpa, operation.gpa + operation.size, 1 << PAGE_SHIFT):
            slot = self.kvm.memslots.visible(gpa >> PAGE_SHIFT)
            if slot:
                invalidate_whole_frame(self.kvm, slot, gpa >> PAGE_SHIFT)
                self.kvm.host.unmap_page(slot.hva(gpa >> PAGE_SHIFT))
        return Outcome(rc=0)

    def memslot_flag_toggles(self, operation: MemslotFlagToggles) -> Outcome:
        """Dirty logging of a slot, on and off *count* times in all."""
        slot = self.kvm.memslots.slots[operation.slot]
        for _ in range(operation.count):
            kvm_set_memory_region(
                self.kvm,
                slot.id,
                slot.base_gfn << PAGE_SHIFT,
                slot.npages << PAGE_SHIFT,
                slot.userspace_addr,
                slot.flags ^ KVM_MEM_LOG_DIRTY_PAGES,
            )
        return Outcome()

    def _ioctl(self, call: Callable[[], object]) -> Outcome:
        """Return 0, or the errno of what the kernel refuses."""
        try:
            call()
        except SlotError:
            return Outcome(rc=-EINVAL)
        return Outcome(rc=0)


def _recorded_fault(fault: GuestFault | None) -> Fault | None:
    """Return *fault* as a recording shows it."""
    return Fault(fault.vector, fault.error_code, fault.cr2) if fault else None
