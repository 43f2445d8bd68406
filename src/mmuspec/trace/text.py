"""The text that a kernel prints for an event, from its printed fields, and back.

The text of a shadow page differs between versions, but a version's printed
fields say all of it: v4.19 is the first to print ``ad``, and with it puts an
``l`` before the level.

Source: the TP_printk formats of mmutrace.h (v3.10, v3.11, v4.19, v5.10, v6.1).
"""

import re
from collections.abc import Mapping

from ..scenario.recorded_event import RECORDED_EVENTS, SHADOW_PAGE_FIELDS
from .printed import Printed

TEMPLATES = {
    "kvm_mmu_pagetable_walk": "addr {addr} pferr {pferr} {flags}",
    "kvm_mmu_paging_element": "pte {pte} level {level}",
    "kvm_mmu_set_accessed_bit": "gpa {gpa}",
    "kvm_mmu_set_dirty_bit": "gpa {gpa}",
    "kvm_mmu_walker_error": "pferr {pferr} {flags}",
    "mark_mmio_spte": "sptep:{sptep_hash} gfn {gfn} access {access} gen {gen}",
    "handle_mmio_page_fault": "addr:{addr} gfn {gfn} access {access}",
    "fast_page_fault": "vcpu {vcpu} gva {addr} error_code {error_code} sptep {sptep_hash}"
    " old {old} new {new} spurious {spurious} fixed {fixed}",
    "kvm_mmu_invalidate_zap_all_pages": "kvm-mmu-valid-gen {valid_gen} used_pages {used_pages}",
    "kvm_mmu_zap_all_fast": "kvm-mmu-valid-gen {valid_gen} used_pages {used_pages}",
    "check_mmio_spte": "spte {spte} kvm_gen {kvm_gen} spte-gen {spte_gen} valid {valid}",
    "kvm_mmu_set_spte": "gfn {gfn} spte {spte} ({rwxu}) level {level} at {sptep_pa}",
    "kvm_mmu_spte_requested": "gfn {gfn} pfn {pfn} level {level}",
    "kvm_tdp_mmu_spte_changed": "as id {as_id} gfn {gfn} level {level}"
    " old_spte {old} new_spte {new}",
    "kvm_mmu_split_huge_page": "gfn {gfn} spte {spte} level {level} errno {errno}",
}
"""What each trace point prints; those about a shadow page are not templates."""

WITHOUT_GENERATION = {"mark_mmio_spte": "sptep:{sptep_hash} gfn {gfn} access {access}"}
"""What v3.10 prints instead: it has no MMIO generation."""


def event_text(name: str, printed: Mapping[str, str]) -> str:
    """Return the text of trace point *name* with the fields *printed*.

    :raises KeyError: the trace point is not of the vocabulary, or a field is missing
    """
    if name in TEMPLATES:
        old = name in WITHOUT_GENERATION and "gen" not in printed
        return (WITHOUT_GENERATION if old else TEMPLATES)[name].format_map(printed)
    words = ["sp", *_shadow_page_words(printed)]
    return " ".join(words + ([printed["created"]] if "created" in RECORDED_EVENTS[name] else []))


def _shadow_page_words(printed: Mapping[str, str]) -> list[str]:
    before = {
        "gen": "gen ",
        "gfn": "gfn ",
        "level": "l" if "ad" in printed else "",
        "quadrant": "q",
        "root_count": "root ",
    }
    after = {"gpte_bytes": "-byte"}
    return [
        before.get(name, "") + printed[name] + after.get(name, "")
        for name in SHADOW_PAGE_FIELDS
        if name in printed
    ]


_SHADOW_PAGE = re.compile(
    r"sp(?: gen (?P<gen>\w+))? gfn (?P<gfn>\w+) l?(?P<level>\d+)(?: (?P<pae>pae))?"
    r"(?: (?P<gpte_bytes>[48])-byte)? q(?P<quadrant>\d+)(?: (?P<direct>direct))?"
    r" (?P<access>[w-][u-][x-])(?: (?P<invalid>invalid))? (?P<nx>!?nxe)(?: (?P<ad>!?ad))?"
    r" root (?P<root_count>\d+) (?P<sync>sync|unsync)\0?(?: (?P<created>new|existing))?",
    re.ASCII,
)


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of the texts that *template* makes."""
    pieces = re.split(r"\{(\w+)\}", template)
    literals = [re.escape(piece) for piece in pieces[::2]]
    groups = [rf"(?P<{name}>\S*)" for name in pieces[1::2]]
    joined = "".join(a + b for a, b in zip(literals, [*groups, ""], strict=True))
    return re.compile(joined.replace(r"\(", "[(]").replace(r"\)", "[)]"))


_PATTERNS = {name: [_pattern(template)] for name, template in TEMPLATES.items()}
for _name, _template in WITHOUT_GENERATION.items():
    _PATTERNS[_name].append(_pattern(_template))


def parse_event_text(name: str, text: str) -> Printed:
    """Return the printed fields in the *text* of trace point *name*, whatever its version.

    :raises ValueError: the text is not one that this trace point prints
    """
    for pattern in _PATTERNS.get(name, [_SHADOW_PAGE]):
        found = pattern.fullmatch(text)
        if found and name in RECORDED_EVENTS:
            return {key: value for key, value in found.groupdict().items() if value is not None}
    raise ValueError(f"{name} does not print {text!r}")
