"""Translating for the emulator (``FNAME(gva_to_gpa)``, ``nonpaging_gva_to_gpa``, v3.11)."""

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ..state.vcpu import Vcpu
from .walk_addr import walk_addr


def paging_gva_to_gpa(vcpu: Vcpu, gva: int, access: int) -> int:
    """Return the guest-physical address of *gva*.

    :param access: bits W, U and F of an error code
    :raises WalkFailed: the guest's tables do not allow it
    """
    return walk_addr(vcpu, gva, access).gfn << PAGE_SHIFT | gva & PAGE_MASK


def nonpaging_gva_to_gpa(vcpu: Vcpu, gva: int, access: int) -> int:
    """Return *gva*: paging is off."""
    return gva
