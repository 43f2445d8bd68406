"""``struct kvm_mmu``: one way of translating for one vCPU."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...x86.mode import NO_PAGING, PagingMode
from ...x86.walk import Pdptes
from .constants import INVALID_PAGE
from .role import Role

if TYPE_CHECKING:
    from .page import ShadowPage
    from .vcpu import Vcpu


def _not_set(*_: Any) -> Any:
    raise AssertionError("init_kvm_mmu() has not run")


@dataclass
class Mmu:
    """The root, the shape of guest and shadow tables, and this context's functions.

    :param root_hpa: host-physical address of the root table, or ``INVALID_PAGE``
    :param root_pgd: CR3 when the root was made
    :param prev_roots: roots kept for coming back: (CR3, root), latest first
    :param root_level: levels of the guest's tables; 0 without paging
    :param shadow_root_level: levels of KVM's tables
    :param pae_root: host-physical address of the four top entries of a 3-level root
    :param permissions: byte *i*: for error code bits 4:1 = *i*, bit *acc* says
        whether an access with that code faults on rights *acc*
    :param last_pte_bitmap: bit ``level - 1 | PS << 2`` says whether a guest entry is a leaf
    """

    root_hpa: int = INVALID_PAGE
    root_pgd: int = 0
    prev_roots: list[tuple[int, int]] = field(default_factory=list)
    root_level: int = 0
    shadow_root_level: int = 0
    base_role: Role = field(default_factory=Role)
    direct_map: bool = False
    guest_mode: PagingMode = NO_PAGING
    permissions: tuple[int, ...] = (0,) * 16
    last_pte_bitmap: int = 0
    nx: bool = False
    pae_root: int = 0
    pdptrs: Pdptes = (0, 0, 0, 0)
    page_fault: Callable[["Vcpu", int, int, bool], int] = _not_set
    sync_page: Callable[["Vcpu", "ShadowPage"], int] = _not_set
    invlpg: Callable[["Vcpu", int, int | None], None] = _not_set
    update_pte: Callable[["Vcpu", "ShadowPage", int, int], None] = _not_set
    gva_to_gpa: Callable[["Vcpu", int, int], int] = _not_set
