"""Compare one printed field of two events, chosen addresses one to one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..scenario.slots import Slots
from .address_map import AddressMap, Match
from .allowance import Allowance
from .printed import Printed

PAGE_SHIFT = 12
SPTE_ADDRESS = (1 << 52) - (1 << PAGE_SHIFT)
"""The bits of an spte that hold an address."""
LARGE = 1 << 7
"""The bit that makes an spte above level 1 a leaf."""

SPTEP_FIELDS = frozenset({"sptep_hash", "sptep_pa"})
SPTE_FIELDS = frozenset(
    {
        ("kvm_mmu_set_spte", "spte"),
        ("kvm_mmu_split_huge_page", "spte"),
        ("fast_page_fault", "old"),
        ("fast_page_fault", "new"),
        ("kvm_tdp_mmu_spte_changed", "old"),
        ("kvm_tdp_mmu_spte_changed", "new"),
    }
)
"""Trace point and field whose value is an spte that maps a frame or a table.

That of ``check_mmio_spte`` is not here: an MMIO spte holds no chosen address.
"""

Verdict = tuple[bool, frozenset[Allowance]]
"""Whether two values agree, and what was allowed for it."""

SAME: Verdict = (True, frozenset())
DIFFERENT: Verdict = (False, frozenset())


@dataclass
class FieldMatcher:
    """Compares fields of a whole scenario, remembering which addresses go together.

    :param slots: the memory slots as they are at the operation being compared
    """

    slots: Slots
    _pointers: AddressMap = field(default_factory=AddressMap)
    _tables: AddressMap = field(default_factory=AddressMap)
    _frames: AddressMap = field(default_factory=AddressMap)

    def release_tables(self) -> None:
        """Note that a shadow page was zapped: its table may come back as another's."""
        self._pointers.release()
        self._tables.release()

    def release_frames(self) -> None:
        """Note that guest memory changed: a frame may come back behind another page."""
        self._frames.release()

    def match(self, name: str, key: str, model: Printed, other: Printed) -> Verdict:
        """Compare field *key* of two events of trace point *name*."""
        ours, theirs = model[key], other[key]
        if key in SPTEP_FIELDS:
            return self._sptep(key, ours, theirs)
        if key == "pfn":
            return _chosen(self._frames, int(ours, 16), int(theirs, 16), Allowance.FRAME)
        if (name, key) in SPTE_FIELDS:
            return self._spte(other, int(ours, 16), int(theirs, 16))
        return SAME if ours == theirs else DIFFERENT

    def _sptep(self, key: str, ours: str, theirs: str) -> Verdict:
        """Compare addresses of sptes: the table is chosen, the place in it is not."""
        if not all(set(text) <= set("0123456789abcdef") for text in (ours, theirs)):
            return SAME if ours == theirs else DIFFERENT
        model, recorded = int(ours, 16), int(theirs, 16)
        if (model ^ recorded) & ((1 << PAGE_SHIFT) - 1):
            return DIFFERENT
        pages = self._tables if key == "sptep_pa" else self._pointers
        return _chosen(pages, model >> PAGE_SHIFT, recorded >> PAGE_SHIFT, Allowance.SPTE_ADDRESS)

    def _spte(self, event: Mapping[str, str], model: int, recorded: int) -> Verdict:
        """Compare sptes: all bits but a chosen address must be equal."""
        if model == recorded == 0 or (model ^ recorded) & ~SPTE_ADDRESS:
            return SAME if model == recorded else DIFFERENT
        ours, theirs = ((spte & SPTE_ADDRESS) >> PAGE_SHIFT for spte in (model, recorded))
        if int(event.get("level", "1")) > 1 and not recorded & LARGE:
            return _chosen(self._tables, ours, theirs, Allowance.SPTE_ADDRESS)
        if self.slots.hold(_gfn(event) << PAGE_SHIFT):
            return _chosen(self._frames, ours, theirs, Allowance.FRAME)
        return SAME if model == recorded else DIFFERENT


def _gfn(event: Mapping[str, str]) -> int:
    """Return the gfn that an event is about; ``fast_page_fault`` prints an address."""
    return int(event["gfn"], 16) if "gfn" in event else int(event["addr"], 16) >> PAGE_SHIFT


def _chosen(pages: AddressMap, model: int, recorded: int, allowance: Allowance) -> Verdict:
    match pages.match(model, recorded):
        case Match.CONFLICT:
            return DIFFERENT
        case Match.REUSED:
            return True, frozenset({allowance, Allowance.REUSED})
    return True, frozenset() if model == recorded else frozenset({allowance})
