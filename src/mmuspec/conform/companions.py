"""What the kernel traces beside the MMU: faults, injected exceptions, MMIO.

``kvm_page_fault``, ``kvm_inj_exception`` and ``kvm_mmio`` are no ``kvmmmu`` events, but
the model knows what each should say.  The other recorded events (``kvm_exit``,
``kvm_emulate_insn``, probes of functions) are for the reader.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..kvm.cpu.instruction import UD_VECTOR, Instruction, Kind, Result
from ..kvm.state.observer import Observer
from ..kvm.state.page import ShadowPage
from ..kvm.state.vcpu import Vcpu
from ..scenario.outcome import MmioAccess
from ..trace.recorded import TRACE_POINT, takes_part
from .findings import Allowed

PAGE_FAULT, INJECTION, MMIO = "kvm_page_fault", "kvm_inj_exception", "kvm_mmio"
LOW_HALF = (1 << 32) - 1
"""The bits of an error code that all versions print; NPT sets higher ones, too."""


@dataclass(frozen=True)
class Companion:
    """One such event.

    :param after: how many ``kvmmmu`` events of the operation came before; None if not compared
    """

    event: str
    fields: Mapping[str, str]
    after: int | None = None

    def unequal(self, other: "Companion") -> list[str]:
        """Return the fields that differ from *other*'s; one that either lacks does not count."""
        shared = self.fields.keys() & other.fields.keys()
        return [
            key for key in self.fields if key in shared and self.fields[key] != other.fields[key]
        ]

    def agrees(self, other: "Companion | None") -> bool:
        """Whether *other* says the same at the same place."""
        return other is not None and self.after == other.after and not self.unequal(other)

    def __str__(self) -> str:
        """Return it as printed, nearly."""
        return " ".join([self.event, *(f"{name} {value}" for name, value in self.fields.items())])


class Watch(Observer):
    """Notes a model's faults and injections, and which tables it frees.

    :param events_so_far: tells how many events the operation has led to
    """

    def __init__(self, events_so_far: Callable[[], int]) -> None:
        """Start with nothing noted."""
        self._so_far = events_so_far
        self._instruction: Instruction | None = None
        self.noted: list[Companion] = []
        self.freed_tables: list[int] = []

    def instruction(self, vcpu: Vcpu, instruction: Instruction) -> None:
        """Remember what the guest is about to do."""
        self._instruction = instruction

    def exited(self, vcpu: Vcpu, address: int, error_code: int | None) -> None:
        """Note a fault."""
        fields = {"addr": f"{address:x}", "error_code": f"{(error_code or 0) & LOW_HALF:x}"}
        fields["vcpu"] = str(vcpu.vcpu_id)
        rip = self._place(vcpu, address)
        if rip is not None:
            fields["rip"] = f"{rip:x}"
        self.noted.append(Companion(PAGE_FAULT, fields, self._so_far()))

    def _place(self, vcpu: Vcpu, address: int) -> int | None:
        """Return where the guest is; None where a fault does not tell whether a jump is done."""
        done = self._instruction
        if done is None or done.rip is None:
            return None
        if done.kind is not Kind.EXEC:
            return done.rip
        if vcpu.kvm.tdp_enabled:
            return None
        return done.operand if address == done.operand else done.rip

    def executed(self, vcpu: Vcpu, instruction: Instruction, result: Result) -> None:
        """Note the exception that KVM injects; with NPT the processor delivers it alone."""
        if result.fault and not vcpu.kvm.tdp_enabled:
            fields = {"exception": "#PF", "error_code": f"{result.fault.error_code:x}"}
            if result.fault.vector == UD_VECTOR:
                fields = {"exception": "#UD"}
            self.noted.append(Companion(INJECTION, fields))

    def freed(self, sp: ShadowPage) -> None:
        """Note a table that goes."""
        self.freed_tables.append(sp.hpa)


def expected_mmio(accesses: Sequence[MmioAccess]) -> list[Companion]:
    """Return the ``kvm_mmio`` events for what userspace saw."""
    found = []
    for access in accesses:
        answers = [("write", access.data)] if access.write else [("unsatisfied-read", 0)]
        if not access.write:
            answers.append(("read", access.data & ((1 << 8 * access.length) - 1)))
        for kind, value in answers:
            fields = {
                "kind": kind,
                "len": str(access.length),
                "gpa": f"{access.gpa:x}",
                "val": f"{value:x}",
            }
            found.append(Companion(MMIO, fields))
    return found


def recorded_companions(events: Sequence[Mapping[str, str]]) -> list[Companion]:
    """Return the companions among recorded events."""
    found, so_far = [], 0
    for event in events:
        name = event[TRACE_POINT]
        so_far += takes_part(event)
        if name == PAGE_FAULT:
            code = int(event["error_code"], 16) & LOW_HALF
            fields = {"addr": f"{int(event['addr'], 16):x}", "error_code": f"{code:x}"}
            fields |= {key: event[key] for key in ("vcpu", "rip") if key in event}
            found.append(Companion(name, fields, so_far))
        elif name == INJECTION:
            fields = {"exception": event["exception"]}
            if "error_code" in event:
                fields["error_code"] = f"{int(event['error_code'], 16):x}"
            found.append(Companion(name, fields))
        elif name == MMIO:
            fields = {key: event[key] for key in ("kind", "len", "gpa", "val")}
            found.append(Companion(name, fields))
    return found


@dataclass(frozen=True)
class CompanionDifference:
    """The first companion that differs; either may be missing."""

    expected: Companion | None
    recorded: Companion | None

    @property
    def is_only_the_place(self) -> bool:
        """Whether both are there and say the same, but among other events of the MMU."""
        return bool(self.expected and self.recorded and not self.expected.unequal(self.recorded))


def compare_companions(
    expected: Sequence[Companion], recorded: Sequence[Companion], allow: Callable[[Allowed], None]
) -> Iterator[CompanionDifference]:
    """Yield the first difference, if there is one, for each trace point.

    An injection that is repeated at once is allowed.
    """
    for name in (PAGE_FAULT, INJECTION, MMIO):
        ours = [companion for companion in expected if companion.event == name]
        theirs = [companion for companion in recorded if companion.event == name]
        if name == INJECTION and len(theirs) > len(ours):
            theirs = _without_repetition(theirs, len(ours), allow)
        for place in range(max(len(ours), len(theirs))):
            mine = ours[place] if place < len(ours) else None
            his = theirs[place] if place < len(theirs) else None
            if mine is None or not mine.agrees(his):
                yield CompanionDifference(mine, his)
                break


def _without_repetition(
    recorded: Sequence[Companion], wanted: int, allow: Callable[[Allowed], None]
) -> list[Companion]:
    kept: list[Companion] = []
    surplus = len(recorded) - wanted
    for companion in recorded:
        if surplus and wanted and kept and companion == kept[-1]:
            surplus -= 1
            allow(Allowed.INJECTION_REPEATED)
        else:
            kept.append(companion)
    return kept
