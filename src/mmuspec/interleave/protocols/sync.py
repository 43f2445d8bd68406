"""Unsynchronized tables: write protection, flush and sync in order (mmu.c; v3.11 and v4.19)."""

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    at_end,
    cpu,
    ghost,
    lock,
    note,
    protocol,
    record,
    smp_mb,
    smp_wmb,
    word32,
)
from mmuspec.interleave.protocols.vcpu_mode import (
    IN_GUEST,
    OUTSIDE,
    leave_guest,
    make_request,
    requested,
)

OLD, NEW = 1, 2
"""Two values of a guest page-table entry, and of its shadow."""


@protocol
def sync_children(flush_first: bool = True) -> None:
    """One vCPU syncs a shadow page while another writes the guest table that it shadows.

    :param flush_first: whether the flush comes before the entries are read
    """
    mmu_lock = word32()
    gpte = word32(OLD)
    spte = word32(OLD)
    unsync = word32(1)
    writable = word32(1)
    other = record(mode=word32(OUTSIDE), requests=word32())
    tlb = ghost(1)

    @cpu
    def syncer() -> None:
        with lock(mmu_lock):  # Y0
            WRITE_ONCE(writable, 0)  # Y1: rmap_write_protect
            if flush_first:
                make_request(other)  # Y2: kvm_flush_remote_tlbs
            WRITE_ONCE(unsync, 0)  # Y3: kvm_unlink_unsync_page
            WRITE_ONCE(spte, READ_ONCE(gpte))  # Y4: sync_page
            if not flush_first:
                make_request(other)

    @cpu
    def writer() -> None:
        WRITE_ONCE(other.mode, IN_GUEST)  # V1
        smp_mb()  # V2
        if requested(other):  # V3
            note(tlb, 0)
        if tlb:  # V3a
            WRITE_ONCE(gpte, NEW)  # V4: through an old translation
            leave_guest(other)
        else:
            leave_guest(other)  # V5: no translation: a walk, or a fault
            with lock(mmu_lock):  # V6
                WRITE_ONCE(unsync, 1)  # V7: kvm_unsync_page
                WRITE_ONCE(writable, 1)  # V8: set_spte
            WRITE_ONCE(gpte, NEW)  # V9

    at_end(unsync or spte == gpte, "SYNC-1: a page counts as in sync, but its guest table changed")


@protocol
def sync_roots() -> None:
    """One vCPU makes a table writable; another writes it and syncs without the lock (v4.19)."""
    mmu_lock = word32()
    gpte = word32(OLD)
    spte = word32(OLD)
    unsync = word32(0)
    writable = word32(0)

    @cpu
    def fault() -> None:
        with lock(mmu_lock):  # U0
            WRITE_ONCE(unsync, 1)  # U1: kvm_unsync_page
            smp_wmb()  # U2
            WRITE_ONCE(writable, 1)  # U3: set_spte

    @cpu
    def guest() -> None:
        if READ_ONCE(writable):  # W1: the walk of the hardware
            WRITE_ONCE(gpte, NEW)  # W2: no fault
            if READ_ONCE(unsync):  # W3: kvm_mmu_sync_roots, without mmu_lock
                with lock(mmu_lock):  # W3a
                    WRITE_ONCE(unsync, 0)  # W3b
                    WRITE_ONCE(spte, READ_ONCE(gpte))  # W4
            used = READ_ONCE(spte)
            assert used == NEW, "SYNC-2: a vCPU uses a translation older than its own flush"
