"""Root pages: making them, holding them, letting go of them.

Source: mmu_alloc_roots(), mmu_alloc_direct_roots(), mmu_alloc_shadow_roots(),
mmu_free_roots(), kvm_mmu_load(), kvm_mmu_unload() (v3.11).
"""

from ...x86.entry import PAGE_SHIFT, P
from ..state.address import PT64_BASE_ADDR_MASK
from ..state.constants import INVALID_PAGE, PT64_ROOT_LEVEL
from ..state.page import ShadowPage
from ..state.requests import Request
from ..state.role import Acc
from ..state.vcpu import Vcpu
from ..state.vm import Kvm
from ..sync.sync_children import mmu_sync_roots, root_pages
from .lookup import kvm_mmu_get_page
from .recycle import make_mmu_pages_available
from .zap import kvm_mmu_commit_zap_page, kvm_mmu_prepare_zap_page

PAE_ROOTS = 4


def kvm_mmu_reload(vcpu: Vcpu) -> bool:
    """Build roots if there are none; return whether the vCPU can enter."""
    return vcpu.mmu.root_hpa != INVALID_PAGE or kvm_mmu_load(vcpu)


def kvm_mmu_load(vcpu: Vcpu) -> bool:
    """Build roots, synchronize what is below them, and flush the vCPU's TLB.

    :returns: False if the guest's root table is not in memory: a triple fault
    """
    if not mmu_alloc_roots(vcpu):
        return False
    with vcpu.kvm.mmu_lock():
        mmu_sync_roots(vcpu)
    vcpu.make_request(Request.TLB_FLUSH)
    return True


def mmu_alloc_roots(vcpu: Vcpu) -> bool:
    """Make the root, or the four PAE roots, of the vCPU's context."""
    if vcpu.mmu.direct_map:
        return _alloc_direct_roots(vcpu)
    return _alloc_shadow_roots(vcpu)


def _alloc_direct_roots(vcpu: Vcpu) -> bool:
    """Make roots that map guest-physical addresses one to one."""
    mmu = vcpu.mmu
    if mmu.shadow_root_level == PT64_ROOT_LEVEL:
        mmu.root_pgd = 0
        sp = _get_root(vcpu, 0, 0, PT64_ROOT_LEVEL, direct=True)
        mmu.root_hpa = sp.hpa
        return True
    for i in range(PAE_ROOTS):
        sp = _get_root(vcpu, i << (30 - PAGE_SHIFT), i << 30, 2, direct=True)
        _set_pae_root(vcpu, i, sp.hpa | P)
    mmu.root_hpa = mmu.pae_root
    return True


def _alloc_shadow_roots(vcpu: Vcpu) -> bool:
    """Make roots that shadow the guest's top table."""
    mmu = vcpu.mmu
    root_gfn = (vcpu.controls.cr3 & PT64_BASE_ADDR_MASK) >> PAGE_SHIFT
    mmu.root_pgd = vcpu.controls.cr3
    if not _visible_root(vcpu, root_gfn):
        return False
    if mmu.root_level == PT64_ROOT_LEVEL:
        mmu.root_hpa = _get_root(vcpu, root_gfn, 0, PT64_ROOT_LEVEL, direct=False).hpa
        return True
    gfns = [_pae_root_gfn(vcpu, i, root_gfn) for i in range(PAE_ROOTS)]
    if not all(gfn is None or _visible_root(vcpu, gfn) for gfn in gfns):
        return False
    for i, gfn in enumerate(gfns):
        if gfn is None:
            _set_pae_root(vcpu, i, 0)
        else:
            _set_pae_root(vcpu, i, _get_root(vcpu, gfn, i << 30, 2, direct=False).hpa | P)
    mmu.root_hpa = mmu.pae_root
    return True


def _pae_root_gfn(vcpu: Vcpu, i: int, root_gfn: int) -> int | None:
    """Return the guest table that PAE root *i* shadows: a quarter of a 2-level
    guest's only top table, or what the PDPTE names."""
    if vcpu.mmu.root_level == 2:
        return root_gfn
    pdpte = vcpu.mmu.pdptrs[i]
    return (pdpte & PT64_BASE_ADDR_MASK) >> PAGE_SHIFT if pdpte & P else None


def _get_root(vcpu: Vcpu, gfn: int, gaddr: int, level: int, *, direct: bool) -> ShadowPage:
    """Look up one root page and pin it."""
    kvm = vcpu.kvm
    with kvm.mmu_lock():
        make_mmu_pages_available(kvm)
        sp = kvm_mmu_get_page(vcpu, gfn, gaddr, level, direct=direct, access=Acc.ALL)
        sp.root_count += 1
    return sp


def _visible_root(vcpu: Vcpu, gfn: int) -> bool:
    """Whether *gfn* is memory; a guest that runs on anything else is shut down."""
    if vcpu.kvm.memslots.visible(gfn):
        return True
    vcpu.make_request(Request.TRIPLE_FAULT)
    return False


def _set_pae_root(vcpu: Vcpu, i: int, entry: int) -> None:
    """Store one of the four top entries, which are not sptes of any shadow page."""
    vcpu.kvm.host.memory.write(vcpu.mmu.pae_root + 8 * i, entry, 8)


def mmu_free_roots(vcpu: Vcpu) -> None:
    """Let go of the roots.

    A root that nobody holds stays hashed, so that coming back to it is cheap;
    one that was zapped meanwhile is freed.
    """
    roots = root_pages(vcpu)
    vcpu.mmu.root_hpa = INVALID_PAGE
    unpin_roots(vcpu.kvm, roots)


def unpin_roots(kvm: Kvm, roots: list[ShadowPage]) -> None:
    """Give up one hold on each of *roots*."""
    if not roots:
        return
    invalid_list: list[ShadowPage] = []
    with kvm.mmu_lock():
        for sp in roots:
            sp.root_count -= 1
            if not sp.root_count and sp.role.invalid:
                kvm_mmu_prepare_zap_page(kvm, sp, invalid_list)
        kvm_mmu_commit_zap_page(kvm, invalid_list)
