"""One guest instruction, and what came of it."""

from dataclasses import dataclass, field
from enum import Enum

from ...x86.pferr import Pferr


class Kind(Enum):
    """What the instruction does besides being fetched."""

    NOP = "nop"
    READ = "read"
    WRITE = "write"
    XCHG = "xchg"
    EXEC = "exec"
    INVLPG = "invlpg"
    MOV_CR0 = "mov to cr0"
    MOV_CR3 = "mov to cr3"
    MOV_CR4 = "mov to cr4"
    WRMSR_EFER = "wrmsr efer"


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    :param operand: guest-virtual address, or the new register value
    :param value: what a WRITE or XCHG stores
    :param size: bytes of the memory operand
    :param user: executed at CPL 3
    :param rip: where it is fetched from; None skips the fetch
    :param delivers: no instruction but an access of the processor on the way into
        the guest's handler of an event; *user* is where the event came from
    :param writes_page_tables: of the kind guests use to write page tables (MOV,
        XCHG, ...); after a fault any other kind is retried with the table unprotected
    """

    kind: Kind
    operand: int = 0
    value: int = 0
    size: int = 8
    user: bool = False
    rip: int | None = None
    delivers: bool = False
    writes_page_tables: bool = True

    def access(self) -> Pferr:
        """Return what the memory operand is accessed for."""
        mode = Pferr.U if self.user and not self.delivers else Pferr(0)
        if self.kind in (Kind.WRITE, Kind.XCHG):
            return mode | Pferr.W
        return mode | Pferr.F if self.kind is Kind.EXEC else mode


@dataclass(frozen=True)
class Mmio:
    """One access that userspace answers."""

    gpa: int
    size: int
    write: bool
    value: int

    def __repr__(self) -> str:
        """Say what userspace saw."""
        what = "write" if self.write else "read"
        return f"mmio {what} of {self.size} bytes at {self.gpa:#x}"


UD_VECTOR, PF_VECTOR = 6, 14


@dataclass(frozen=True)
class GuestFault:
    """An exception that the guest took: a page fault, or #UD.

    :param cr2: the register as the guest's handler finds it
    """

    error_code: int
    cr2: int
    vector: int = PF_VECTOR

    def __repr__(self) -> str:
        """Show the error code and the address."""
        if self.vector == UD_VECTOR:
            return "undefined opcode"
        return f"page fault {self.error_code:#x} at {self.cr2:#x}"


@dataclass
class Result:
    """What came of an instruction.

    :param value: what a READ or XCHG returned
    :param fault: the exception that the guest took instead
    :param internal_error: KVM could not emulate the instruction
    :param jumped: an EXEC has left its own place; it is not fetched from there again
    """

    value: int | None = None
    fault: GuestFault | None = None
    mmio: list[Mmio] = field(default_factory=list)
    emulated: bool = False
    internal_error: bool = False
    jumped: bool = False

    @property
    def is_over(self) -> bool:
        """Whether KVM has dealt with the instruction, so that the processor need not."""
        return self.emulated or self.internal_error or self.fault is not None

    def __repr__(self) -> str:
        """Say in a few words what happened."""
        parts = [repr(access) for access in self.mmio]
        if self.fault:
            parts.append(repr(self.fault))
        if self.value is not None and not self.mmio:
            parts.append(f"value {self.value:#x}")
        if self.internal_error:
            parts.append("internal error")
        if self.emulated and not self.mmio:
            parts.append("emulated")
        return f"<{', '.join(parts) or 'done'}>"
