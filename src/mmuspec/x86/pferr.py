"""The page-fault error code.

Source: SDM volume 3A, "Page-Fault Exceptions"; KVM's ``PFERR_*_MASK`` (v3.11).
"""

from enum import IntFlag


class Pferr(IntFlag):
    """Bits of a page-fault error code; also used to say which access is meant."""

    P = 1
    """Set: a protection violation.  Clear: some entry was not present."""
    W = 2
    """The access was a write."""
    U = 4
    """The access was made in user mode (CPL 3)."""
    RSVD = 8
    """A reserved bit was set in a present entry."""
    F = 16
    """The access was an instruction fetch."""


READ = Pferr(0)
"""A supervisor data read."""
