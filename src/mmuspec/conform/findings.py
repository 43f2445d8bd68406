"""What comparing a recording with the model of its kernel finds."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Allowed(Enum):
    """What is not deterministic, or a property of the emulated machine.

    Every use is counted; there is no other tolerance.
    """

    SPTE_ADDRESS = "address of a page table, chosen by the kernel, matched one to one"
    FRAME = "host frame that no recording tells, matched one to one"
    ADDRESS_REUSED = "chosen address that came back as another page, the first one being gone"
    INJECTION_REPEATED = (
        "kvm_inj_exception printed again: the host's timer came between injection and entry"
    )
    SYNC_GIVEN_UP = "synchronizing given up, as the host wanted to reschedule, and done at entry"


@dataclass(frozen=True)
class Finding:
    """One disagreement.

    :param operation: its number
    :param event: the first trace point that differs; None for an outcome or a counter
    :param field: what differs in it; None if the event as a whole does
    :param expected: what the model expected there, as printed
    :param recorded: what the recording has; None if it has nothing
    :param rule: the rule that decides it, if a chapter states one
    :param accepted: events that would have been accepted there, as printed
    """

    operation: int
    event: str | None
    field: str | None
    expected: str | None
    recorded: str | None
    rule: str | None
    accepted: tuple[str, ...] = ()


@dataclass
class ScenarioReport:
    """One recording, compared.

    :ivar not_modelled: why nothing was compared; empty if it was
    :ivar operations: how many were compared
    :ivar agree: how many of them agree
    :ivar texts: the operations that differ, by number, in words
    """

    file: str
    name: str
    kernel: str
    host_bits: int = 64
    epoch: str = ""
    not_modelled: str = ""
    operations: int = 0
    agree: int = 0
    events: int = 0
    allowances: Counter[Allowed] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    timeline: Any = None

    @property
    def agrees(self) -> bool:
        """Whether nothing disagrees."""
        return not self.findings


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be compared at all: *message* is one line."""

    file: str
    message: str


@dataclass(frozen=True)
class Broken:
    """A file for which the comparison itself failed: *message* is one line."""

    file: str
    message: str


Result = ScenarioReport | Unreadable | Broken
"""What comes of one file."""
