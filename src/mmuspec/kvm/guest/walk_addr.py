"""KVM's own walk of the guest's tables.

It differs from the processor's in a few ways: A and D are set only once the
whole walk has succeeded, by compare-exchange; the PDPTEs are those loaded
with CR3; and a table must lie in a slot that KVM may write [BUG-3].

Source: FNAME(walk_addr_generic), FNAME(update_accessed_dirty_bits) (v3.11).
"""

from dataclasses import dataclass, field

from ...events import PagetableWalk, PagingElement, SetAccessedBit, SetDirtyBit, WalkerError
from ...x86.entry import ADDRESS_MASK, PAGE_SHIFT, A, D, bits
from ...x86.mode import LEGACY32, PAE, PagingMode
from ...x86.pferr import Pferr
from ..slots.dirty import mark_page_dirty
from ..state.role import Acc
from ..state.vcpu import PageFaultException, Vcpu
from ..state.vm import Kvm
from .memory import gpa_to_hpa
from .permissions import (
    gpte_access,
    is_last_gpte,
    is_present_gpte,
    permission_fault,
    protect_clean_gpte,
)
from .reserved_bits import is_rsvd_bits_set


@dataclass
class GuestWalker:
    """``struct guest_walker``: what a walk found.  Arrays are indexed by level.

    :param level: level of the leaf
    :param max_level: level of the first table read from memory
    :param pt_access: rights given by the entries above the one of that level
    :param pte_access: rights given by the whole walk
    """

    level: int = 0
    max_level: int = 0
    table_gfn: dict[int, int] = field(default_factory=dict)
    ptes: dict[int, int] = field(default_factory=dict)
    pte_gpa: dict[int, int] = field(default_factory=dict)
    pt_access: dict[int, int] = field(default_factory=dict)
    pte_access: int = Acc.ALL
    gfn: int = 0

    def access_for_child(self, level: int, *, shared: bool) -> int:
        """Return the rights for the page below the entry of *level*.

        :param shared: every page gets the rights above the leaf [BUG-4]
        """
        return self.pt_access[self.level if shared else level - 1]


class WalkFailed(Exception):
    """The guest's tables do not allow the access; the fault is for the guest."""

    def __init__(self, fault: PageFaultException) -> None:
        super().__init__(f"page fault {fault.error_code:#x} at {fault.cr2:#x}")
        self.fault = fault


class _Error(Exception):
    """One step of the walk failed with these error-code bits."""

    def __init__(self, bits_set: Pferr) -> None:
        self.bits_set = bits_set


def walk_addr(vcpu: Vcpu, addr: int, access: int) -> GuestWalker:
    """Walk the guest's tables for *addr* and set the accessed and dirty bits.

    :param access: what the access is: bits W, U and F of an error code
    :raises WalkFailed: with the error code that the guest must see
    """
    wanted = Pferr(access)
    vcpu.kvm.trace(PagetableWalk(addr=addr, pferr=access))
    try:
        while True:
            walker = _descend(vcpu, addr)
            if permission_fault(vcpu.mmu.permissions, walker.pte_access, access):
                raise _Error(Pferr.P)
            _finish(vcpu, walker, addr, write=bool(wanted & Pferr.W))
            if update_accessed_dirty_bits(vcpu, walker, write=bool(wanted & Pferr.W)):
                return walker
    except _Error as error:
        raise WalkFailed(_fault(vcpu, addr, wanted, error.bits_set)) from None


def _fault(vcpu: Vcpu, addr: int, wanted: Pferr, found: Pferr) -> PageFaultException:
    """Build the guest's fault; F is reported only where fetches are distinguished."""
    code = found | wanted & (Pferr.W | Pferr.U)
    if wanted & Pferr.F and (vcpu.mmu.nx or vcpu.controls.smep):
        code |= Pferr.F
    vcpu.kvm.trace(WalkerError(pferr=int(code)))
    return PageFaultException(error_code=int(code), cr2=addr)


def _descend(vcpu: Vcpu, addr: int) -> GuestWalker:
    """Read one entry a level until a leaf; check presence and reserved bits."""
    mmu, mode = vcpu.mmu, vcpu.mmu.guest_mode
    walker = GuestWalker(level=mode.levels)
    entry = vcpu.controls.cr3
    if mode is PAE:
        entry = _pdpte(vcpu, addr)
        walker.level -= 1
    walker.max_level = walker.level
    while True:
        walker.pt_access[walker.level] = walker.pte_access
        entry = _read_gpte(vcpu, walker, addr, _table_gfn(mode, entry))
        vcpu.kvm.trace(PagingElement(pte=entry, level=walker.level))
        if not is_present_gpte(entry):
            raise _Error(Pferr(0))
        pdpe_bit_8 = vcpu.kvm.epoch.pdpe_reserves_bit_8
        if is_rsvd_bits_set(vcpu.controls, mode, entry, walker.level, pdpe_bit_8=pdpe_bit_8):
            raise _Error(Pferr.RSVD | Pferr.P)
        walker.ptes[walker.level] = entry
        walker.pte_access &= gpte_access(entry)
        if is_last_gpte(mmu.last_pte_bitmap, walker.level, entry):
            return walker
        walker.level -= 1


def _pdpte(vcpu: Vcpu, addr: int) -> int:
    """Return the loaded PDPTE for *addr*."""
    entry = vcpu.mmu.pdptrs[addr >> 30 & 3]
    vcpu.kvm.trace(PagingElement(pte=entry, level=3))
    if not is_present_gpte(entry):
        raise _Error(Pferr(0))
    return entry


def _table_gfn(mode: PagingMode, entry: int) -> int:
    """Return the frame of the table that *entry* (or CR3) points at."""
    mask = bits(12, 31) if mode is LEGACY32 else ADDRESS_MASK
    return (entry & mask) >> PAGE_SHIFT


def _read_gpte(vcpu: Vcpu, walker: GuestWalker, addr: int, table_gfn: int) -> int:
    """Read the entry for *addr* in the table in *table_gfn*."""
    kvm, mode = vcpu.kvm, vcpu.mmu.guest_mode
    gpa = (table_gfn << PAGE_SHIFT) + mode.index(addr, walker.level) * mode.entry_size
    slot = kvm.memslots.visible(table_gfn)
    if slot is None or (slot.read_only and kvm.has("BUG-3")):
        raise _Error(Pferr(0))
    walker.table_gfn[walker.level] = table_gfn
    walker.pte_gpa[walker.level] = gpa
    return kvm.host.memory.read(gpa_to_hpa(kvm, gpa), mode.entry_size)


def _finish(vcpu: Vcpu, walker: GuestWalker, addr: int, *, write: bool) -> None:
    """Compute the frame; a clean leaf that is not being written grants no write."""
    leaf = walker.ptes[walker.level]
    walker.gfn = gpte_to_gfn(vcpu.mmu.guest_mode, leaf, walker.level, addr)
    if not write:
        walker.pte_access = protect_clean_gpte(walker.pte_access, leaf)


def gpte_to_gfn(mode: PagingMode, gpte: int, level: int, addr: int = 0) -> int:
    """Return the frame that leaf *gpte* maps *addr* to.

    A 4 MiB entry holds four more physical-address bits in bits 13-16 (PSE-36).
    """
    offset = mode.page_size(level) - 1
    mask = bits(12, 31) if mode is LEGACY32 else ADDRESS_MASK
    gfn = (gpte & mask & ~offset | addr & offset) >> PAGE_SHIFT
    if mode is LEGACY32 and level == 2:
        gfn += (gpte & bits(13, 16)) >> 13 << (32 - PAGE_SHIFT)
    return gfn


def update_accessed_dirty_bits(vcpu: Vcpu, walker: GuestWalker, *, write: bool) -> bool:
    """Set A in every entry walked and, for a write, D in the leaf.

    An entry in a read-only slot stays as it is (v3.14; before, no walk gets there [BUG-3]).

    :returns: False if an entry changed under the walk, which starts again
    """
    for level in range(walker.max_level, walker.level - 1, -1):
        dirty = write and level == walker.level
        old = walker.ptes[level]
        new = old | A | (D if dirty else 0)
        if new == old or _read_only(vcpu.kvm, walker.table_gfn[level]):
            continue
        _trace_new_bits(vcpu.kvm, walker.pte_gpa[level], old, dirty=dirty)
        if not _compare_exchange(vcpu, walker.pte_gpa[level], old, new):
            return False
        mark_page_dirty(vcpu.kvm, walker.table_gfn[level])
        walker.ptes[level + 1 if vcpu.kvm.has("BUG-2") else level] = new
    return True


def _read_only(kvm: Kvm, gfn: int) -> bool:
    """Whether *gfn* lies in a read-only slot."""
    slot = kvm.memslots.visible(gfn)
    return slot is not None and slot.read_only


def _trace_new_bits(kvm: Kvm, gpa: int, old: int, *, dirty: bool) -> None:
    """Report the bits about to be set in the entry at *gpa*."""
    if not old & A:
        kvm.trace(SetAccessedBit(gpa=gpa))
    if dirty and not old & D:
        kvm.trace(SetDirtyBit(gpa=gpa))


def _compare_exchange(vcpu: Vcpu, gpa: int, old: int, new: int) -> bool:
    """Replace *old* by *new* in the guest's entry, if it is still *old*."""
    kvm, size = vcpu.kvm, vcpu.mmu.guest_mode.entry_size
    hpa = gpa_to_hpa(kvm, gpa, write=True)
    if kvm.host.memory.read(hpa, size) != old:
        return False
    kvm.host.memory.write(hpa, new, size)
    return True
