"""From the roots of the vCPUs down to the leaves, adding up what the guest's entries allow."""

from collections.abc import Iterator
from typing import NamedTuple

from ..kvm.pages.zap import is_obsolete_sp
from ..kvm.sptes.spte import is_last_spte
from ..kvm.state.constants import PT64_ROOT_LEVEL, PT_PAGE_TABLE_LEVEL
from ..kvm.state.page import ShadowPage
from ..kvm.state.role import Acc
from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Kvm
from ..kvm.sync.sync_children import root_pages
from ..x86.entry import PAGE_MASK, PAGE_SHIFT, RW, US, XD, A, D, P
from .snapshot import Entry, Snapshot, host_page


class Reached(NamedTuple):
    """A leaf, one address that it translates, and what the guest allows there.

    :param gva: an address of the guest that leads to the leaf
    :param access: rights that every guest entry on the way gives
    """

    leaf: Entry
    gva: int
    access: int


def guest_entry(kvm: Kvm, sp: ShadowPage, index: int) -> int:
    """Return the guest's entry behind spte *index* of an indirect page; 0 if nothing is there."""
    if sp.role.cr4_pae:
        number, size = index, 8
    elif sp.role.level == PT_PAGE_TABLE_LEVEL:
        number, size = sp.role.quadrant * 512 + index, 4
    else:
        number, size = sp.role.quadrant * 256 + index // 2, 4
    gpa, pte = (sp.gfn << PAGE_SHIFT) + number * size, host_page(kvm, sp.gfn)
    return kvm.host.memory.read(pte.pfn << PAGE_SHIFT | gpa & PAGE_MASK, size) if pte else 0


def reachable_leaves(at: Snapshot) -> Iterator[Reached]:
    """Yield the leaves below the roots of shadow-paging vCPUs; unsync pages are left out.

    A leaf that several paths lead to is yielded once for each.
    """
    for vcpu in at.kvm.vcpus:
        if vcpu.mmu.direct_map:
            continue
        for gva, sp in roots(vcpu):
            if not sp.role.invalid and not is_obsolete_sp(at.kvm, sp):
                yield from _below(at, sp, gva, Acc.ALL)


def roots(vcpu: Vcpu) -> Iterator[tuple[int, ShadowPage]]:
    """Yield (first address, page) of the root, or of each PAE root that is there."""
    found = root_pages(vcpu)
    if vcpu.mmu.shadow_root_level == PT64_ROOT_LEVEL:
        yield from ((0, sp) for sp in found)
        return
    kvm, mmu = vcpu.kvm, vcpu.mmu
    present = [i for i in range(4) if found and kvm.spte_at(mmu.root_hpa + 8 * i)]
    yield from ((i << 30, sp) for i, sp in zip(present, found, strict=True))


def _below(at: Snapshot, sp: ShadowPage, gva: int, access: int) -> Iterator[Reached]:
    """Yield the leaves of *sp* and of the pages that it links."""
    if sp.unsync:
        return
    for entry in at.present_of[sp]:
        here = gva + (entry.place << PAGE_SHIFT + 9 * (sp.role.level - 1))
        child = None if is_last_spte(entry.spte, sp.role.level) else at.child(entry)
        allowed = access if sp.role.direct else _allowed(at.kvm, entry, access, child)
        if child:
            yield from _below(at, child, here, allowed)
        else:
            yield Reached(entry, here, allowed)


def _allowed(kvm: Kvm, entry: Entry, access: int, child: ShadowPage | None) -> int:
    """Return *access* cut down by the guest's entry.

    An entry that was not accessed gives nothing, a clean leaf entry no write:
    the processor would first have to set A or D.
    """
    gpte = guest_entry(kvm, entry.sp, entry.place)
    if gpte & (P | A) != P | A:
        return 0
    given = (Acc.WRITE if gpte & RW else 0) | (Acc.USER if gpte & US else 0)
    given |= 0 if gpte & XD else Acc.EXEC
    is_leaf = child is None or child.role.direct
    if is_leaf and not gpte & D:
        given &= ~Acc.WRITE
    return access & given
