"""The processor that runs the guest over KVM's tables.

With shadow paging it walks KVM's tables with the guest-virtual address.  With
NPT or EPT it walks the guest's tables itself, and each guest-physical address
that this needs through KVM's.  What it could not translate becomes a VM exit.
"""

from dataclasses import dataclass

from ...x86.controls import (
    CR0_PE,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_SMAP,
    CR4_SMEP,
    EFER_LMA,
    EFER_LME,
    EFER_NX,
    Controls,
)
from ...x86.ept import EptMisconfiguration, EptViolation, ept_walk
from ...x86.exceptions import PageFault
from ...x86.mode import PAE
from ...x86.pferr import Pferr
from ...x86.reserved import pae_root
from ...x86.walk import Pdptes, Translation, walk
from ..state.constants import PT64_ROOT_LEVEL
from ..state.vcpu import Vcpu
from ..state.vm import Paging


class VmExit(Exception):
    """The processor could not translate by KVM's tables.

    :param address: gva with shadow paging, else gpa
    :param error_code: as KVM's fault handlers take it; None for an EPT misconfiguration
    """

    def __init__(self, address: int, error_code: int | None) -> None:
        super().__init__(f"exit at {address:#x}")
        self.address = address
        self.error_code = error_code


def hardware_controls(vcpu: Vcpu) -> Controls:
    """Return the registers that the processor really runs with under shadow paging.

    Paging and write protection are always on, whatever the guest asked for.
    """
    guest = vcpu.controls
    kept = guest.cr4 & (CR4_SMEP | CR4_SMAP) if guest.paging else 0
    long_mode = vcpu.mmu.shadow_root_level == PT64_ROOT_LEVEL
    return Controls(
        cr0=CR0_PG | CR0_WP | CR0_PE,
        cr3=vcpu.mmu.root_hpa,
        cr4=CR4_PAE | kept,
        efer=EFER_NX | (EFER_LME | EFER_LMA if long_mode else 0),
        eflags=guest.eflags,
        maxphyaddr=vcpu.kvm.host.maxphyaddr,
    )


def hardware_access(vcpu: Vcpu, gva: int, access: Pferr) -> int:
    """Return the host-physical address that the processor uses for *gva*.

    :param access: bits W, U and F of an error code
    :raises VmExit: KVM's tables do not allow it
    :raises PageFault: with NPT or EPT: the guest's own tables do not allow it
    """
    if vcpu.kvm.tdp_enabled:
        controls = vcpu.controls
        return vcpu.tlb.access(controls, gva, access, lambda a, k: _walk_2d(vcpu, a, Pferr(k)))
    controls = hardware_controls(vcpu)
    return vcpu.tlb.access(controls, gva, access, lambda a, k: _walk_shadow(vcpu, a, Pferr(k)))


def _walk_shadow(vcpu: Vcpu, gva: int, access: Pferr) -> Translation:
    """Walk the shadow tables."""
    try:
        return walk(vcpu.kvm.host.memory, hardware_controls(vcpu), gva, access)
    except PageFault as fault:
        raise VmExit(gva, reported_code(vcpu, fault.error_code)) from None


def reported_code(vcpu: Vcpu, error_code: int) -> int:
    """Return the code as this processor reports it."""
    if error_code & Pferr.RSVD and not vcpu.kvm.host.processor.rsvd_sets_p:
        return error_code & ~Pferr.P
    return error_code


@dataclass(frozen=True)
class NestedMemory:
    """Guest-physical memory as the walk of the guest's tables sees it."""

    vcpu: Vcpu

    def read(self, address: int, size: int) -> int:
        """Return *size* bytes at guest-physical *address*."""
        return self.vcpu.kvm.host.memory.read(self._hpa(address, Pferr(0)), size)

    def write(self, address: int, value: int, size: int) -> None:
        """Store *size* bytes at guest-physical *address*."""
        self.vcpu.kvm.host.memory.write(self._hpa(address, Pferr.W), value, size)

    def _hpa(self, gpa: int, access: Pferr) -> int:
        if self.vcpu.kvm.paging is Paging.NPT:
            access |= Pferr.W
        return _walk_second_level(self.vcpu, gpa, access).physical


def _walk_2d(vcpu: Vcpu, gva: int, access: Pferr) -> Translation:
    """Walk the guest's tables, then the final address through KVM's."""
    pdptes = _npt_pdptes(vcpu, gva) if vcpu.kvm.paging is Paging.NPT else vcpu.mmu.pdptrs
    guest = walk(NestedMemory(vcpu), vcpu.controls, gva, access, pdptes)
    nested = _walk_second_level(vcpu, guest.physical, access)
    size = min(guest.page_size, nested.page_size)
    return guest._replace(
        physical=nested.physical,
        page_size=size,
        rw=guest.rw and nested.rw,
        xd=guest.xd or nested.xd,
        # CR0.WP may override the guest's R/W, never KVM's: a write must come back here.
        dirty=guest.dirty and nested.dirty and nested.rw,
    )


def _npt_pdptes(vcpu: Vcpu, gva: int) -> Pdptes | None:
    """Return the PDPTE that a walk of a PAE guest needs, in its place.

    With EPT the PDPTEs are registers, loaded with CR3; with NPT each walk reads
    the one that it needs, as any other entry.
    """
    if vcpu.mmu.guest_mode is not PAE:
        return None
    index = PAE.index(gva, 3)
    pdptes = [0, 0, 0, 0]
    pdptes[index] = NestedMemory(vcpu).read(pae_root(vcpu.controls.cr3) + 8 * index, 8)
    return pdptes[0], pdptes[1], pdptes[2], pdptes[3]


def _walk_second_level(vcpu: Vcpu, gpa: int, access: Pferr) -> Translation:
    """Walk KVM's tables for *gpa*.

    :raises VmExit: they do not allow it
    """
    kvm = vcpu.kvm
    if kvm.paging is Paging.NPT:
        controls = hardware_controls(vcpu).with_(cr4=CR4_PAE)
        try:
            return walk(kvm.host.memory, controls, gpa, access | Pferr.U)
        except PageFault as fault:
            raise VmExit(gpa, reported_code(vcpu, fault.error_code)) from None
    ad_bits = kvm.paging is Paging.EPT
    try:
        return ept_walk(
            kvm.host.memory,
            vcpu.mmu.root_hpa,
            gpa,
            access,
            maxphyaddr=kvm.host.maxphyaddr,
            ad_bits=ad_bits,
        )
    except EptViolation as violation:
        raise VmExit(gpa, _ept_error_code(violation)) from None
    except EptMisconfiguration:
        raise VmExit(gpa, None) from None


def _ept_error_code(violation: EptViolation) -> int:
    """Return the error code that KVM makes of an EPT violation: P and W only."""
    return (Pferr.P if violation.readable else 0) | violation.access & Pferr.W
