"""Judging a guest entry: its rights, and whether it is a leaf.

KVM's walker decides these with small tables that it computes once per
context; the answers are those of the processor.

Source: update_permission_bitmask(), permission_fault(),
update_last_pte_bitmap(), is_last_gpte() (v3.11).
"""

from ...x86.controls import Controls
from ...x86.entry import PS, RW, US, XD, A, D, P
from ...x86.mode import NO_PAGING, PagingMode
from ...x86.pferr import Pferr
from ..state.role import Acc


def update_permission_bitmask(controls: Controls, *, smap: bool = False) -> tuple[int, ...]:
    """Return ``permissions[16]`` for *controls*.

    Byte *i* is for the error code with bits 4:1 = *i*; bit *acc* of it says
    whether that access faults on an entry whose rights are *acc*.

    :param smap: take CR4.SMAP into account, which v3.11 does not know
    """
    smap = smap and controls.smap
    return tuple(
        sum(
            1 << acc
            for acc in range(8)
            if _faults(controls, pferr, acc) or (smap and _smap_faults(pferr, acc))
        )
        for pferr in (Pferr(index << 1) for index in range(16))
    )


def _smap_faults(pferr: Pferr, acc: int) -> bool:
    """Whether SMAP forbids the access; RSVD in *pferr* says that it is exempt."""
    return bool(acc & Acc.USER) and not pferr & (Pferr.U | Pferr.F | Pferr.RSVD)


def _faults(controls: Controls, pferr: Pferr, acc: int) -> bool:
    """Whether an access *pferr* faults on rights *acc*; RSVD changes nothing."""
    user = bool(pferr & Pferr.U)
    executable = bool(acc & Acc.EXEC) or not controls.nxe
    writable = bool(acc & Acc.WRITE) or (not controls.wp and not user)
    if controls.smep and acc & Acc.USER and not user:
        executable = False
    return (
        (bool(pferr & Pferr.F) and not executable)
        or (user and not acc & Acc.USER)
        or (bool(pferr & Pferr.W) and not writable)
    )


def permission_fault(permissions: tuple[int, ...], pte_access: int, pferr: int) -> bool:
    """Whether an access *pferr* faults on rights *pte_access*."""
    return bool(permissions[pferr >> 1 & 15] >> pte_access & 1)


def update_last_pte_bitmap(controls: Controls, mode: PagingMode) -> int:
    """Return ``last_pte_bitmap``: bit ``level - 1 | PS << 2`` is set for a leaf."""
    bitmap = 1 << 0 | 1 << 4
    if mode is NO_PAGING:
        return bitmap
    root = 2 if mode.levels == 3 else mode.levels
    for level in range(2, root + 1):
        if level <= 3 and (mode.levels >= 3 or controls.pse):
            bitmap |= 1 << (4 | level - 1)
    return bitmap


def is_last_gpte(bitmap: int, level: int, gpte: int) -> bool:
    """Whether the guest entry *gpte* maps a page."""
    return bool(bitmap >> (level - 1 | (gpte & PS) >> 5) & 1)


def is_present_gpte(gpte: int) -> bool:
    """Whether P is set."""
    return bool(gpte & P)


def gpte_access(gpte: int) -> int:
    """Return the rights that one guest entry gives."""
    access = gpte & (RW | US) | Acc.EXEC
    return access & ~Acc.EXEC if gpte & XD else access


def protect_clean_gpte(access: int, gpte: int) -> int:
    """Return *access* without WRITE unless the entry is dirty.

    The first write then faults, and the walk for it sets D.
    """
    return access if gpte & D else access & ~Acc.WRITE


def is_accessed_gpte(gpte: int) -> bool:
    """Whether A is set."""
    return bool(gpte & A)
