"""Running a guest, one instruction at a time.

Source: vcpu_enter_guest() and the exit handlers of arch/x86/kvm/svm.c (v3.11).
"""

from collections.abc import Callable

from ...x86.controls import CR0_CD, CR0_NW, CR0_PG, CR0_WP
from ...x86.exceptions import PageFault
from ...x86.pferr import Pferr
from ...x86.tlb import INVLPG
from ..faults.fault_result import FaultError
from ..faults.page_fault import handle_ept_misconfig, kvm_mmu_page_fault
from ..guest.walk_addr import WalkFailed
from ..state.vcpu import PageFaultException, Vcpu
from ..state.vm import Paging
from ..sync.invlpg import kvm_mmu_invlpg
from .emulate import fetch_instruction, kvm_mmu_unprotect_page_virt
from .entry import vcpu_enter_guest, vcpu_exit_guest
from .hardware import VmExit, hardware_access, reported_code
from .instruction import GuestFault, Instruction, Kind, Result
from .registers import kvm_set_cr0, kvm_set_cr3, kvm_set_cr4, set_efer

MAX_FAULTS = 64
"""Faults that one instruction may take before the model says that it makes no progress [C6]."""

REGISTERS: dict[Kind, Callable[[Vcpu, int], None]] = {
    Kind.MOV_CR0: kvm_set_cr0,
    Kind.MOV_CR3: kvm_set_cr3,
    Kind.MOV_CR4: kvm_set_cr4,
    Kind.WRMSR_EFER: set_efer,
}


class _Delivered(Exception):
    """The guest takes a page fault instead of the instruction's effect."""

    def __init__(self, error_code: int, cr2: int) -> None:
        self.fault = GuestFault(error_code, cr2)


class _Restart(Exception):
    """A fault was handled: the instruction starts over, from its fetch."""


def execute(vcpu: Vcpu, instruction: Instruction) -> Result:
    """Fetch and execute *instruction* on the processor, with KVM behind it.

    :raises FaultError: a fault that KVM cannot resolve, or that never ends
    :raises TripleFault: the guest's root table is not in memory
    """
    result = Result()
    for observer in vcpu.kvm.observers:
        observer.instruction(vcpu, instruction)
    for _ in range(MAX_FAULTS):
        try:
            _attempt(vcpu, instruction, result)
        except _Restart:
            continue
        except _Delivered as delivered:
            result.fault = delivered.fault
            vcpu.cr2 = delivered.fault.cr2
        vcpu_exit_guest(vcpu)
        for observer in vcpu.kvm.observers:
            observer.executed(vcpu, instruction, result)
        return result
    raise FaultError(f"{instruction} still faults after {MAX_FAULTS} faults")


def _attempt(vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
    """Fetch the instruction and do what it is for."""
    if instruction.rip is not None and not result.jumped:
        user = Pferr.U if instruction.user else Pferr(0)
        _touch(vcpu, instruction.rip, Pferr.F | user, instruction, result)
    result.jumped = instruction.kind is Kind.EXEC
    if not result.is_over:
        _carry_out(vcpu, instruction, result)


def _carry_out(vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
    """Do what the instruction is for."""
    kind = instruction.kind
    if kind is Kind.MOV_CR0 and _needs_no_exit(vcpu, instruction.operand):
        return
    if kind in REGISTERS:
        _intercept(vcpu, instruction)
        REGISTERS[kind](vcpu, instruction.operand)
        if kind is Kind.WRMSR_EFER:
            _skip(vcpu, instruction)
    elif kind is Kind.INVLPG:
        _invlpg(vcpu, instruction)
    elif kind is not Kind.NOP:
        hpa = _operand(vcpu, instruction, result)
        if hpa is not None:
            _memory(vcpu, instruction, hpa, result)


def _operand(vcpu: Vcpu, instruction: Instruction, result: Result) -> int | None:
    """Access the memory operand.

    :returns: its host-physical address; None if the emulator did the access
    """
    gva, access = instruction.operand, instruction.access()
    loads = instruction.kind is Kind.XCHG and vcpu.kvm.host.processor.xchg_reads_first
    if loads and _touch(vcpu, gva, access & ~Pferr.W, instruction, result) is None:
        return None
    return _touch(vcpu, gva, access, instruction, result)


def _memory(vcpu: Vcpu, instruction: Instruction, hpa: int, result: Result) -> None:
    """Do the access at the address that the processor found."""
    memory = vcpu.kvm.host.memory
    if instruction.kind in (Kind.READ, Kind.XCHG):
        result.value = memory.read(hpa, instruction.size)
    if instruction.kind in (Kind.WRITE, Kind.XCHG):
        memory.write(hpa, instruction.value, instruction.size)


def _intercept(vcpu: Vcpu, instruction: Instruction) -> None:
    """Leave the guest for an instruction that KVM carries out itself."""
    vcpu_exit_guest(vcpu)
    if instruction.kind is Kind.WRMSR_EFER or not _emulates(vcpu, instruction.kind):
        return
    vcpu.kvm.stats.insn_emulation += 1
    try:
        fetch_instruction(vcpu, instruction)
    except WalkFailed as failed:
        raise _Delivered(failed.fault.error_code, failed.fault.cr2) from None


def _emulates(vcpu: Vcpu, kind: Kind) -> bool:
    """Whether the emulator carries out *kind*, a load of a control register or INVLPG.

    With NPT that goes for CR0 and CR4 still: the exit does not name the register
    that holds the new value.  With EPT it does.

    Source: cr_interception() of svm.c, handle_cr() of vmx.c (v3.11).
    """
    if vcpu.kvm.paging is Paging.NPT:
        return kind in (Kind.MOV_CR0, Kind.MOV_CR4)
    return not vcpu.kvm.tdp_enabled


def _needs_no_exit(vcpu: Vcpu, cr0: int) -> bool:
    """Whether the processor loads CR0 alone: the same value, where KVM runs with the guest's.

    KVM keeps the caches enabled, and for shadow paging also paging and write protection.

    Source: update_cr0_intercept() (v3.11), svm_set_cr0() (v6.1).
    """
    kept = 0 if vcpu.kvm.tdp_enabled else CR0_PG | CR0_WP
    return cr0 == vcpu.controls.cr0 and cr0 & (kept | CR0_CD | CR0_NW) == kept


def _skip(vcpu: Vcpu, instruction: Instruction) -> None:
    """Go on behind an instruction that KVM carried out without the emulator.

    Source: skip_emulated_instruction() in arch/x86/kvm/svm.c (v3.11),
    svm_skip_emulated_instruction() (v6.1).
    """
    if vcpu.kvm.epoch.wrmsr_skip_decodes and not vcpu.kvm.host.processor.next_rip:
        vcpu.kvm.stats.insn_emulation += 1
        fetch_instruction(vcpu, instruction)


def _invlpg(vcpu: Vcpu, instruction: Instruction) -> None:
    """Intercepted with shadow paging; with NPT or EPT the processor does it alone."""
    if vcpu.kvm.tdp_enabled:
        vcpu.tlb.forget(INVLPG, instruction.operand)
        return
    _intercept(vcpu, instruction)
    kvm_mmu_invlpg(vcpu, instruction.operand)


def _touch(
    vcpu: Vcpu, gva: int, access: Pferr, instruction: Instruction, result: Result
) -> int | None:
    """Access *gva* on the processor.

    :returns: the host-physical address; None if the emulator did the access
    """
    vcpu_enter_guest(vcpu)
    try:
        return hardware_access(vcpu, gva, access)
    except PageFault as fault:
        raise _Delivered(int(reported_code(vcpu, fault.error_code)), fault.cr2) from None
    except VmExit as vm_exit:
        _handle_exit(vcpu, vm_exit, instruction, result)
    if result.is_over:
        return None
    raise _Restart


def _handle_exit(vcpu: Vcpu, vm_exit: VmExit, instruction: Instruction, result: Result) -> None:
    """Let KVM handle a fault; deliver the guest's own fault if that is what it was."""
    vcpu_exit_guest(vcpu)
    for observer in vcpu.kvm.observers:
        observer.exited(vcpu, vm_exit.address, vm_exit.error_code)
    try:
        if vm_exit.error_code is None:
            handle_ept_misconfig(vcpu, vm_exit.address, instruction, result)
        else:
            code = vm_exit.error_code
            if instruction.delivers and not vcpu.kvm.tdp_enabled:
                kvm_mmu_unprotect_page_virt(vcpu, vm_exit.address, user=instruction.user)
            kvm_mmu_page_fault(vcpu, vm_exit.address, code, instruction, result)
    except WalkFailed as failed:
        vcpu.exception = failed.fault
    if vcpu.exception:
        fault, vcpu.exception = vcpu.exception, None
        _invalidate(vcpu, fault)
        vcpu.kvm.stats.pf_guest += 1
        raise _Delivered(fault.error_code, fault.cr2)


def _invalidate(vcpu: Vcpu, fault: PageFaultException) -> None:
    """Read the guest entry of a protection fault again, or the access might fault for ever.

    Source: kvm_inject_emulated_page_fault() (v5.10, v6.1).
    """
    judged = fault.error_code & (Pferr.P | Pferr.RSVD)
    if vcpu.kvm.epoch.guest_fault_invalidates and judged == Pferr.P:
        vcpu.mmu.invlpg(vcpu, fault.cr2, None)
