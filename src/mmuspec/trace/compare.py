"""Compare what a witness did with what a recording says, operation by operation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from ..epochs import Epoch
from ..events import Event
from ..scenario.operation import HostOperation, MadviseDontneed, Memslot, Operation, Xchg
from ..scenario.outcome import Outcome
from ..scenario.recorded_event import BY_VERSION
from ..scenario.recording import RecordedStep, Scenario
from ..scenario.slots import Slots
from .align import KEY_FIELDS, align_twice
from .allowance import Allowance
from .field_match import FieldMatcher, Verdict
from .printed import Printed, has_trace_point, printed_fields
from .recorded import TRACE_POINT, recorded_fields, takes_part
from .rows import Difference, OperationReport, Row, Status


class WitnessStep(Protocol):
    """What a witness yields for each operation."""

    @property
    def operation(self) -> Operation:
        """The operation."""

    @property
    def events(self) -> Sequence[Event]:
        """The events that it led to, in order."""

    @property
    def outcome(self) -> Outcome:
        """What the guest or userspace saw."""


class Matcher(Protocol):
    """Compares one field of two events, and remembers what it has to."""

    def match(self, name: str, key: str, model: Printed, other: Printed) -> Verdict:
        """Compare field *key* of two events of trace point *name*."""

    def release_tables(self) -> None:
        """Note that a shadow page was zapped: its table may come back as another's."""

    def release_frames(self) -> None:
        """Note that guest memory changed: a frame may come back behind another page."""


Side = tuple[str, Printed]
"""An event as it is compared: its trace point and its printed fields."""

_ZAP_ALL = {"kvm_mmu_invalidate_zap_all_pages": "zap all", "kvm_mmu_zap_all_fast": "zap all"}
"""One trace point under two names: v3.11's and, since v5.10, its successor's."""


class Comparison:
    """Compares the steps of a witness with those of a recording, in order.

    :param scenario: the recording
    :param epoch: the kernel version that the witness speaks for
    :param matcher: how fields are compared; by default, addresses one to one
    """

    def __init__(self, scenario: Scenario, epoch: Epoch, matcher: Matcher | None = None) -> None:
        """Start before the first operation."""
        self._epoch = epoch
        self._kernel = scenario.kernel_version or epoch.name
        self._slots = Slots()
        self._matcher: Matcher = matcher or FieldMatcher(self._slots)

    def step(self, recorded: RecordedStep, witness: WitnessStep) -> OperationReport:
        """Compare one operation; the steps must be given in order."""
        operation = recorded.operation
        if isinstance(operation, Memslot | MadviseDontneed) and not recorded.outcome.rc:
            self._slots.apply(operation)
            self._matcher.release_frames()
        rows = tuple(self._rows(recorded.events, witness.events))
        outcome = tuple(compare_outcomes(witness.outcome, recorded.outcome, operation))
        return OperationReport(operation, rows, outcome)

    def _rows(
        self, recorded: Sequence[Mapping[str, str]], events: Sequence[Event]
    ) -> Iterator[Row]:
        """Yield the rows of one operation, the recording's context in its place."""
        places = [place for place, event in enumerate(recorded) if takes_part(event)]
        theirs = [(recorded[p][TRACE_POINT], recorded_fields(recorded[p])) for p in places]
        ours = [(event.name, printed_fields(event, self._epoch)) for event in events]
        shown = 0
        for i, j in align_twice(list(map(_key, ours)), list(map(_key, theirs))):
            if j is not None:
                yield from map(_context, recorded[shown : places[j]])
                shown = places[j] + 1
            yield self._row(None if i is None else ours[i], None if j is None else theirs[j])
        yield from map(_context, recorded[shown:])

    def _row(self, ours: Side | None, theirs: Side | None) -> Row:
        if theirs and theirs[0] == "kvm_mmu_prepare_zap_page":
            self._matcher.release_tables()
        if ours and theirs:
            return self._pair(ours, theirs)
        name, printed = ours or theirs or ("", {})
        other = self._kernel if ours else self._epoch.name
        only = Status.ONLY_MODEL if ours else Status.ONLY_RECORDED
        absent = self._kernel != self._epoch.name and not has_trace_point(other, name)
        return Row(
            status=Status.ALLOWED if absent else only,
            event=name,
            model=printed if ours else None,
            recorded=None if ours else printed,
            allowances=(Allowance.NO_TRACE_POINT,) if absent else (),
        )

    def _pair(self, ours: Side, theirs: Side) -> Row:
        """Compare two events field by field."""
        (name, model), (event, recorded) = ours, theirs
        differences: list[Difference] = []
        allowances: list[Allowance] = []
        for key in dict.fromkeys([*recorded, *model]):
            agrees, allowed = self._field(event, key, model, recorded)
            allowances += sorted(allowed, key=list(Allowance).index)
            if not agrees:
                differences.append(Difference(key, model.get(key), recorded.get(key)))
        if name != event:
            allowances.append(Allowance.NO_TRACE_POINT)
        status = Status.DIFFERENT if differences else _status(allowances)
        return Row(status, event, model, recorded, tuple(differences), tuple(allowances))

    def _field(
        self, event: str, key: str, model: Printed, recorded: Printed
    ) -> tuple[bool, frozenset[Allowance]]:
        if key in model and key in recorded:
            return self._matcher.match(event, key, model, recorded)
        if key in BY_VERSION and self._kernel != self._epoch.name:
            return True, frozenset({Allowance.NOT_PRINTED})
        return False, frozenset()


def _status(allowances: Sequence[Allowance]) -> Status:
    """Return the status of an event without differences: chosen addresses do not count."""
    version = {Allowance.NOT_PRINTED, Allowance.NO_TRACE_POINT}
    return Status.ALLOWED if version & set(allowances) else Status.EQUAL


def _key(side: Side) -> tuple[str, tuple[str | None, ...]]:
    name, printed = side
    return _ZAP_ALL.get(name, name), tuple(printed.get(key) for key in KEY_FIELDS.get(name, ()))


def _context(recorded: Mapping[str, str]) -> Row:
    printed = {key: value for key, value in recorded.items() if key != TRACE_POINT}
    return Row(Status.CONTEXT, recorded[TRACE_POINT], None, printed)


# --- outcomes -----------------------------------------------------------------------


def compare_outcomes(
    model: Outcome, recorded: Outcome, operation: Operation
) -> Iterator[Difference]:
    """Yield the parts in which two outcomes of *operation* differ.

    ``rc`` is compared for host operations that have one recorded, the old value that an
    exchange returns if it was recorded.
    """
    for part in fields(Outcome):
        ours, theirs = getattr(model, part.name), getattr(recorded, part.name)
        if ours != theirs and not _untold(part.name, theirs, operation):
            yield Difference(part.name, outcome_text(ours), outcome_text(theirs))


def _untold(part: str, recorded: object, operation: Operation) -> bool:
    """Whether a recording need not say this part of an outcome."""
    if part == "rc":
        return recorded is None or not isinstance(operation, HostOperation)
    return part == "value" and recorded is None and isinstance(operation, Xchg)


def outcome_text(value: Any) -> str | None:
    """Return a part of an outcome for a reader; ``None`` where there is none."""
    match value:
        case None | ():
            return None
        case int():
            return f"{value:#x}" if value > 9 else str(value)
        case tuple():
            return ", ".join(str(outcome_text(item)) for item in value)
    inner = {field.name: getattr(value, field.name) for field in fields(value)}
    return " ".join(f"{name} {int(item):#x}" for name, item in inner.items())
