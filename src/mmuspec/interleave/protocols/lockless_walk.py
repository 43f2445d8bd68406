"""Walks without mmu_lock, and entries to the guest, against a flush (mmu.c, kvm_main.c; v3.11).

That a CPU takes no interrupts is a ghost: whoever waits for an interrupt to be answered waits
for it, and nobody else can tell.
"""

from typing import Any

from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    cmpxchg,
    cpu,
    fetch_or,
    ghost,
    inline,
    note,
    protocol,
    record,
    smp_mb,
    wait_until,
    word32,
    xchg,
)
from mmuspec.interleave.protocols.vcpu_mode import EXITING, IN_GUEST, OUTSIDE, READING


def new_vcpu() -> Any:
    """Declare what a vCPU and those who ask something of it share."""
    return record(mode=word32(OUTSIDE), requests=word32(), irqs_off=ghost())


@inline
def walk_shadow_page_lockless_begin(vcpu: Any) -> None:
    """Announce a walk, before the first spte is loaded."""
    note(vcpu.irqs_off, 1)  # LW1: local_irq_disable()
    WRITE_ONCE(vcpu.mode, READING)  # LW2
    smp_mb()  # LW3


@inline
def walk_shadow_page_lockless_end(vcpu: Any) -> None:
    """Take back the announcement, after the last use of what the walk found."""
    smp_mb()  # LW5
    WRITE_ONCE(vcpu.mode, OUTSIDE)  # LW6
    note(vcpu.irqs_off, 0)  # LW7: local_irq_enable()


@inline
def kvm_flush_remote_tlbs(vcpus: Any, locked: Any) -> None:
    """Ask something of all vCPUs; wait for those that are in the guest, or reading.

    :param locked: as on x86, whether the request and the change of mode are locked operations
    """
    ipi = 0
    for number in range(len(vcpus)):
        if locked:
            fetch_or(vcpus[number].requests, 1)  # RC3a: set_bit()
            smp_mb()  # RC3b
            mode = cmpxchg(vcpus[number].mode, IN_GUEST, EXITING)  # RC3c
        else:
            WRITE_ONCE(vcpus[number].requests, 1)  # RC3a
            smp_mb()  # RC3b
            mode = READ_ONCE(vcpus[number].mode)  # RC3c
        ipi |= (mode != OUTSIDE) << number
    for number in range(len(vcpus)):
        if ipi >> number & 1:  # RC3d
            wait_until(not vcpus[number].irqs_off)  # RC3e: the interrupt is answered


@protocol
def lockless_walk(walkers: int = 1, locked: bool = True) -> None:
    """vCPUs follow an spte to a shadow page, while the page is zapped and freed.

    :param walkers: how many vCPUs
    :param locked: as on x86, whether the request and the change of mode are locked operations
    """
    vcpus = [new_vcpu() for _ in range(walkers)]
    spte = word32(1)
    page = word32()
    freed = ghost()

    @cpu(walkers)
    def walker(number: int) -> None:
        walk_shadow_page_lockless_begin(vcpus[number])
        link = READ_ONCE(spte)  # LW4a
        if link:
            _entry = READ_ONCE(page)  # LW4b: an entry of the page that it leads to
            assert not freed, "LW-1: a walk without the lock reads a page that has been freed"
        walk_shadow_page_lockless_end(vcpus[number])

    @cpu
    def reclaimer() -> None:
        WRITE_ONCE(spte, 0)  # RC1: kvm_mmu_prepare_zap_page()
        smp_mb()  # RC2: kvm_mmu_commit_zap_page()
        kvm_flush_remote_tlbs(vcpus, locked)
        note(freed, 1)  # RC4


@protocol
def guest_entry(locked: bool = True) -> None:
    """A vCPU enters the guest with an old translation in its TLB, while a flush is requested.

    :param locked: as on x86, whether the request and the change of mode are locked operations
    """
    vcpus = [new_vcpu()]
    memory = word32()
    tlb_is_old = ghost(1)
    flushed = ghost()

    @cpu
    def vcpu() -> None:
        while True:
            if READ_ONCE(vcpus[0].requests):  # GE1: kvm_check_request()
                xchg(vcpus[0].requests, 0)  # GE2
                note(tlb_is_old, 0)
            WRITE_ONCE(vcpus[0].mode, IN_GUEST)  # GE3
            smp_mb()  # GE4
            note(vcpus[0].irqs_off, 1)
            mode = READ_ONCE(vcpus[0].mode)  # GE5
            requests = READ_ONCE(vcpus[0].requests)  # GE6
            if mode != EXITING and not requests:  # GE7
                break
            WRITE_ONCE(vcpus[0].mode, OUTSIDE)  # GE8
            note(vcpus[0].irqs_off, 0)
        _data = READ_ONCE(memory)  # GE9: the guest runs
        assert not (flushed and tlb_is_old), "LW-4: a guest runs on a TLB that had to be flushed"
        WRITE_ONCE(vcpus[0].mode, OUTSIDE)
        note(vcpus[0].irqs_off, 0)

    @cpu
    def requester() -> None:
        kvm_flush_remote_tlbs(vcpus, locked)
        note(flushed, 1)
