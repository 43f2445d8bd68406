"""Coming back to an earlier CR3 without a lookup.

Since v4.19 a vCPU keeps the last few roots, pinned, each with the CR3 and the
role it was made for.  v3.11 keeps none: there a root that nobody holds stays
hashed, and the lookup finds it.

Source: kvm_mmu_new_pgd(), fast_pgd_switch(),
cached_root_find_and_keep_current(), kvm_mmu_free_obsolete_roots() (v6.1).
"""

from ..faults.mmio_cache import vcpu_clear_mmio_info
from ..state.constants import INVALID_PAGE, MMIO_GVA_ANY, PT64_ROOT_LEVEL
from ..state.page import ShadowPage
from ..state.requests import Request
from ..state.role import Acc
from ..state.vcpu import Vcpu
from .lookup import page_role
from .roots import mmu_free_roots, unpin_roots
from .zap import is_obsolete_sp


def kvm_mmu_new_pgd(vcpu: Vcpu, pgd: int) -> None:
    """Change to the root for CR3 = *pgd*, if it is still at hand; else drop the current one."""
    if not _switch(vcpu, pgd):
        return
    vcpu.make_request(Request.MMU_SYNC)
    vcpu.make_request(Request.TLB_FLUSH)
    vcpu_clear_mmio_info(vcpu, MMIO_GVA_ANY)
    vcpu.kvm.page_header(vcpu.mmu.root_hpa).write_flooding_count = 0


def _switch(vcpu: Vcpu, pgd: int) -> bool:
    """Make the kept root for *pgd* the current one; PAE roots are never kept."""
    mmu, keep = vcpu.mmu, vcpu.kvm.epoch.previous_roots
    if mmu.shadow_root_level != PT64_ROOT_LEVEL:
        mmu_free_roots(vcpu)
        return False
    roots = [(mmu.root_pgd, mmu.root_hpa), *mmu.prev_roots]
    usable = next((root for root in roots if _is_root_usable(vcpu, root, pgd)), None)
    if usable:
        roots.remove(usable)
    mmu.root_pgd, mmu.root_hpa = usable or (pgd, INVALID_PAGE)
    kept = [root for root in roots if root[1] != INVALID_PAGE]
    mmu.prev_roots = kept[:keep]
    unpin_roots(vcpu.kvm, [vcpu.kvm.page_header(hpa) for _, hpa in kept[keep:]])
    return usable is not None


def _is_root_usable(vcpu: Vcpu, root: tuple[int, int], pgd: int) -> bool:
    """Whether *root* was made for this CR3 and this role, and has not been zapped."""
    if root[1] == INVALID_PAGE or root[0] != pgd:
        return False
    role = page_role(vcpu, 0, PT64_ROOT_LEVEL, direct=vcpu.mmu.direct_map, access=Acc.ALL)
    return vcpu.kvm.page_header(root[1]).role == role


def free_previous_roots(vcpu: Vcpu) -> None:
    """Let go of every root that is only kept."""
    kept = [vcpu.kvm.page_header(hpa) for _, hpa in vcpu.mmu.prev_roots]
    vcpu.mmu.prev_roots.clear()
    unpin_roots(vcpu.kvm, kept)


def kvm_mmu_unload(vcpu: Vcpu) -> None:
    """Drop the roots, kept ones too; the next entry builds new ones."""
    free_previous_roots(vcpu)
    mmu_free_roots(vcpu)


def kvm_mmu_sync_prev_roots(vcpu: Vcpu) -> None:
    """Let go of the kept roots that would need synchronizing."""
    kvm, mmu = vcpu.kvm, vcpu.mmu
    old = [root for root in mmu.prev_roots if _is_unsync(kvm.page_header(root[1]))]
    mmu.prev_roots = [root for root in mmu.prev_roots if root not in old]
    unpin_roots(kvm, [kvm.page_header(hpa) for _, hpa in old])


def _is_unsync(root: ShadowPage) -> bool:
    return root.unsync or bool(root.unsync_children)


def kvm_mmu_free_obsolete_roots(vcpu: Vcpu) -> None:
    """Let go of the roots that a zap of everything has made obsolete."""
    kvm, mmu = vcpu.kvm, vcpu.mmu
    old = [root for root in mmu.prev_roots if _is_obsolete(vcpu, kvm.page_header(root[1]))]
    mmu.prev_roots = [root for root in mmu.prev_roots if root not in old]
    unpin_roots(kvm, [kvm.page_header(hpa) for _, hpa in old])
    if mmu.root_hpa != INVALID_PAGE and _obsolete_root(vcpu):
        mmu_free_roots(vcpu)


def _obsolete_root(vcpu: Vcpu) -> bool:
    """Whether the current root is obsolete; a PAE root always counts as such."""
    if vcpu.mmu.shadow_root_level != PT64_ROOT_LEVEL:
        return True
    return _is_obsolete(vcpu, vcpu.kvm.page_header(vcpu.mmu.root_hpa))


def _is_obsolete(vcpu: Vcpu, sp: ShadowPage) -> bool:
    return sp.role.invalid or is_obsolete_sp(vcpu.kvm, sp)
