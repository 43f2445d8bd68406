"""The description of one kernel version, clause by clause.

A clause of the model that differs between versions reads a field here; no
clause asks for the version itself.
"""

from dataclasses import dataclass

from .clauses import (
    ControlRegisters,
    Counters,
    DirtyLogging,
    FastPageFaults,
    GuestWalks,
    Mmio,
    Roles,
    ShadowPages,
    Sptes,
    Synchronizing,
    TracePoints,
    Zapping,
)


@dataclass(frozen=True, kw_only=True)
class Epoch(
    ShadowPages,
    Roles,
    Sptes,
    Mmio,
    Zapping,
    ControlRegisters,
    GuestWalks,
    Synchronizing,
    FastPageFaults,
    DirtyLogging,
    TracePoints,
    Counters,
):
    """One kernel version, as far as the model depends on it."""

    name: str
    """The version, such as ``v3.11``."""
    defects: frozenset[str] = frozenset()
    """The defects that it has, by the names of the model's list of them."""

    def __str__(self) -> str:
        """Return the version's name, such as ``v3.11``."""
        return self.name
