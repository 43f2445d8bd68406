"""The VM counters: which of the recorded ones the model keeps, and how they are compared.

Source: the ``debugfs_entries`` of arch/x86/kvm/x86.c (v5.10), ``kvm_vm_stats_desc`` and
``kvm_vcpu_stats_desc`` (v6.1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..trace.rows import Difference

SINCE_V3 = {
    name: name
    for name in (
        "pf_fixed",
        "pf_guest",
        "invlpg",
        "mmio_exits",
        "insn_emulation",
        "insn_emulation_fail",
        "mmu_shadow_zapped",
        "mmu_pte_write",
        "mmu_pde_zapped",
        "mmu_flooded",
        "mmu_recycled",
        "mmu_cache_miss",
        "mmu_unsync",
        "remote_tlb_flush",
    )
}
"""Recorded counter -> the model's, for those that every version has under one meaning."""

COMPARED: dict[str, dict[str, str]] = {
    "v3.10": SINCE_V3,
    "v3.11": SINCE_V3,
    "v5.10": {**SINCE_V3, "largepages": "largepages"},
    "v6.1": {
        **SINCE_V3,
        **{
            name: name
            for name in (
                "pf_taken",
                "pf_emulate",
                "pf_spurious",
                "pf_fast",
                "pf_mmio_spte_created",
                "pages_4k",
                "pages_2m",
                "pages_1g",
                "max_mmu_rmap_size",
            )
        },
    },
}
"""Epoch -> recorded counter -> the counter of the model that must have the same value."""

NOT_COMPARED = {
    "tlb_flush": "counts flushes when a vCPU serves the request, after requests were merged; "
    "the model counts what the MMU asks for",
    "remote_tlb_flush_requests": "v6.1 makes one flush of several where the model, which groups "
    "them as v3.11 does, makes each",
    "max_mmu_page_hash_collisions": "depends on the kernel's hash function",
    "nx_lpage_splits": "belongs to the iTLB-multihit workaround, which is not modelled",
    "exits": "every VM exit, those for interrupts of the host included",
    "io_exits": "the port access that ends each step of a recording",
    "irq_exits": "interrupts of the host",
    "host_state_reload": "scheduling of the host",
    "fpu_reload": "scheduling of the host",
    "req_event": "interrupt injection, which is not modelled",
}
"""Recorded counter -> why it is not compared.

Those that are neither here nor in {py:data}`COMPARED` are not about the MMU.
"""


@dataclass
class Counters:
    """Follows the counters of a recording and those of the model.

    A counter that once went astray is reported at that operation, not at all later ones.

    :param epoch: name of the kernel version
    """

    epoch: str
    _recorded: dict[str, int] = field(default_factory=dict)
    _astray: dict[str, int] = field(default_factory=dict)

    def step(self, changed: Mapping[str, int], model: Mapping[str, int]) -> Iterator[Difference]:
        """Yield the counters that newly differ.

        :param changed: recorded counters that changed in this operation, by name
        :param model: all counters of the model after it
        """
        self._recorded.update(changed)
        for name, ours in COMPARED[self.epoch].items():
            expected, recorded = model[ours], self._recorded.get(name, 0)
            astray = recorded - expected
            if astray and astray != self._astray.get(name, 0):
                yield Difference(name, str(expected), str(recorded))
            self._astray[name] = astray
