"""The instructions that a guest step consists of.

A step is the instruction itself, at its own place in the code page of its
privilege level, and the OUT behind it that ends the step.
"""

from ..kvm.cpu.instruction import Instruction, Kind
from ..kvm.cpu.run import execute
from ..kvm.state.vcpu import Vcpu
from .operation import PAGE, GuestOperation, GuestWrite
from .recording import Config

KINDS = {
    "nop": (0, Kind.NOP),
    "read": (1, Kind.READ),
    "write": (2, Kind.WRITE),
    "write4": (3, Kind.WRITE),
    "write1": (4, Kind.WRITE),
    "xchg": (5, Kind.XCHG),
    "invlpg": (6, Kind.INVLPG),
    "cr3": (7, Kind.MOV_CR3),
    "cr0": (8, Kind.MOV_CR0),
    "cr4": (9, Kind.MOV_CR4),
    "efer": (10, Kind.WRMSR_EFER),
    "exec": (11, Kind.EXEC),
    "read1": (12, Kind.READ),
}
"""Operation -> (its place in the code page, in units of 16 bytes; what it does)."""
PLACE = 16


def _size(operation: GuestOperation, config: Config) -> int:
    """Return the bytes of the memory operand."""
    stated = operation.do[-1]
    if stated.isdigit() and operation.do.startswith(("read", "write")):
        return int(stated)
    return 8 if config.mode == "long4" else 4


def _length(instruction: Instruction, config: Config) -> int:
    """Return the bytes of the instruction itself: a REX prefix for 8-byte operands."""
    if instruction.kind is Kind.NOP:
        return 0
    if instruction.kind in (Kind.READ, Kind.WRITE, Kind.XCHG):
        return 3 if instruction.size == 8 else 2
    return 2 if instruction.kind is Kind.WRMSR_EFER else 3


def instruction_for(operation: GuestOperation, config: Config) -> Instruction:
    """Return what the guest executes for *operation*."""
    place, kind = KINDS[operation.do]
    user = operation.cpl == 3
    page = config.user_code_gpa if user else config.sys_page_gpa
    return Instruction(
        kind,
        operand=operation.a,
        value=operation.val if isinstance(operation, GuestWrite) else 0,
        size=_size(operation, config),
        user=user,
        rip=config.sys_gva + page + PLACE * place,
        writes_page_tables=kind is not Kind.READ,
    )


def code_after(instruction: Instruction, config: Config) -> Instruction:
    """Return the OUT behind *instruction*; after a jump it is where the jump went."""
    if instruction.rip is None or instruction.kind is Kind.EXEC:
        return Instruction(Kind.NOP, rip=instruction.operand, user=instruction.user)
    rip = instruction.rip + _length(instruction, config)
    return Instruction(Kind.NOP, rip=rip, user=instruction.user)


def deliver(vcpu: Vcpu, operation: GuestOperation, config: Config) -> None:
    """Take the fault: the IDT, the stack and the handler's code share the supervisor page.

    The processor reads the gate, then pushes from the end of the page on.
    """
    page, size = config.sys_gva + config.sys_page_gpa, 8 if config.mode == "long4" else 4
    user = operation.cpl == 3
    execute(vcpu, Instruction(Kind.READ, page, size=size, user=user, delivers=True))
    top = page + PAGE - size
    execute(vcpu, Instruction(Kind.WRITE, top, size=size, user=user, delivers=True))
