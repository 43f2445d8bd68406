"""The instruction emulator, as far as memory operands go.

Source: x86_emulate_instruction(), handle_emulation_failure(), vcpu_mmio_gva_to_gpa(),
emulator_read_write(), retry_instruction() in arch/x86/kvm/x86.c (v3.11).
"""

from dataclasses import replace

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ...x86.pferr import Pferr
from ..faults.mmio_cache import vcpu_match_mmio_gpa, vcpu_match_mmio_gva
from ..guest.memory import kvm_read_guest, kvm_write_guest
from ..guest.permissions import permission_fault
from ..guest.walk_addr import WalkFailed
from ..pages.zap import kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page
from ..state.page import ShadowPage
from ..state.vcpu import Vcpu
from ..sync.pte_write import kvm_mmu_pte_write
from .instruction import UD_VECTOR, GuestFault, Instruction, Kind, Mmio, Result


def x86_emulate_instruction(
    vcpu: Vcpu, instruction: Instruction, result: Result, retry_at: int | None = None
) -> None:
    """Carry out *instruction* in software, or let the guest retry it.

    :param retry_at: the address that faulted, if a retry might help
    :raises WalkFailed: the guest's tables do not allow an access
    """
    vcpu.kvm.stats.insn_emulation += 1
    fetch_instruction(vcpu, instruction)
    if instruction.kind is Kind.EXEC:
        handle_emulation_failure(vcpu, instruction, result)
        return
    if retry_instruction(vcpu, instruction, retry_at):
        return
    if instruction.kind is Kind.READ:
        result.value = emulator_read(vcpu, instruction, result)
    if instruction.kind is Kind.XCHG:
        old = _read_to_write(vcpu, instruction, result)
        emulator_cmpxchg(vcpu, instruction, result)
        result.value = old
    if instruction.kind is Kind.WRITE:
        emulator_write(vcpu, instruction, result)
    result.emulated = True


def handle_emulation_failure(vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
    """Give up an instruction whose bytes are not in memory."""
    vcpu.kvm.stats.insn_emulation_fail += 1
    if instruction.user and vcpu.kvm.epoch.user_emulation_failure_is_ud:
        result.fault = GuestFault(0, vcpu.cr2, UD_VECTOR)
    else:
        result.internal_error = True


def fetch_instruction(vcpu: Vcpu, instruction: Instruction) -> None:
    """Read the instruction's bytes, unless the processor handed them over.

    An EXEC has jumped already: its bytes are those at its operand.
    """
    if instruction.rip is None or vcpu.kvm.host.processor.decode_assists:
        return
    rip = instruction.operand if instruction.kind is Kind.EXEC else instruction.rip
    access = Pferr.F | (Pferr.U if instruction.user else 0)
    vcpu.mmu.gva_to_gpa(vcpu, rip, access)


def vcpu_mmio_gva_to_gpa(vcpu: Vcpu, gva: int, access: int) -> tuple[int, bool]:
    """Return (gpa, known to be MMIO).

    The vCPU's MMIO cache spares the walk of the guest's tables, if the cached
    rights allow the access.
    """
    rights = vcpu.mmio.access
    if vcpu_match_mmio_gva(vcpu, gva) and not permission_fault(
        vcpu.mmu.permissions, rights, access
    ):
        return vcpu.mmio.mmio_gfn << PAGE_SHIFT | gva & PAGE_MASK, True
    gpa = vcpu.fault_gpa
    if gpa is None or (gpa ^ gva) & PAGE_MASK:
        gpa = vcpu.mmu.gva_to_gpa(vcpu, gva, access)
    return gpa, vcpu_match_mmio_gpa(vcpu, gpa)


def emulator_read(vcpu: Vcpu, instruction: Instruction, result: Result) -> int:
    """Read the memory operand."""
    access = instruction.access() & Pferr.U
    gpa, mmio = vcpu_mmio_gva_to_gpa(vcpu, instruction.operand, access)
    if not mmio and vcpu.kvm.memslots.visible(gpa >> PAGE_SHIFT):
        return kvm_read_guest(vcpu.kvm, gpa, instruction.size)
    value = vcpu.kvm.userspace_read(gpa, instruction.size)
    _exit_for_mmio(vcpu, result, Mmio(gpa, instruction.size, write=False, value=value))
    return value & ((1 << 8 * instruction.size) - 1)


def _read_to_write(vcpu: Vcpu, instruction: Instruction, result: Result) -> int:
    """Read a memory operand that is written afterwards.

    :raises WalkFailed: with W in the error code, if the kernel knows that it is to be written
    """
    try:
        return emulator_read(vcpu, instruction, result)
    except WalkFailed as failed:
        if not vcpu.kvm.epoch.emulated_update_faults_as_write:
            raise
        code = failed.fault.error_code | Pferr.W
        raise WalkFailed(replace(failed.fault, error_code=int(code))) from None


def emulator_write(vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
    """Write the memory operand; a shadowed guest table is followed."""
    gpa, mmio = vcpu_mmio_gva_to_gpa(vcpu, instruction.operand, instruction.access())
    slot = vcpu.kvm.memslots.visible(gpa >> PAGE_SHIFT)
    if mmio or slot is None or slot.read_only:
        write = Mmio(gpa, instruction.size, write=True, value=instruction.value)
        _exit_for_mmio(vcpu, result, write)
        return
    kvm_write_guest(vcpu.kvm, gpa, instruction.value, instruction.size)
    kvm_mmu_pte_write(vcpu, gpa, instruction.value, instruction.size)


def emulator_cmpxchg(vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
    """Write back the operand of a locked instruction.

    What is not writable memory cannot be locked: it is written plainly, which
    walks the guest's tables once more and may find that they do not allow it.
    """
    try:
        gpa = vcpu.mmu.gva_to_gpa(vcpu, instruction.operand, instruction.access())
    except WalkFailed:
        emulator_write(vcpu, instruction, result)
        return
    slot = vcpu.kvm.memslots.visible(gpa >> PAGE_SHIFT)
    if slot is None or slot.read_only:
        emulator_write(vcpu, instruction, result)
        return
    kvm_write_guest(vcpu.kvm, gpa, instruction.value, instruction.size)
    kvm_mmu_pte_write(vcpu, gpa, instruction.value, instruction.size)


def _exit_for_mmio(vcpu: Vcpu, result: Result, access: Mmio) -> None:
    """Have userspace answer."""
    vcpu.kvm.stats.mmio_exits += 1
    result.mmio.append(access)


def retry_instruction(vcpu: Vcpu, instruction: Instruction, address: int | None) -> bool:
    """Whether to let the processor try again, with the written table unprotected.

    An instruction that is not of the kind guests write page tables with
    probably hit a frame that is no page table any more.  One that comes again
    at once is emulated after all.
    """
    last, vcpu.last_retry = vcpu.last_retry, (None, 0)
    if address is None or instruction.writes_page_tables or last == (instruction.rip, address):
        return False
    vcpu.last_retry = (instruction.rip, address)
    if vcpu.mmu.direct_map:
        kvm_mmu_unprotect_page(vcpu, address >> PAGE_SHIFT)
    else:
        _unprotect_page_virt(vcpu, address, Pferr.W | (Pferr.U if instruction.user else 0))
    return True


def kvm_mmu_unprotect_page_virt(vcpu: Vcpu, gva: int, *, user: bool) -> None:
    """Make *gva* writable: an event whose delivery faults there cannot be emulated.

    :param user: the guest was at CPL 3, as which it may not reach its own stack: nothing then
    """
    if not vcpu.mmu.direct_map:
        _unprotect_page_virt(vcpu, gva, Pferr.U if user else Pferr(0))


def _unprotect_page_virt(vcpu: Vcpu, gva: int, access: Pferr) -> None:
    """Unprotect the frame that *gva* translates to, if it translates for *access*."""
    try:
        gpa = vcpu.mmu.gva_to_gpa(vcpu, gva, access)
    except WalkFailed:
        return
    kvm_mmu_unprotect_page(vcpu, gpa >> PAGE_SHIFT)


def kvm_mmu_unprotect_page(vcpu: Vcpu, gfn: int) -> bool:
    """Zap every page that shadows the guest table in *gfn*; return whether there was one."""
    kvm = vcpu.kvm
    invalid_list: list[ShadowPage] = []
    found = False
    with kvm.mmu_lock():
        for sp in kvm.for_each_gfn_indirect_valid_sp(gfn):
            found = True
            kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)
    return found
