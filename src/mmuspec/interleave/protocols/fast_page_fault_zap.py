"""Fast page fault against those who clear an spte under mmu_lock (mmu.c; v3.11)."""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    at_end,
    cpu,
    ghost,
    note,
    protocol,
    word32,
    word64,
    xchg,
)
from mmuspec.interleave.protocols.fast_page_fault import (
    HM,
    fast_page_fault,
    flush_tlbs,
    guest_write,
    new_vcpu,
)
from mmuspec.x86.entry import RW as W
from mmuspec.x86.entry import A, D, P


@protocol
def lost_dirty_bit(lockless_is_volatile: bool = True) -> None:
    """A vCPU writes a page, while the host takes the page away and saves what was written.

    :param lockless_is_volatile: whether H and M make an spte volatile
    """
    spte = word64(P | A | HM)
    bitmap = word32()
    page = word32()
    guest = new_vcpu()
    saved = ghost()

    @cpu
    def vcpu() -> None:
        while not guest_write(guest, spte, page, 1, True):  # V6
            if not fast_page_fault(spte, bitmap, None):  # V7
                break

    @cpu
    def notifier() -> None:
        old = READ_ONCE(spte)  # TB1: mmu_spte_clear_track_bits()
        has_volatile = not old & A or (old & W and not old & D)
        if has_volatile or (lockless_is_volatile and old & HM == HM):  # TB2
            old = xchg(spte, 0)  # TB3
        else:
            WRITE_ONCE(spte, 0)
        flush_tlbs([guest])
        if old & D:  # TB4: kvm_set_pfn_dirty()
            note(saved, READ_ONCE(page))  # TB5: the host writes the page out

    at_end(saved == page, "FPF-1: the host loses a write")


@protocol
def frame_reuse(direct: bool = True) -> None:
    """A vCPU's fast fault, while the host reuses the frame behind the spte.

    In a direct page the gfn of an spte cannot change, so the frame comes back to it. In an
    indirect page, the guest may have changed its table: the spte maps gfn 1 instead of gfn 0.

    :param direct: whether the spte is in a direct page
    """
    spte = word64(P | HM)
    gfns = word32(0)
    bitmap = word32()
    page = word32()
    guest = new_vcpu()
    maps, written = ghost(0), ghost()

    @cpu
    def vcpu() -> None:
        while True:
            if guest_write(guest, spte, page, 1, False):  # V6
                note(written, 1 << maps)
                break
            if not fast_page_fault(spte, bitmap, None if direct else gfns):  # V7
                break

    @cpu
    def host() -> None:
        old = xchg(spte, 0)  # AB1: the notifier takes the frame back
        flush_tlbs([guest])
        if not direct:
            WRITE_ONCE(gfns, 1)  # AB2: the guest changed its entry, and a fault maps that
            note(maps, 1)
        WRITE_ONCE(spte, old & ~W)  # AB3: the same frame again, not writable yet

    at_end(not written & ~bitmap, "FPF-8: the wrong gfn is logged")
