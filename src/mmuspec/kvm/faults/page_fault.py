"""The common entry of every MMU fault.

Source: kvm_mmu_page_fault(), handle_ept_misconfig() (v3.11).
"""

from ..cpu.emulate import x86_emulate_instruction
from ..cpu.instruction import Instruction, Result
from ..state.vcpu import Vcpu
from .count import count_fault
from .fault_result import Fault, FaultError
from .mmio import RetMmioPf, handle_mmio_page_fault_common
from .mmio_cache import vcpu_match_mmio_gpa, vcpu_match_mmio_gva


def is_mmio_page_fault(vcpu: Vcpu, addr: int) -> bool:
    """Whether the vCPU's MMIO cache holds the page of *addr*."""
    match = vcpu_match_mmio_gpa if vcpu.mmu.direct_map else vcpu_match_mmio_gva
    return match(vcpu, addr)


def kvm_mmu_page_fault(
    vcpu: Vcpu, addr: int, error_code: int, instruction: Instruction, result: Result
) -> None:
    """Handle a fault; emulate *instruction* where mapping the page is not enough.

    :param result: filled in if the instruction was emulated
    :raises FaultError: the fault cannot be resolved
    """
    outcome = vcpu.mmu.page_fault(vcpu, addr, error_code, False)
    if not isinstance(outcome, RetMmioPf):
        count_fault(vcpu.kvm, Fault(outcome))
    if outcome < 0:
        raise FaultError(f"fault at {addr:#x}, error code {error_code:#x}: result {outcome}")
    if outcome == Fault.EMULATE:
        _emulate(vcpu, addr, instruction, result)


def _emulate(vcpu: Vcpu, addr: int, instruction: Instruction, result: Result) -> None:
    """Emulate; if the vCPU's MMIO cache does not know the address, it may be retried instead."""
    known = vcpu.mmu.direct_map and vcpu.kvm.epoch.emulator_knows_fault_gpa
    vcpu.fault_gpa = addr if known else None
    mmio = is_mmio_page_fault(vcpu, addr)
    x86_emulate_instruction(vcpu, instruction, result, retry_at=None if mmio else addr)


def handle_ept_misconfig(vcpu: Vcpu, gpa: int, instruction: Instruction, result: Result) -> None:
    """Handle an exit without error code: with EPT, an MMIO spte raises it.

    MMIO answered here is not counted in ``mmio_exits`` [QUIRK-3].

    :raises FaultError: the entry is no MMIO spte
    """
    answer = handle_mmio_page_fault_common(vcpu, gpa, direct=True)
    if answer is RetMmioPf.BUG:
        raise FaultError(f"EPT misconfiguration at {gpa:#x} without an MMIO spte")
    if answer is RetMmioPf.INVALID:
        kvm_mmu_page_fault(vcpu, gpa, 0, instruction, result)
    elif answer is RetMmioPf.EMULATE:
        before = vcpu.kvm.stats.mmio_exits
        x86_emulate_instruction(vcpu, instruction, result)
        if vcpu.kvm.has("QUIRK-3"):
            vcpu.kvm.stats.mmio_exits = before
