"""Deliberate damage to a recording: one field of one event changed, one event dropped,
duplicated or moved."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from mmuspec.conform.companions import INJECTION, MMIO, PAGE_FAULT
from mmuspec.scenario.recorded_event import RECORDED_EVENTS, EventForm
from mmuspec.scenario.recording import RecordedEvent, RecordedStep, Scenario

KINDS = ("field", "drop", "duplicate", "move")
COMPARED = {*RECORDED_EVENTS, INJECTION, MMIO, PAGE_FAULT}
"""The other events (kvm_exit, kvm_emulate_insn, probes of functions) are for the reader."""
WORDS = {
    EventForm.PFERR: ("P", "P|W", "W", "F", "P|U", "U"),
    EventForm.NX: ("nxe", "!nxe"),
    EventForm.AD: ("ad", "!ad"),
    EventForm.SYNC: ("sync", "unsync"),
    EventForm.CREATED: ("new", "existing"),
    EventForm.ACCESS: ("wux", "-ux", "w--", "---"),
    EventForm.SPTE_ACCESS: ("rwxu", "r-xu", "rwx-", "rw-u"),
    EventForm.ENTRY_SIZE: ("4", "8"),
}


@dataclass(frozen=True)
class Damage:
    """What was done to which operation."""

    kind: str
    operation: int
    what: str


def damaged(
    scenario: Scenario, random: Random, kind: str, *, avoid: frozenset[int] = frozenset()
) -> tuple[Scenario, Damage] | None:
    """Return *scenario* with one damage outside the operations *avoid*; None if there is none."""
    places = [
        (at, place)
        for at, step in enumerate(scenario.steps)
        if step.operation.n not in avoid
        for place, event in enumerate(step.events)
        if event["e"] in COMPARED
    ]
    random.shuffle(places)
    for at, place in places:
        step = scenario.steps[at]
        found = next(_attempts(step, place, random, kind), None)
        if found:
            events, what = found
            steps = list(scenario.steps)
            steps[at] = replace(step, events=tuple(events))
            damage = Damage(kind, step.operation.n, what)
            return replace(scenario, steps=tuple(steps)), damage
    return None


def _attempts(
    step: RecordedStep, place: int, random: Random, kind: str
) -> Iterator[tuple[list[RecordedEvent], str]]:
    events = list(step.events)
    event = events[place]
    if kind == "field":
        key = random.choice([key for key in event if key != "e"])
        value = changed(event, key, random)
        events[place] = {k: v for k, v in {**event, key: value}.items() if v is not None}
        yield events, f"{event['e']} {key} {event[key]} -> {value}"
    elif kind == "drop":
        yield events[:place] + events[place + 1 :], event["e"]
    elif kind == "duplicate":
        if event["e"] != INJECTION:  # printing that twice is allowed
            yield [*events[: place + 1], event, *events[place + 1 :]], event["e"]
    else:
        yield from _moves(events, place, random)


def _moves(
    events: list[RecordedEvent], place: int, random: Random
) -> Iterator[tuple[list[RecordedEvent], str]]:
    """Yield moves that change the order of the events of one trace point, or of the MMU's."""
    rest = events[:place] + events[place + 1 :]
    for to in random.sample(range(len(events)), len(events)):
        moved = [*rest[:to], events[place], *rest[to:]]
        if _order(moved) != _order(events):
            yield moved, f"{events[place]['e']} from {place} to {to}"


def _order(events: list[RecordedEvent]) -> list[list[RecordedEvent]]:
    """Return the sequences that matter: the MMU's events and faults, injections, MMIO."""
    alone = [[e for e in events if e["e"] == name] for name in (INJECTION, MMIO)]
    together = [e for e in events if e["e"] in RECORDED_EVENTS or e["e"] == PAGE_FAULT]
    return [together, *alone]


def changed(event: RecordedEvent, key: str, random: Random) -> str | None:
    """Return another value for *key* of *event*, in the same form."""
    text = event[key]
    form = RECORDED_EVENTS.get(event["e"], {}).get(key, EventForm.HEX)
    if form in (EventForm.DIRECT, EventForm.INVALID, EventForm.PAE):
        return None
    if form in WORDS:
        return random.choice([word for word in WORDS[form] if word != text])
    if form is EventForm.DECIMAL:
        return str(int(text) + random.choice([1, 2, 3]))
    if not EventForm.HEX.matches(text.removeprefix("0x")):
        return random.choice([word for word in ("#GP", "#PF", "read", "write") if word != text])
    number = int(text, 16) ^ 1 << random.randrange(max(4, int(text, 16).bit_length()))
    prefix = "0x" if text.startswith("0x") or (form is EventForm.PREFIXED and number) else ""
    return f"{prefix}{number:x}"
