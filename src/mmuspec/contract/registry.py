"""Which invariants there are, and how each of them is looked after.

An invariant is *checked* on a VM at rest, *watched* while the VM works, or
neither, with the reason.  Every one of them is in exactly one of three places:
:data:`CHECKS`, :data:`WATCHED`, :data:`LEFT_TO_INTERLEAVINGS`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from ..kvm.state.vm import Kvm
from .snapshot import Snapshot

NUMBER_OF_INVARIANTS: Final = 48


class Kind(Enum):
    """What an invariant is about."""

    STRUCTURE = "structure"
    PERMISSION = "permission"
    ACCOUNTING = "accounting"
    MMIO = "mmio"
    CONCURRENCY = "concurrency"


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold.

    :param id: ``INV-5``
    :param text: which page or spte, what was expected, what was found
    """

    id: str
    text: str

    def __str__(self) -> str:
        """Name the invariant first."""
        return f"{self.id}: {self.text}"


class InvariantBroken(AssertionError):
    """Something that must hold does not; the message lists what."""

    def __init__(self, violations: list[Violation]) -> None:
        super().__init__("\n".join(str(violation) for violation in violations))
        self.violations = violations


Finder: TypeAlias = Callable[[Snapshot], Iterator[str]]
"""Yields one sentence for each place where the invariant does not hold."""


@dataclass(frozen=True)
class Invariant:
    """One invariant.

    :param find: for checked ones
    """

    id: str
    statement: str
    kind: Kind
    find: Finder | None = None


CHECKS: Final[dict[str, Invariant]] = {}
"""Invariants checked on a VM at rest."""
WATCHED: Final[dict[str, Invariant]] = {}
"""Invariants about what happens, which a :class:`~mmuspec.contract.watcher.Watcher` looks after."""

LEFT_TO_INTERLEAVINGS: Final = {
    "INV-37": "it is about the two halves of one load and of one store, which the model does in"
    " one step; every interleaving of the halves decides it (SPLIT-2)",
}
"""Invariants that a model with one thread cannot break."""

PARTLY: Final = {
    "INV-23": "that the flush waits for CPUs already walking the tables (LW-3)",
    "INV-31": "a snapshot taken while another CPU writes (FPF-6)",
    "INV-34": "a page fetched before the lock is taken, and taken back meanwhile (NOTIFY-1)",
    "INV-35": "sptes dropped between the read of tlbs_dirty and its reset (NOTIFY-3)",
    "INV-36": "an spte that changes between the read and the exchange (FPF-5)",
    "INV-38": "the order of the count and the two halves of the store (SPLIT-3)",
}
"""What only the interleavings of several CPUs can break of an invariant that is looked after here.

In brackets the rule whose chapter explores them.
"""


def invariant(id: str, statement: str, *, kind: Kind) -> Callable[[Finder], Finder]:
    """Register the decorated function as the check of invariant *id*."""

    def register(find: Finder) -> Finder:
        CHECKS[id] = Invariant(id, statement, kind, find)
        return find

    return register


def watched(id: str, statement: str, *, kind: Kind) -> str:
    """Register invariant *id* as one that a watcher looks after; return *id*."""
    WATCHED[id] = Invariant(id, statement, kind)
    return id


def number(id: str) -> int:
    """Return 5 for ``INV-5``."""
    return int(id.removeprefix("INV-"))


def check(kvm: Kvm) -> list[Violation]:
    """Return every violation in *kvm*, which must be at rest: ``mmu_lock`` is free."""
    kvm_at_rest = Snapshot(kvm)
    return [
        Violation(entry.id, text)
        for entry in sorted(CHECKS.values(), key=lambda entry: number(entry.id))
        if entry.find
        for text in entry.find(kvm_at_rest)
    ]


def coverage() -> dict[str, str]:
    """Return how each invariant is looked after: ``check``, ``watch``, or why not."""
    said = {
        **dict.fromkeys(CHECKS, "check"),
        **dict.fromkeys(WATCHED, "watch"),
        **LEFT_TO_INTERLEAVINGS,
    }
    return {id: said[id] for id in sorted(said, key=number)}
