"""What ``mmu.page_fault()`` asks its caller to do (v3.11: a bare number)."""

from enum import IntEnum


class Fault(IntEnum):
    """Result of a page-fault handler."""

    RESUME = 0
    """Resume the guest: the access is repeated."""
    EMULATE = 1
    """Emulate the instruction."""


class FaultError(Exception):
    """The fault cannot be resolved; userspace is told (a negative result)."""
