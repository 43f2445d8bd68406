"""Counting faults by what became of them.

Source: kvm_mmu_do_page_fault() (v6.1); __direct_map(), FNAME(page_fault) (v3.11, v5.10).
"""

from ..state.vm import Kvm
from .fault_result import Fault


def count_mapped(kvm: Kvm) -> None:
    """Count a fault that the slow path mapped; v6.1 counts by the result instead."""
    if not kvm.epoch.counts_faults_by_result:
        kvm.stats.pf_fixed += 1


def count_fault(kvm: Kvm, result: Fault) -> None:
    """Count a fault by its *result*, in versions that do."""
    if not kvm.epoch.counts_faults_by_result:
        return
    stats = kvm.stats
    stats.pf_taken += 1
    stats.pf_fixed += result is Fault.FIXED
    stats.pf_emulate += result is Fault.EMULATE
    stats.pf_spurious += result is Fault.SPURIOUS
