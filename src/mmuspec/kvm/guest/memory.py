"""Guest-physical memory, as KVM itself reads and writes it.

Source: kvm_read_guest(), kvm_write_guest(), gfn_to_hva() (v3.11).
"""

from ...x86.entry import PAGE_MASK, PAGE_SHIFT
from ..slots.dirty import mark_page_dirty
from ..state.errors import SlotError
from ..state.vm import Kvm


def gpa_to_hpa(kvm: Kvm, gpa: int, *, write: bool = False) -> int:
    """Return the host-physical address behind *gpa*.

    :raises SlotError: no memory slot holds it
    """
    slot = kvm.memslots.visible(gpa >> PAGE_SHIFT)
    if slot is None:
        raise SlotError(f"gpa {gpa:#x} is in no memory slot")
    page = kvm.host.lookup(slot.hva(gpa >> PAGE_SHIFT), write=write)
    return page.pfn << PAGE_SHIFT | gpa & PAGE_MASK


def kvm_read_guest(kvm: Kvm, gpa: int, size: int) -> int:
    """Return *size* bytes at *gpa* as a number.

    :raises SlotError: no memory slot holds it
    """
    return kvm.host.memory.read(gpa_to_hpa(kvm, gpa), size)


def kvm_write_guest(kvm: Kvm, gpa: int, value: int, size: int) -> None:
    """Store *size* bytes at *gpa* and mark the frame dirty.

    :raises SlotError: no memory slot holds it
    """
    kvm.host.memory.write(gpa_to_hpa(kvm, gpa, write=True), value, size)
    mark_page_dirty(kvm, gpa >> PAGE_SHIFT)
