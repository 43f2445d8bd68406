"""Turning a difference into what a reader can act on: expected, recorded, rule."""

from collections.abc import Iterator, Sequence

from ..trace.field_match import PAGE_SHIFT, SPTE_ADDRESS, SPTE_FIELDS, SPTEP_FIELDS
from ..trace.printed import Printed
from ..trace.rows import Difference, Row
from ..trace.text import event_text
from .cited import COUNTER_RULES, OUTCOME_RULES, rule_of_event
from .companions import INJECTION, MMIO, PAGE_FAULT, Companion, CompanionDifference
from .findings import Finding
from .settlement import Settlement, Space

UNKNOWN = "?"
"""Stands in a printed event for a chosen address that is not known."""
COMPANION_RULES = {PAGE_FAULT: "WALK-1", INJECTION: "WALK-2", MMIO: "MMIO-4"}


class Explainer:
    """Explains the differences of one operation.

    :param settlement: which chosen address is which, if that is settled
    """

    def __init__(self, operation: int, settlement: Settlement | None = None) -> None:
        """Remember what is common to all."""
        self._n = operation
        self._settlement = settlement

    def outcome(self, part: Difference) -> Finding:
        """Return a part of the outcome that differs."""
        rule = OUTCOME_RULES.get(part.field)
        field = f"outcome.{part.field}"
        return Finding(self._n, None, field, part.model, part.recorded, rule)

    def counter(self, counter: Difference) -> Finding:
        """Return a counter that differs."""
        rule = COUNTER_RULES.get(counter.field)
        field = f"stats.{counter.field}"
        return Finding(self._n, None, field, counter.model, counter.recorded, rule)

    def companion(self, difference: CompanionDifference) -> Finding:
        """Return an event beside the MMU that differs."""
        ours, theirs = difference.expected, difference.recorded
        either = ours or theirs
        event = either.event if either else ""
        field: str | None = None
        expected, recorded = (None if each is None else str(each) for each in (ours, theirs))
        if ours and theirs:
            unequal = ours.unequal(theirs)
            field = unequal[0] if unequal else "place"
            expected, recorded = _value(ours, field), _value(theirs, field)
        accepted = (str(ours),) if ours else ()
        rule = COMPANION_RULES.get(event)
        return Finding(self._n, event, field, expected, recorded, rule, accepted)

    def events(self, rows: Sequence[Row]) -> Iterator[Finding]:
        """Yield what differs in the first event that does, field by field."""
        place = next((i for i, row in enumerate(rows) if not row.agrees), None)
        if place is None:
            return
        row = rows[place]
        accepted = tuple(self._accepted(rows[place:]))
        for part in row.differences:
            rule = rule_of_event(row.event, part.field)
            yield Finding(self._n, row.event, part.field, part.model, part.recorded, rule, accepted)
        if not row.differences:
            rule = rule_of_event(row.event, None)
            expected = accepted[0] if accepted else None
            recorded = None
            if row.recorded is not None:
                recorded = f"{row.event} {event_text(row.event, row.recorded)}".rstrip()
            yield Finding(self._n, row.event, None, expected, recorded, rule, accepted)

    def _accepted(self, rows: Sequence[Row]) -> Iterator[str]:
        """Yield the event of the model that should have come first in *rows*."""
        for row in rows:
            if row.model is not None:
                name = row.event
                yield f"{name} {event_text(name, self._translated(name, row.model))}".rstrip()
                return

    def _translated(self, name: str, model: Printed) -> Printed:
        """Return a printed event of the model with the addresses that the kernel chose."""
        return {key: self._value(name, key, value) for key, value in model.items()}

    def _value(self, name: str, key: str, value: str) -> str:
        if key in SPTEP_FIELDS:
            number = int(value, 16)
            page = self._page(Space.TABLE, number >> PAGE_SHIFT) if number else 0
            if key == "sptep_hash" or page is None:
                return f"{UNKNOWN}{number & ((1 << PAGE_SHIFT) - 1):03x}" if number else value
            return f"{page << PAGE_SHIFT | number & ((1 << PAGE_SHIFT) - 1):x}"
        if key == "pfn":
            page = self._page(Space.FRAME, int(value, 16))
            return value if page is None else f"{page:x}"
        if (name, key) in SPTE_FIELDS:
            number = int(value, 16)
            page = self._page(Space.FRAME, (number & SPTE_ADDRESS) >> PAGE_SHIFT)
            if page is not None:
                number = number & ~SPTE_ADDRESS | page << PAGE_SHIFT
            return f"0x{number:x}" if value.startswith("0x") else f"{number:x}"
        return value

    def _page(self, space: Space, model: int) -> int | None:
        return self._settlement.address.get((space, model)) if self._settlement else None


def _value(companion: Companion, field: str) -> str:
    """Return a field of *companion*, or where it stands."""
    return companion.fields.get(field, f"after {companion.after} events of the MMU")
