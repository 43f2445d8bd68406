"""Events about shadow pages, with the fields that every one of them records."""

from typing import TypedDict

from ...events import GetPage, PrepareZapPage, SyncPage, UnsyncPage
from ..state.page import ShadowPage
from ..state.vm import Kvm


class PageFields(TypedDict):
    """``KVM_MMU_PAGE_FIELDS`` of arch/x86/kvm/mmutrace.h."""

    mmu_valid_gen: int
    gfn: int
    role: int
    root_count: int
    unsync: bool


def page_fields(kvm: Kvm, sp: ShadowPage) -> PageFields:
    """Return what an event about *sp* records."""
    return PageFields(
        mmu_valid_gen=sp.mmu_valid_gen,
        gfn=sp.gfn,
        role=sp.role.word(kvm.epoch.role_layout),
        root_count=sp.root_count,
        unsync=sp.unsync,
    )


def trace_get_page(kvm: Kvm, sp: ShadowPage, *, created: bool) -> None:
    """Report a lookup."""
    kvm.trace(GetPage(**page_fields(kvm, sp), created=created))


def trace_sync_page(kvm: Kvm, sp: ShadowPage) -> None:
    """Report that *sp* is about to be marked synchronized."""
    kvm.trace(SyncPage(**page_fields(kvm, sp)))


def trace_unsync_page(kvm: Kvm, sp: ShadowPage) -> None:
    """Report that *sp* is about to be marked unsync."""
    kvm.trace(UnsyncPage(**page_fields(kvm, sp)))


def trace_prepare_zap_page(kvm: Kvm, sp: ShadowPage) -> None:
    """Report that *sp* is about to be zapped."""
    kvm.trace(PrepareZapPage(**page_fields(kvm, sp)))
