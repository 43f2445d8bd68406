"""The event vocabulary: KVM's ``kvmmmu`` trace points.

Every witness (the model, the fast path, a recording of a real kernel) speaks
in these events.  A class is named after its trace point and its fields after
those of the trace point's record; the text that a kernel version prints is made in
the ``trace`` room.

Source: arch/x86/kvm/mmutrace.h (v3.11, v5.10, v6.1).
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Any event.  ``name`` is the trace point's name."""

    name: ClassVar[str] = ""

    def values(self) -> dict[str, Any]:
        """Return the fields by name, in the order of the record."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        """Return the name and the fields, numbers in hexadecimal."""
        shown = (f"{name}={_shown(value)}" for name, value in self.values().items())
        return " ".join([self.name, *shown])


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, bool) else f"{value:#x}"


VOCABULARY: dict[str, type[Event]] = {}
"""Event class by trace point name."""


def trace_point(name: str) -> Any:
    """Register the decorated class as the event of trace point *name*."""

    def register(cls: type[Event]) -> type[Event]:
        cls.name = name
        VOCABULARY[name] = cls
        return cls

    return register


@dataclass(frozen=True)
class ShadowPageEvent(Event):
    """What every event about a shadow page records of it."""

    mmu_valid_gen: int
    gfn: int
    role: int
    root_count: int
    unsync: bool


@trace_point("kvm_mmu_pagetable_walk")
@dataclass(frozen=True)
class PagetableWalk(Event):
    """A walk of the guest's tables begins."""

    addr: int
    pferr: int


@trace_point("kvm_mmu_paging_element")
@dataclass(frozen=True)
class PagingElement(Event):
    """The walk has read one guest entry."""

    pte: int
    level: int


@trace_point("kvm_mmu_set_accessed_bit")
@dataclass(frozen=True)
class SetAccessedBit(Event):
    """The walk is about to set A in the guest entry at *gpa*."""

    gpa: int


@trace_point("kvm_mmu_set_dirty_bit")
@dataclass(frozen=True)
class SetDirtyBit(Event):
    """The walk is about to set D in the guest entry at *gpa*."""

    gpa: int


@trace_point("kvm_mmu_walker_error")
@dataclass(frozen=True)
class WalkerError(Event):
    """The walk failed; *pferr* is the error code for the guest."""

    pferr: int


@trace_point("kvm_mmu_get_page")
@dataclass(frozen=True)
class GetPage(ShadowPageEvent):
    """A shadow page was looked up: found, or created."""

    created: bool


@trace_point("kvm_mmu_sync_page")
@dataclass(frozen=True)
class SyncPage(ShadowPageEvent):
    """An unsync page is about to be marked synchronized."""


@trace_point("kvm_mmu_unsync_page")
@dataclass(frozen=True)
class UnsyncPage(ShadowPageEvent):
    """A page is about to be marked unsync."""


@trace_point("kvm_mmu_prepare_zap_page")
@dataclass(frozen=True)
class PrepareZapPage(ShadowPageEvent):
    """A shadow page is about to be zapped."""


@trace_point("mark_mmio_spte")
@dataclass(frozen=True)
class MarkMmioSpte(Event):
    """An MMIO spte is being written."""

    sptep: int
    gfn: int
    access: int
    gen: int


@trace_point("handle_mmio_page_fault")
@dataclass(frozen=True)
class HandleMmioPageFault(Event):
    """An MMIO spte answered a fault."""

    addr: int
    gfn: int
    access: int


@trace_point("fast_page_fault")
@dataclass(frozen=True)
class FastPageFault(Event):
    """A fault was tried without ``mmu_lock``."""

    vcpu_id: int
    gva: int
    error_code: int
    sptep: int
    old_spte: int
    new_spte: int
    spurious: bool
    fixed: bool


@trace_point("kvm_mmu_invalidate_zap_all_pages")
@dataclass(frozen=True)
class InvalidateZapAllPages(Event):
    """Zap-all begins; *mmu_valid_gen* is the generation that ends."""

    mmu_valid_gen: int
    mmu_used_pages: int


@trace_point("kvm_mmu_zap_all_fast")
@dataclass(frozen=True)
class ZapAllFast(InvalidateZapAllPages):
    """The same, under the name that it has since v5.10."""


@trace_point("check_mmio_spte")
@dataclass(frozen=True)
class CheckMmioSpte(Event):
    """The generation in an MMIO spte was compared with the current one."""

    kvm_gen: int
    spte_gen: int
    spte: int

    @property
    def valid(self) -> bool:
        """Whether the generations agree."""
        return self.kvm_gen == self.spte_gen


@trace_point("kvm_mmu_set_spte")
@dataclass(frozen=True)
class SetSpte(Event):
    """A leaf spte was changed (since v5.10); *sptep* is a physical address."""

    gfn: int
    spte: int
    level: int
    sptep: int


@trace_point("kvm_mmu_spte_requested")
@dataclass(frozen=True)
class SpteRequested(Event):
    """A fault decided what it will map, and how large (since v5.10)."""

    gfn: int
    pfn: int
    level: int


@trace_point("kvm_tdp_mmu_spte_changed")
@dataclass(frozen=True)
class TdpMmuSpteChanged(Event):
    """An spte of the TDP MMU was changed (since v5.15)."""

    as_id: int
    gfn: int
    level: int
    old_spte: int
    new_spte: int


@trace_point("kvm_mmu_split_huge_page")
@dataclass(frozen=True)
class SplitHugePage(Event):
    """A large spte is being split when dirty logging starts (since v6.1)."""

    gfn: int
    spte: int
    level: int
    errno: int
