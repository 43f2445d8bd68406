"""A scenario as data: the guest it starts from, its operations, what was recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .operation import Operation
from .outcome import Outcome

RecordedEvent = Mapping[str, str]
"""A trace event as recorded: ``e`` is the trace point, the rest its printed fields."""

MODES = ("long4", "pae", "legacy32", "nopaging")
"""Guest paging modes: 4-level, PAE, 2-level with CR4.PSE, CR0.PG clear."""


@dataclass(frozen=True)
class Config:
    """The guest before its first instruction.

    Supervisor code runs from ``sys_gva`` + ``sys_page_gpa``, user code from
    ``sys_gva`` + ``user_code_gpa``; the guest has slot 0 mapped at ``sys_gva``.
    """

    scenario: str
    args: tuple[str, ...]
    mode: str
    cr0: int
    cr3: int
    cr4: int
    efer: int
    sys_gva: int
    sys_page_gpa: int
    user_code_gpa: int
    pool_gpa: int
    fill: str

    @property
    def vcpus(self) -> int | None:
        """How many vCPUs the arguments ask for; ``None`` when they do not say."""
        stated = [arg for arg in self.args if re.fullmatch("vcpus=[0-9]+", arg)]
        return int(stated[-1].partition("=")[2]) if stated else None


@dataclass(frozen=True)
class GuestTable:
    """One page of guest page tables: *entries* by index, of *entry_size* bytes."""

    gpa: int
    entry_size: int
    entries: Mapping[int, int]


@dataclass(frozen=True)
class FrameRun:
    """*count* pages from *gfn* on are backed by the host frames from *pfn* on."""

    gfn: int
    pfn: int
    count: int


@dataclass(frozen=True)
class Frames:
    """Where a slot's pages are in host memory, as found after operation *after_op*."""

    after_op: int
    why: str
    slot: int
    runs: tuple[FrameRun, ...]


@dataclass(frozen=True)
class Note:
    """A remark of the scenario's author, for the reader."""

    before_op: int
    text: str


@dataclass(frozen=True)
class RecordedStep:
    """An operation and what the real kernel did.

    :param stats: VM counters that changed, with their new values
    """

    operation: Operation
    outcome: Outcome
    stats: Mapping[str, int]
    events: tuple[RecordedEvent, ...]


@dataclass(frozen=True)
class EventBetween:
    """An event that the kernel traced outside any operation."""

    after_op: int
    event: RecordedEvent


@dataclass(frozen=True)
class Scenario:
    """A whole recording.

    :param file: where it was read from
    :param kernel: the kernel that was recorded, in the recorder's words
    """

    file: str
    name: str
    kernel: str
    cpu: str
    config: Config
    initial_guest_tables: tuple[GuestTable, ...]
    frames: tuple[Frames, ...]
    notes: tuple[Note, ...]
    steps: tuple[RecordedStep, ...]
    events_between_ops: tuple[EventBetween, ...]
    final_stats: Mapping[str, int]
    trace_lost_events: bool

    @property
    def ops(self) -> tuple[Operation, ...]:
        """The operations, without what was recorded."""
        return tuple(step.operation for step in self.steps)

    @property
    def vcpus(self) -> int:
        """How many vCPUs there are: as stated, or as the operations use."""
        used = [getattr(operation, "vcpu", 0) for operation in self.ops]
        return self.config.vcpus or max(used, default=0) + 1

    @property
    def kernel_version(self) -> str | None:
        """The recorded kernel's version such as ``v6.1``; ``None`` if it is not said."""
        found = re.search(r"\b([0-9]+\.[0-9]+)", self.kernel)
        return f"v{found[1]}" if found else None

    @property
    def host_bits(self) -> int:
        """Word size of the recorded host: 32 or 64."""
        return 32 if re.search(r"\bi[3-6]86\b|\b686\b", self.kernel) else 64
