"""The form of every recorded trace event that the comparison looks at.

A recording holds an event as an object: ``e`` is the trace point, the other
members are the fields with the text that the kernel printed for them.  This
is the one list of those members; the reader checks against it, and
the ``trace`` room prints and parses by it.

Source: the TP_printk formats of arch/x86/kvm/mmu/mmutrace.h (v5.10, v6.1) and
arch/x86/kvm/mmutrace.h (v3.11).
"""

import re
from enum import Enum


class EventForm(Enum):
    """How a field is printed: the pattern it matches, and the words for an error message."""

    HEX = ("[0-9a-f]{1,16}", "hexadecimal digits")
    PREFIXED = ("0|0x[0-9a-f]{1,16}", "0, or 0x and hexadecimal digits")
    DECIMAL = ("-?[0-9]{1,19}", "a decimal number")
    POINTER = (r"\S+", "a kernel pointer")
    PFERR = (r"|[A-Z]+(\|[A-Z]+)*(\|0x[0-9a-f]+)?|0x[0-9a-f]+", 'error-code names such as "P|W"')
    ACCESS = ("[w-][u-][x-]", 'three letters such as "w-x"')
    SPTE_ACCESS = ("[r-][w-][x-][u-]?", 'letters such as "rw-u"')
    ENTRY_SIZE = ("4|8", "4 or 8")
    PAE = ("pae", "the word pae")
    DIRECT = ("direct", "the word direct")
    INVALID = ("invalid", "the word invalid")
    NX = ("!?nxe", "nxe or !nxe")
    AD = ("!?ad", "ad or !ad")
    SYNC = ("sync|unsync", "sync or unsync")
    CREATED = ("new|existing", "new or existing")

    def matches(self, text: str) -> bool:
        """Whether *text* is printed in this form."""
        return re.fullmatch(self.value[0], text, re.ASCII) is not None

    @property
    def meaning(self) -> str:
        """What an error message says was expected."""
        return str(self.value[1])


_F = EventForm

SHADOW_PAGE_FIELDS = {
    "gen": _F.HEX,
    "gfn": _F.HEX,
    "level": _F.DECIMAL,
    "pae": _F.PAE,
    "gpte_bytes": _F.ENTRY_SIZE,
    "quadrant": _F.DECIMAL,
    "direct": _F.DIRECT,
    "access": _F.ACCESS,
    "invalid": _F.INVALID,
    "nx": _F.NX,
    "ad": _F.AD,
    "root_count": _F.DECIMAL,
    "sync": _F.SYNC,
}
"""What is printed of a shadow page, in the kernel's order."""

BY_VERSION = frozenset({"gen", "pae", "gpte_bytes", "ad"})
"""Fields that only some kernel versions print."""

OPTIONAL = BY_VERSION | {"direct", "invalid"}
"""Fields that may be missing: those, and the ones that only some pages have."""

RECORDED_EVENTS: dict[str, dict[str, EventForm]] = {
    "kvm_mmu_pagetable_walk": {"addr": _F.HEX, "pferr": _F.HEX, "flags": _F.PFERR},
    "kvm_mmu_paging_element": {"pte": _F.HEX, "level": _F.DECIMAL},
    "kvm_mmu_set_accessed_bit": {"gpa": _F.HEX},
    "kvm_mmu_set_dirty_bit": {"gpa": _F.HEX},
    "kvm_mmu_walker_error": {"pferr": _F.HEX, "flags": _F.PFERR},
    "kvm_mmu_get_page": {**SHADOW_PAGE_FIELDS, "created": _F.CREATED},
    "kvm_mmu_sync_page": SHADOW_PAGE_FIELDS,
    "kvm_mmu_unsync_page": SHADOW_PAGE_FIELDS,
    "kvm_mmu_prepare_zap_page": SHADOW_PAGE_FIELDS,
    "mark_mmio_spte": {
        "sptep_hash": _F.POINTER,
        "gfn": _F.HEX,
        "access": _F.HEX,
        "gen": _F.HEX,
    },
    "handle_mmio_page_fault": {"addr": _F.HEX, "gfn": _F.HEX, "access": _F.HEX},
    "fast_page_fault": {
        "vcpu": _F.DECIMAL,
        "addr": _F.HEX,
        "error_code": _F.PFERR,
        "sptep_hash": _F.POINTER,
        "old": _F.PREFIXED,
        "new": _F.HEX,
        "spurious": _F.DECIMAL,
        "fixed": _F.DECIMAL,
    },
    "kvm_mmu_invalidate_zap_all_pages": {"valid_gen": _F.HEX, "used_pages": _F.HEX},
    "kvm_mmu_zap_all_fast": {"valid_gen": _F.DECIMAL, "used_pages": _F.HEX},
    "check_mmio_spte": {
        "spte": _F.HEX,
        "kvm_gen": _F.HEX,
        "spte_gen": _F.HEX,
        "valid": _F.DECIMAL,
    },
    "kvm_mmu_set_spte": {
        "gfn": _F.HEX,
        "spte": _F.HEX,
        "rwxu": _F.SPTE_ACCESS,
        "level": _F.DECIMAL,
        "sptep_pa": _F.HEX,
    },
    "kvm_mmu_spte_requested": {"gfn": _F.HEX, "pfn": _F.HEX, "level": _F.DECIMAL},
    "kvm_tdp_mmu_spte_changed": {
        "as_id": _F.DECIMAL,
        "gfn": _F.HEX,
        "level": _F.DECIMAL,
        "old": _F.HEX,
        "new": _F.HEX,
    },
    "kvm_mmu_split_huge_page": {
        "gfn": _F.HEX,
        "spte": _F.HEX,
        "level": _F.DECIMAL,
        "errno": _F.DECIMAL,
    },
}
"""Printed fields of each trace point of the vocabulary, in the kernel's order."""
