"""Event text as numbers: what the monitors look at, without knowing the kernel version.

A shadow page's role is not printed as a word, so these are not the events of
{py:mod}`mmuspec.events`; a field is here what the text says.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ..scenario.recorded_event import RECORDED_EVENTS, EventForm
from ..x86.entry import PS, P
from .printed import flag_code
from .text import TEMPLATES, WITHOUT_GENERATION

Key = tuple[Any, ...]
"""What is printed of a shadow page's identity: generation, gfn and role, without ``invalid``."""


class Page(NamedTuple):
    """A shadow page as printed.

    :param form: ``v3.10``, ``v3.11``, ``v4.19`` or ``v5.10``: the first version that prints so
    :param size: bytes of a guest entry; with 8-byte entries a page up to v4.19 says ``pae``
    :param created: ``new``, ``existing``, or empty where the trace point does not say
    """

    form: str
    gen: int
    gfn: int
    level: int
    size: int
    quadrant: int
    direct: bool
    access: str
    invalid: bool
    root_count: int
    unsync: bool
    created: str
    key: Key


class Walk(NamedTuple):
    """The start of a guest walk."""

    addr: int
    pferr: int
    flags: int


class Element(NamedTuple):
    """A guest entry that a walk has read.

    :param leads: whether the entry surely leads on to a lower table
    """

    pte: int
    level: int
    leads: bool


def element(pte: int, level: int) -> Element:
    """Return the entry *pte* of *level*."""
    return Element(pte, level, pte & (P | PS) == P and level > 1)


class EntryBit(NamedTuple):
    """The guest entry in which a walk sets A or D."""

    gpa: int


class Failure(NamedTuple):
    """The error code of a walk that failed."""

    pferr: int
    flags: int


class Mark(NamedTuple):
    """An MMIO spte is written; *gen* is -1 where the version does not print it."""

    sptep: str
    gfn: int
    access: int
    gen: int = -1


class Handle(NamedTuple):
    """An MMIO spte answered a fault."""

    addr: int
    gfn: int
    access: int


class Fast(NamedTuple):
    """The end of a fast page fault."""

    vcpu: int
    gva: int
    code: int
    sptep: str
    old: int
    new: int
    spurious: int
    fixed: int


class ZapAll(NamedTuple):
    """All pages are being made obsolete."""

    gen: int
    used_pages: int


class Check(NamedTuple):
    """The generations of an MMIO spte and of the slots are compared."""

    spte: int
    kvm_gen: int
    spte_gen: int
    valid: int


class LeafSet(NamedTuple):
    """A leaf spte was set."""

    gfn: int
    spte: int
    letters: str
    level: int
    sptep: int


class Requested(NamedTuple):
    """What a fault is going to map."""

    gfn: int
    pfn: int
    level: int


class TdpChange(NamedTuple):
    """An spte of the TDP MMU changed."""

    as_id: int
    gfn: int
    level: int
    old: int
    new: int


class Split(NamedTuple):
    """A large spte is split."""

    gfn: int
    spte: int
    level: int
    errno: int


Event = (
    Page | Walk | Element | EntryBit | Failure | Mark | Handle | Fast | ZapAll | Check
    | LeafSet | Requested | TdpChange | Split
)  # fmt: skip

CLASSES: dict[str, Callable[..., Any]] = {
    "kvm_mmu_pagetable_walk": Walk,
    "kvm_mmu_paging_element": element,
    "kvm_mmu_set_accessed_bit": EntryBit,
    "kvm_mmu_set_dirty_bit": EntryBit,
    "kvm_mmu_walker_error": Failure,
    "mark_mmio_spte": Mark,
    "handle_mmio_page_fault": Handle,
    "fast_page_fault": Fast,
    "kvm_mmu_invalidate_zap_all_pages": ZapAll,
    "kvm_mmu_zap_all_fast": ZapAll,
    "check_mmio_spte": Check,
    "kvm_mmu_set_spte": LeafSet,
    "kvm_mmu_spte_requested": Requested,
    "kvm_tdp_mmu_spte_changed": TdpChange,
    "kvm_mmu_split_huge_page": Split,
}


class WithoutFields(ValueError):
    """The text is of a shadow page, in the layout of trace-cmd's plugin: fields are missing."""


def _hexadecimal(text: str) -> int:
    return int(text, 16)


_TURN: dict[EventForm, Callable[[str], Any]] = {
    EventForm.HEX: _hexadecimal,
    EventForm.PREFIXED: _hexadecimal,
    EventForm.DECIMAL: int,
    EventForm.PFERR: flag_code,
}


@cache
def reader(name: str) -> Callable[[str], Event]:
    """Return the function that reads the text of trace point *name*.

    It raises ValueError if the text is not what a version prints, and
    {py:class}`WithoutFields` for a layout that leaves out fields.
    """
    if name not in CLASSES:
        return lambda text: read_page(text, name == "kvm_mmu_get_page")
    templates = [forms[name] for forms in (TEMPLATES, WITHOUT_GENERATION) if name in forms]
    readers = [_template_reader(name, template) for template in templates]

    def read(text: str) -> Event:
        for one in readers:
            event = one(text)
            if event is not None:
                return event
        raise ValueError(f"expected {templates[0]!r}")

    return read


def _turned(turn: Callable[[str], Any], text: str) -> Any:
    return turn(text)


def _template_reader(name: str, template: str) -> Callable[[str], Event | None]:
    """Return a reader of texts of one template, which returns None for any other text."""
    pieces = re.split(r"\{(\w+)\}", template)
    forms = [RECORDED_EVENTS[name][field] for field in pieces[1::2]]
    groups = [f"({_without_groups(form.value[0])})" for form in forms] + [r" *\Z"]
    literals = [re.escape(piece) for piece in pieces[::2]]
    if template.endswith(" {flags}"):  # editors and reports cut the blank before an empty list
        literals[-2] = " ?"
    match = re.compile(
        "".join(a + b for a, b in zip(literals, groups, strict=True)), re.ASCII
    ).match
    turns = [_TURN.get(form, str) for form in forms]
    cls = CLASSES[name]

    def read(text: str) -> Event | None:
        found = match(text)
        if found is None:
            return None
        event: Event = cls(*map(_turned, turns, found.groups()))
        return event

    return read


def _without_groups(pattern: str) -> str:
    """Return *pattern* with its groups made such that they capture nothing."""
    return re.sub(r"\((?!\?)", "(?:", pattern)


_PAGE = re.compile(
    r"sp(?: gen ([0-9a-f]+))? gfn ([0-9a-f]+) (l?)(\d+)( pae)?(?: ([48])-byte)? q(\d+)( direct)?"
    r" ([w-][u-][x-])( invalid)? (!?nxe)(?: (!?ad))? root (\d+) (unsync|sync)\0?"
    r"(?: (new|existing))? *",
    re.ASCII,
)
_FORMS = {  # generation, "l", N-byte, ad
    (False, False, False, False): "v3.10",
    (True, False, False, False): "v3.11",
    (True, True, False, True): "v4.19",
    (True, True, True, True): "v5.10",
}
_PLUGIN = re.compile(r"(?:(?:new|existing) sp gfn )?.*\bq\d+.* !?pae .*root \d+ (?:un)?sync.*")
_UNPARSED = "[FAILED TO PARSE]"


def read_page(text: str, may_be_new: bool) -> Page:
    """Return the shadow page that *text* describes.

    :param may_be_new: whether ``new`` or ``existing`` is printed
    :raises WithoutFields: the layout of trace-cmd's plugin
    :raises ValueError: no version prints this
    """
    found = _PAGE.fullmatch(text)
    if not found:
        if _PLUGIN.fullmatch(text) or text.startswith(_UNPARSED):
            raise WithoutFields("trace-cmd's layout of a shadow page has no generation")
        raise ValueError("expected 'sp gen G gfn N lL N-byte qQ ...' as some version prints it")
    gen, gfn, mark, level, pae, size, quadrant, direct, access, invalid, nx, ad, root, sync, new = (
        found.groups()
    )
    form = _FORMS.get((bool(gen), bool(mark), bool(size), bool(ad)))
    if form is None or bool(new) != may_be_new or (pae and size):
        raise ValueError("fields of different kernel versions, or one is missing")
    number = int(gen or "0", 10 if form == "v5.10" else 16)
    entry = int(size) if size else 8 if pae else 4
    key = (number, int(gfn, 16), level, entry, quadrant, direct, access, nx, ad)
    return Page(
        form, number, key[1], int(level), entry, int(quadrant), direct is not None, access,
        invalid is not None, int(root), sync == "unsync", new or "", key,
    )  # fmt: skip
