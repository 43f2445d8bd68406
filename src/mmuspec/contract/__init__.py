"""What must hold of a running model: the clauses C1 to C6, and every invariant.

:func:`check` looks at a VM at rest; a :class:`Watcher` sees what happens in
between; :class:`Contract` compares what the guest and the host observe with
the simple meaning of the six clauses.
"""

from . import accounting, concurrency, mmio, permission, structure
from .observer import Contract
from .registry import (
    CHECKS,
    LEFT_TO_INTERLEAVINGS,
    NUMBER_OF_INVARIANTS,
    PARTLY,
    WATCHED,
    InvariantBroken,
    Violation,
    check,
    coverage,
)
from .violation import ContractBroken, ContractViolation
from .watcher import Watcher

__all__ = [
    "CHECKS",
    "LEFT_TO_INTERLEAVINGS",
    "NUMBER_OF_INVARIANTS",
    "PARTLY",
    "WATCHED",
    "Contract",
    "ContractBroken",
    "ContractViolation",
    "InvariantBroken",
    "Violation",
    "Watcher",
    "accounting",
    "check",
    "concurrency",
    "coverage",
    "mmio",
    "permission",
    "structure",
]
