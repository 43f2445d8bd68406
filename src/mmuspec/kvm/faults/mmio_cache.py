"""The vCPU's one-entry cache of the last MMIO page.

Source: vcpu_cache_mmio_info(), vcpu_clear_mmio_info(), vcpu_match_mmio_gva(),
vcpu_match_mmio_gpa() in arch/x86/kvm/x86.h (v3.11; generation since v3.19).
"""

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ..state.constants import MMIO_GVA_ANY
from ..state.vcpu import Vcpu


def vcpu_cache_mmio_info(vcpu: Vcpu, gva: int, gfn: int, access: int) -> None:
    """Remember that *gva* translates to *gfn*, which no slot backs.

    :param gva: 0 for a direct context, which translates no gva
    """
    vcpu.mmio.mmio_gva = gva & ~PAGE_MASK
    vcpu.mmio.access = access
    vcpu.mmio.mmio_gfn = gfn
    vcpu.mmio.mmio_gen = vcpu.kvm.memslots.generation


def vcpu_clear_mmio_info(vcpu: Vcpu, gva: int) -> None:
    """Forget the gva if it is in the page of *gva*; ``MMIO_GVA_ANY`` forgets any.

    The gfn is kept [BUG-7].
    """
    if gva in (MMIO_GVA_ANY, vcpu.mmio.mmio_gva) or gva & ~PAGE_MASK == vcpu.mmio.mmio_gva:
        vcpu.mmio.mmio_gva = 0
        if not vcpu.kvm.has("BUG-7"):
            vcpu.mmio.mmio_gfn = 0


def _current(vcpu: Vcpu) -> bool:
    """Whether the cache speaks of the slots as they are now."""
    if vcpu.kvm.has("BUG-7"):
        return True
    return vcpu.mmio.mmio_gen == vcpu.kvm.memslots.generation


def vcpu_match_mmio_gva(vcpu: Vcpu, gva: int) -> bool:
    """Whether the cache holds the page of *gva*; page 0 never matches."""
    cached = vcpu.mmio.mmio_gva
    return bool(cached) and cached == gva & ~PAGE_MASK and _current(vcpu)


def vcpu_match_mmio_gpa(vcpu: Vcpu, gpa: int) -> bool:
    """Whether the cache holds the frame of *gpa*; frame 0 never matches."""
    cached = vcpu.mmio.mmio_gfn
    return bool(cached) and cached == gpa >> PAGE_SHIFT and _current(vcpu)
