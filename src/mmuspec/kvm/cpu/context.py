"""Choosing how a vCPU's addresses are translated.

Source: init_kvm_mmu(), init_kvm_tdp_mmu(), init_kvm_softmmu(),
kvm_init_shadow_mmu(), kvm_mmu_reset_context() (v3.11).
"""

from ...x86.controls import Controls
from ...x86.entry import PAGE_SHIFT
from ...x86.mode import LONG4, NO_PAGING, PAE, mode_of
from ..faults.direct import nonpaging_page_fault, tdp_page_fault
from ..faults.paging import paging_page_fault
from ..guest.gva_to_gpa import nonpaging_gva_to_gpa, paging_gva_to_gpa
from ..guest.memory import kvm_read_guest
from ..guest.permissions import update_last_pte_bitmap, update_permission_bitmask
from ..pages.previous_roots import kvm_mmu_unload
from ..state.constants import PT32E_ROOT_LEVEL, PT64_ROOT_LEVEL
from ..state.mmu import Mmu
from ..state.role import Role
from ..state.vcpu import Vcpu
from ..state.vm import Kvm, Paging
from ..sync.invlpg import nonpaging_invlpg, paging_invlpg
from ..sync.pte_write import nonpaging_update_pte, paging_update_pte
from ..sync.sync_page import nonpaging_sync_page, paging_sync_page


def init_kvm_mmu(vcpu: Vcpu) -> None:
    """Set the context up for the vCPU's control registers."""
    mmu, mode = vcpu.mmu, mode_of(vcpu.controls)
    mmu.guest_mode = mode
    mmu.root_level = mode.levels
    mmu.nx = vcpu.controls.nxe and (mode in (PAE, LONG4) or _nx_without_pae(vcpu))
    mmu.permissions = update_permission_bitmask(vcpu.controls, smap=vcpu.kvm.epoch.knows_smap)
    mmu.last_pte_bitmap = update_last_pte_bitmap(vcpu.controls, mode)
    mmu.gva_to_gpa = nonpaging_gva_to_gpa if mode is NO_PAGING else paging_gva_to_gpa
    if not mmu.pae_root:
        mmu.pae_root, _ = vcpu.kvm.host.alloc_table()
    if vcpu.kvm.tdp_enabled:
        _init_tdp(vcpu)
    elif mode is NO_PAGING:
        _init_nonpaging(vcpu)
    else:
        _init_paging(vcpu)
    if mode is PAE:
        load_pdptrs(vcpu)


def _nx_without_pae(vcpu: Vcpu) -> bool:
    """Whether NX counts as on where entries have no room for it."""
    return vcpu.kvm.epoch.nx_without_pae and vcpu.controls.paging


def _direct(mmu: Mmu) -> None:
    """Fill in what every direct context does."""
    mmu.direct_map = True
    mmu.sync_page = nonpaging_sync_page
    mmu.invlpg = nonpaging_invlpg
    mmu.update_pte = nonpaging_update_pte


def _init_tdp(vcpu: Vcpu) -> None:
    """The processor walks the guest's tables; KVM maps guest-physical addresses."""
    mmu = vcpu.mmu
    _direct(mmu)
    mmu.page_fault = tdp_page_fault
    mmu.base_role = tdp_base_role(vcpu)
    mmu.shadow_root_level = get_tdp_level(vcpu.kvm)


def get_tdp_level(kvm: Kvm) -> int:
    """Return the levels of KVM's tables: NPT uses the host's own format, EPT has one of 4."""
    small = kvm.paging is Paging.NPT and kvm.host.word_bits == 32
    return PT32E_ROOT_LEVEL if small else PT64_ROOT_LEVEL


def _init_nonpaging(vcpu: Vcpu) -> None:
    """The guest has paging off: guest-virtual is guest-physical."""
    mmu = vcpu.mmu
    _direct(mmu)
    mmu.page_fault = nonpaging_page_fault
    mmu.base_role = shadow_base_role(vcpu)
    mmu.shadow_root_level = PT32E_ROOT_LEVEL


def _init_paging(vcpu: Vcpu) -> None:
    """KVM shadows the guest's tables."""
    mmu = vcpu.mmu
    mmu.direct_map = False
    mmu.page_fault = paging_page_fault
    mmu.sync_page = paging_sync_page
    mmu.invlpg = paging_invlpg
    mmu.update_pte = paging_update_pte
    mmu.base_role = shadow_base_role(vcpu)
    mmu.shadow_root_level = PT64_ROOT_LEVEL if mmu.guest_mode is LONG4 else PT32E_ROOT_LEVEL


def tdp_base_role(vcpu: Vcpu) -> Role:
    """Return what every page has in its role under NPT or EPT: nothing in v3.11."""
    epoch, controls = vcpu.kvm.epoch, vcpu.controls
    if epoch.tdp_role_is_constant:
        return Role(nxe=True, cr0_wp=True, cr4_pae=True)
    if epoch.tdp_role_follows_guest:
        return Role(nxe=controls.nxe, cr0_wp=controls.wp, cr4_pae=True)
    return Role()


def shadow_base_role(vcpu: Vcpu) -> Role:
    """Return what every shadow page of this context has in its role.

    A table shadowed under other values of these bits must not be reused.
    """
    controls, epoch = vcpu.controls, vcpu.kvm.epoch
    if not controls.paging and epoch.nonpaging_role_is_bare:
        return Role(nxe=epoch.role_forces_nx, cr4_pae=True)
    return Role(
        nxe=(controls.nxe and controls.paging) or epoch.role_forces_nx,
        cr4_pae=controls.pae,
        cr0_wp=controls.wp,
        smep_andnot_wp=controls.smep and not controls.wp,
        smap_andnot_wp=epoch.knows_smap and controls.smap and not controls.wp,
    )


def kvm_mmu_reset_context(vcpu: Vcpu) -> None:
    """Drop the roots and set the context up again."""
    kvm_mmu_unload(vcpu)
    init_kvm_mmu(vcpu)


def load_pdptrs(vcpu: Vcpu) -> None:
    """Load the four PDPTEs that CR3 points at (``load_pdptrs()``)."""
    base = vcpu.controls.cr3 & ~0x1F & 0xFFFF_FFFF
    if vcpu.kvm.memslots.visible(base >> PAGE_SHIFT):
        first, second, third, fourth = (kvm_read_guest(vcpu.kvm, base + 8 * i, 8) for i in range(4))
        vcpu.mmu.pdptrs = (first, second, third, fourth)


def set_controls(vcpu: Vcpu, controls: Controls) -> None:
    """Give the vCPU all of its registers at once (``KVM_SET_SREGS``)."""
    vcpu.controls = controls
    kvm_mmu_reset_context(vcpu)
