"""Properties of the processor that KVM cannot choose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Processor:
    """How one processor does what the architecture leaves open.

    :param rsvd_sets_p: a reserved bit reports P as well; QEMU 7.2 does not
    :param tlb_survives_exit: translations outlive a VM exit; QEMU's processor
        has no ASIDs, so there every exit empties the TLB
    :param decode_assists: the exit hands over the instruction's bytes, so that
        the emulator need not fetch them through the guest's tables
    :param next_rip: the exit says where the next instruction begins; a processor
        with SVM but without NRIPS does not
    :param xchg_reads_first: XCHG loads before it stores, so that it can fault
        twice; QEMU 7.2 does that when it emulates one processor only
    """

    rsvd_sets_p: bool = True
    tlb_survives_exit: bool = True
    decode_assists: bool = False
    next_rip: bool = True
    xchg_reads_first: bool = False
