"""What an operation led to, as the guest or userspace saw it.

A recording carries the outcome of each operation that the real kernel gave;
a witness produces one; comparison puts the two side by side.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """An exception that reached the guest.

    ``error_code`` is the word pushed on the guest's stack; ``cr2`` the register
    when the guest's handler ran.
    """

    vector: int
    error_code: int
    cr2: int


@dataclass(frozen=True)
class MmioAccess:
    """One access that userspace was asked to emulate.

    ``length`` is in bytes; ``data`` is the value read or written.
    """

    gpa: int
    length: int
    write: bool
    data: int


@dataclass(frozen=True)
class Outcome:
    """What one operation led to.  A part that the operation has not is ``None`` or empty."""

    value: int | None = None
    """The value that a guest read returned."""
    fault: Fault | None = None
    """The exception that the guest took instead."""
    mmio: tuple[MmioAccess, ...] = ()
    """What userspace saw, in order."""
    rc: int | None = None
    """The result of a host operation: 0 or minus an errno."""
    dirty: tuple[int, ...] | None = None
    """The page numbers, relative to the slot, that a dirty log contained."""
    exit_reason: int | None = None
    """The ``KVM_EXIT_*`` that ended a guest step early (17: KVM cannot emulate it)."""
