"""The fields that a kernel version prints for an event of the vocabulary.

Two witnesses are compared by what they print: a model's event becomes here the
members that a recording of that kernel version would hold
({py:data}`mmuspec.scenario.recorded_event.RECORDED_EVENTS`).

Source: the TP_printk formats of mmutrace.h (v3.10, v3.11, v4.19, v5.10, v6.1).
"""

from collections.abc import Callable, Iterator
from typing import Any

from ..epochs import Epoch, ZapGeneration
from ..events import VOCABULARY, Event, GetPage, SetSpte, ShadowPageEvent
from ..scenario.recorded_event import RECORDED_EVENTS, EventForm
from ..x86.pferr import Pferr

Printed = dict[str, str]
"""Printed fields by the name that a recording gives them, in the kernel's order."""

RECORDED_NAME = {
    "vcpu_id": "vcpu",
    "gva": "addr",
    "sptep": "sptep_hash",
    "old_spte": "old",
    "new_spte": "new",
    "mmu_valid_gen": "valid_gen",
    "mmu_used_pages": "used_pages",
}
"""Field of an event -> its name in a recording, where the two differ."""


def recorded_name(name: str, field: str) -> str:
    """Return what a recording calls *field* of trace point *name*."""
    forms = RECORDED_EVENTS[name]
    if field in forms:
        return field
    return "sptep_pa" if "sptep_pa" in forms else RECORDED_NAME[field]


_SINCE = {
    "kvm_mmu_invalidate_zap_all_pages": (3, 11),
    "check_mmio_spte": (3, 11),
    "kvm_mmu_zap_all_fast": (5, 10),
    "kvm_mmu_set_spte": (5, 10),
    "kvm_mmu_spte_requested": (5, 10),
    "kvm_tdp_mmu_spte_changed": (5, 15),
    "kvm_mmu_split_huge_page": (6, 1),
}
_UNTIL = {"kvm_mmu_invalidate_zap_all_pages": (4, 19)}


def has_trace_point(kernel: str, name: str) -> bool:
    """Whether the kernel version *kernel*, such as ``v3.11``, has the trace point *name*."""
    version = tuple(int(part) for part in kernel.removeprefix("v").split("."))
    return name in VOCABULARY and _SINCE.get(name, (0,)) <= version <= _UNTIL.get(name, (99,))


def printed_fields(event: Event, epoch: Epoch) -> Printed:
    """Return what the kernel of *epoch* prints for *event*, field by field.

    Values are as printed: lower-case hexadecimal without a prefix where the
    kernel prints it so, nothing for a field that this version does not print.
    """
    if isinstance(event, ShadowPageEvent):
        return dict(_shadow_page(event, epoch))
    forms = RECORDED_EVENTS[event.name]
    printed = {name: form_text(forms[name], value) for name, value in _named_values(event, epoch)}
    return {name: printed[name] for name in forms if name in printed}


def form_text(form: EventForm, value: Any) -> str:
    """Return *value* printed in *form*."""
    printer = _PRINTERS.get(form)
    return printer(int(value)) if printer else str(value)


def flag_code(names: str) -> int:
    """Return the error code that {py:func}`flag_names` prints as *names*."""
    words = names.split("|") if names else []
    return sum(int(word, 16) if word.startswith("0x") else Pferr[word] for word in words)


def flag_names(code: int) -> str:
    """Return an error code as the kernel's list of flags, such as ``P|W``."""
    names = [flag.name or "" for flag in Pferr if code & flag]
    rest = code & ~sum(Pferr)
    return "|".join(names + ([f"0x{rest:x}"] if rest else []))


_PRINTERS: dict[EventForm, Callable[[int], str]] = {
    EventForm.HEX: lambda value: f"{value:x}",
    EventForm.POINTER: lambda value: f"{value:x}",
    EventForm.PREFIXED: lambda value: f"0x{value:x}" if value else "0",
    EventForm.DECIMAL: str,
    EventForm.PFERR: flag_names,
}


def _named_values(event: Event, epoch: Epoch) -> Iterator[tuple[str, Any]]:
    """Yield the value of each printed field under its name in a recording."""
    forms = RECORDED_EVENTS[event.name]
    for field, value in event.values().items():
        name = recorded_name(event.name, field)
        if name != "gen" or epoch.generation.bits:
            yield name, value
    if "flags" in forms:
        yield "flags", event.values()["pferr"]
    if "valid" in forms:
        yield "valid", event.values()["kvm_gen"] == event.values()["spte_gen"]
    if isinstance(event, SetSpte):
        yield "rwxu", _spte_access(event.spte)


def _spte_access(spte: int) -> str:
    """Return the access letters of a leaf spte with the legacy masks (not EPT's)."""
    writable, user, executable = spte & 2, spte & 4, not spte >> 63
    return f"r{'w' if writable else '-'}{'x' if executable else '-'}{'u' if user else '-'}"


# --- shadow pages -------------------------------------------------------------------


def role_fields(role: int, epoch: Epoch) -> dict[str, int]:
    """Return the role word *role* taken apart, by the names that *epoch* uses."""
    layout = epoch.role_layout
    return {name: role >> low & ((1 << width) - 1) for name, (low, width) in layout.items()}


ACCESS_LETTERS = (("w", 2), ("u", 4), ("x", 1))
"""The letters of an access and the ``ACC_*`` bit of each, in the order printed."""


def access_text(access: int) -> str:
    """Return ``role.access`` as three letters, in the kernel's order w, u, x."""
    return "".join(letter if access & bit else "-" for letter, bit in ACCESS_LETTERS)


def _shadow_page(event: ShadowPageEvent, epoch: Epoch) -> Iterator[tuple[str, str]]:
    role = role_fields(event.role, epoch)
    if epoch.zap_generation is not ZapGeneration.NONE:
        toggles = epoch.zap_generation is ZapGeneration.TOGGLE
        yield "gen", f"{event.mmu_valid_gen:{'d' if toggles else 'x'}}"
    yield "gfn", f"{event.gfn:x}"
    yield "level", str(role["level"])
    yield from _entry_size(role)
    yield "quadrant", str(role["quadrant"])
    if role["direct"]:
        yield "direct", "direct"
    yield "access", access_text(role["access"])
    if role["invalid"]:
        yield "invalid", "invalid"
    yield "nx", "nxe" if role["nxe"] else "!nxe"
    if "ad_disabled" in role:
        yield "ad", "!ad" if role["ad_disabled"] else "ad"
    yield "root_count", str(event.root_count)
    yield "sync", "unsync" if event.unsync else "sync"
    if isinstance(event, GetPage):
        yield "created", "new" if event.created else "existing"


def _entry_size(role: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the size of a guest entry as this version prints it, from the role's bit 4."""
    if role.get("cr4_pae"):
        yield "pae", "pae"
    if "gpte_is_8_bytes" in role:
        yield "gpte_bytes", "8" if role["gpte_is_8_bytes"] else "4"
    if "has_4_byte_gpte" in role:
        yield "gpte_bytes", "4" if role["has_4_byte_gpte"] else "8"
