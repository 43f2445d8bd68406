"""The operations of a scenario, each declared once.

An operation is a frozen dataclass.  Its fields carry, beside their name and
type, how a scenario file writes them ({py:class}`Form`), what they mean, and
how they must be aligned.  The reader, its error messages and the
documentation all read these declarations: there is no second list.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from enum import Enum
from typing import Any, ClassVar, TypeVar


class Form(Enum):
    """How a scenario file writes a value; the text is what an error message says."""

    NUMBER = "a whole number from 0 to 4294967295"
    HEX = 'a hexadecimal string such as "0x1000", at most 64 bits'
    CHANGE = 'one of "create", "delete", "move", "flags"'
    PRIVILEGE = "0 (kernel mode) or 3 (user mode)"


MEMSLOT_CHANGES = ("create", "delete", "move", "flags")
"""What a ``memslot`` operation can do to a slot."""


def recorded(form: Form, meaning: str, *, aligned: int = 1) -> Any:
    """Declare a field of an operation.

    :param form: how a file writes it.
    :param meaning: one line for a reader of the format.
    :param aligned: the value must be a multiple of this.
    """
    return field(metadata={"form": form, "meaning": meaning, "aligned": aligned})


@dataclass(frozen=True)
class Operation:
    """Any operation: *n* is its number in the scenario, from 1."""

    do: ClassVar[str] = ""
    n: int


OPERATIONS: dict[str, type[Operation]] = {}
"""Operation class by the word in ``do``."""

AnOperation = TypeVar("AnOperation", bound=type[Operation])


def operation(do: str) -> Any:
    """Register the decorated class as the operation that files call *do*."""

    def register(cls: AnOperation) -> AnOperation:
        cls.do = do
        OPERATIONS[do] = cls
        return cls

    return register


def recorded_fields(cls: type[Operation]) -> Iterator[Field[Any]]:
    """Yield the fields of *cls* that a file spells out (all but ``n``)."""
    return (each for each in fields(cls) if "form" in each.metadata)


# --- what the host does ---------------------------------------------------------


@dataclass(frozen=True)
class HostOperation(Operation):
    """Something that userspace or the host's memory management does to the VM."""


SLOT = "number of the memory slot"
PAGE = 4096


@operation("memslot")
@dataclass(frozen=True)
class Memslot(HostOperation):
    """``KVM_SET_USER_MEMORY_REGION``."""

    change: str = recorded(Form.CHANGE, "what happens to the slot")
    slot: int = recorded(Form.NUMBER, SLOT)
    gpa: int = recorded(Form.HEX, "guest physical address of its first byte", aligned=PAGE)
    size: int = recorded(Form.HEX, "its size in bytes; 0 deletes", aligned=PAGE)
    flags: int = recorded(Form.NUMBER, "1: log dirty pages, 2: read only")
    hva: int = recorded(Form.HEX, "host virtual address of its first byte", aligned=PAGE)


@operation("get_dirty_log")
@dataclass(frozen=True)
class GetDirtyLog(HostOperation):
    """``KVM_GET_DIRTY_LOG``."""

    slot: int = recorded(Form.NUMBER, SLOT)


@operation("clear_dirty_log")
@dataclass(frozen=True)
class ClearDirtyLog(HostOperation):
    """``KVM_CLEAR_DIRTY_LOG``, with the bitmap's first 64 bits."""

    slot: int = recorded(Form.NUMBER, SLOT)
    first: int = recorded(Form.NUMBER, "first page, relative to the slot", aligned=64)
    num: int = recorded(Form.NUMBER, "how many pages")
    mask64: int = recorded(Form.HEX, "bit i: clear page first + i")


@operation("set_nr_mmu_pages")
@dataclass(frozen=True)
class SetNrMmuPages(HostOperation):
    """``KVM_SET_NR_MMU_PAGES``."""

    pages: int = recorded(Form.NUMBER, "how many shadow pages the VM may use")


@operation("madvise_dontneed")
@dataclass(frozen=True)
class MadviseDontneed(HostOperation):
    """``madvise(MADV_DONTNEED)`` on the host memory behind a guest range."""

    gpa: int = recorded(Form.HEX, "guest physical address of the first byte", aligned=PAGE)
    size: int = recorded(Form.HEX, "size in bytes", aligned=PAGE)


@operation("memslot_flag_toggles")
@dataclass(frozen=True)
class MemslotFlagToggles(HostOperation):
    """Dirty logging of a slot switched on and off again, many times."""

    slot: int = recorded(Form.NUMBER, SLOT)
    count: int = recorded(Form.NUMBER, "how many memory-slot updates in all")


# --- what the guest does --------------------------------------------------------


@dataclass(frozen=True)
class GuestOperation(Operation):
    """One instruction of the guest."""

    vcpu: int = recorded(Form.NUMBER, "number of the vCPU")
    cpl: int = recorded(Form.PRIVILEGE, "privilege level")
    a: int = recorded(Form.HEX, "operand: guest virtual address, or the register's new value")


@dataclass(frozen=True)
class GuestWrite(GuestOperation):
    """An instruction that stores *val* at *a*."""

    val: int = recorded(Form.HEX, "the value stored")


@operation("read")
@dataclass(frozen=True)
class Read(GuestOperation):
    """Load 8 bytes in long mode, 4 otherwise."""


@operation("read1")
@dataclass(frozen=True)
class Read1(GuestOperation):
    """Load one byte."""


@operation("write")
@dataclass(frozen=True)
class Write(GuestWrite):
    """Store 8 bytes in long mode, 4 otherwise."""


@operation("write4")
@dataclass(frozen=True)
class Write4(GuestWrite):
    """Store 4 bytes."""


@operation("write1")
@dataclass(frozen=True)
class Write1(GuestWrite):
    """Store one byte."""


@operation("xchg")
@dataclass(frozen=True)
class Xchg(GuestWrite):
    """Exchange 8 bytes in long mode, 4 otherwise, with *val*."""


@operation("exec")
@dataclass(frozen=True)
class Exec(GuestOperation):
    """Jump to *a*, where an OUT instruction is."""


@operation("invlpg")
@dataclass(frozen=True)
class Invlpg(GuestOperation):
    """Invalidate the translation of *a*."""


@operation("cr3")
@dataclass(frozen=True)
class Cr3(GuestOperation):
    """Load CR3 with *a*."""


@operation("cr0")
@dataclass(frozen=True)
class Cr0(GuestOperation):
    """Load CR0 with *a*."""


@operation("cr4")
@dataclass(frozen=True)
class Cr4(GuestOperation):
    """Load CR4 with *a*."""


@operation("efer")
@dataclass(frozen=True)
class Efer(GuestOperation):
    """Write EFER with *a* (WRMSR)."""


@operation("nop")
@dataclass(frozen=True)
class Nop(GuestOperation):
    """Nothing but the instruction fetch."""
