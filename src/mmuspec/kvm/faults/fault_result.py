"""What ``mmu.page_fault()`` asks its caller to do (v3.11: a bare number)."""

from enum import IntEnum


class Fault(IntEnum):
    """Result of a page-fault handler."""

    RESUME = 0
    """Resume the guest: the access is repeated, and may well fault again."""
    EMULATE = 1
    """Emulate the instruction."""
    FIXED = 3
    """Resume the guest: the page is mapped now."""
    SPURIOUS = 4
    """Resume the guest: the spte allows the access already (told apart since v5.10)."""


class FaultError(Exception):
    """The fault cannot be resolved; userspace is told (a negative result)."""
