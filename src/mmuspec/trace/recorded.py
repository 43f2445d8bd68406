"""Recorded events as printed fields and as events of the vocabulary."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..epochs import Epoch, ZapGeneration
from ..events import VOCABULARY, Event, ShadowPageEvent
from ..scenario.recorded_event import RECORDED_EVENTS, EventForm
from .printed import ACCESS_LETTERS, Printed, flag_code, recorded_name

TRACE_POINT = "e"
"""The member of a recorded event that names its trace point."""


def takes_part(recorded: Mapping[str, str]) -> bool:
    """Whether a recorded event is of the vocabulary; the others are context for a reader."""
    return recorded[TRACE_POINT] in RECORDED_EVENTS


def recorded_fields(recorded: Mapping[str, str]) -> Printed:
    """Return the printed fields of a recorded event, in the kernel's order.

    Hexadecimal digits are brought to lower case without leading zeros, so that
    they compare with what {py:func}`mmuspec.trace.printed.printed_fields` returns.
    """
    forms = RECORDED_EVENTS[recorded[TRACE_POINT]]
    present = [(name, form) for name, form in forms.items() if name in recorded]
    return {name: _canonical(form, recorded[name]) for name, form in present}


def _canonical(form: EventForm, text: str) -> str:
    if form is EventForm.HEX or (form is EventForm.POINTER and EventForm.HEX.matches(text)):
        return f"{int(text, 16):x}"
    return text


def recorded_event(recorded: Mapping[str, str], epoch: Epoch) -> Event:
    """Return the event that a recording of *epoch*'s kernel holds.

    Of a shadow page's role, the bits that are not printed are 0.

    :raises KeyError: the event is not of the vocabulary
    """
    name = recorded[TRACE_POINT]
    cls = VOCABULARY[name]
    if issubclass(cls, ShadowPageEvent):
        return cls(**_shadow_page(recorded, epoch))
    names = {field.name: recorded_name(name, field.name) for field in fields(cls)}
    return cls(
        **{
            field: _value(RECORDED_EVENTS[name][key], field, recorded.get(key, "0"))
            for field, key in names.items()
        }
    )


def _value(form: EventForm, field: str, text: str) -> int | bool:
    """Return the value of *field* printed as *text*."""
    if form is EventForm.PFERR:
        return flag_code(text)
    number = int(text, 10 if form is EventForm.DECIMAL else 16)
    return bool(number) if field in ("spurious", "fixed") else number


def _shadow_page(recorded: Mapping[str, str], epoch: Epoch) -> dict[str, Any]:
    toggles = epoch.zap_generation is ZapGeneration.TOGGLE
    values: dict[str, Any] = {
        "mmu_valid_gen": int(recorded.get("gen", "0"), 10 if toggles else 16),
        "gfn": int(recorded["gfn"], 16),
        "role": _role(recorded, epoch),
        "root_count": int(recorded["root_count"]),
        "unsync": recorded["sync"] == "unsync",
    }
    if "created" in recorded:
        values["created"] = recorded["created"] == "new"
    return values


def _role(recorded: Mapping[str, str], epoch: Epoch) -> int:
    """Return the role word as far as it is printed."""
    printed = {
        "level": int(recorded["level"]),
        "cr4_pae": "pae" in recorded,
        "gpte_is_8_bytes": recorded.get("gpte_bytes") == "8",
        "has_4_byte_gpte": recorded.get("gpte_bytes") == "4",
        "quadrant": int(recorded["quadrant"]),
        "direct": "direct" in recorded,
        "access": sum(bit for letter, bit in ACCESS_LETTERS if letter in recorded["access"]),
        "invalid": "invalid" in recorded,
        "nxe": recorded["nx"] == "nxe",
        "ad_disabled": recorded.get("ad") == "!ad",
    }
    layout = epoch.role_layout
    return sum(int(value) << layout[name][0] for name, value in printed.items() if name in layout)
