"""Defects of the era, each with a name and a switch.

A defect that an epoch has is reproduced; naming it in ``repaired`` when a VM
is made shows the behaviour after the fix.
"""

from typing import Final, NamedTuple


class Defect(NamedTuple):
    """A named defect: what it is and the first version read that lacks it.

    :param modelled: whether the model reproduces it; if not, it needs nested guests
    """

    what: str
    repaired_in: str | None
    modelled: bool = True


DEFECTS: Final = {
    "BUG-1": Defect("pte_list_add() counts 3 too few when it adds a descriptor", "v5.10"),
    "BUG-2": Defect(
        "update_accessed_dirty_bits() keeps the updated gpte one index too high", "2017"
    ),
    "BUG-3": Defect("guest tables in a read-only slot cannot be walked", "v3.14"),
    "BUG-4": Defect("every indirect shadow page gets the rights above the leaf", "v5.15"),
    "BUG-5": Defect("direct prefetch forgets the last run of its window", "v6.1"),
    "BUG-6": Defect("a direct map does not drop a large spte on its way down", "v3.14"),
    "BUG-7": Defect("the vCPU's mmio_gfn is never cleared nor generation-checked", "v3.19"),
    "BUG-8": Defect("reserved bits are judged by the fault's context", "v3.14", modelled=False),
    "BUG-9": Defect("an MMIO spte of the old slots may carry the new generation", "v3.19"),
    "BUG-10": Defect("sync renews an MMIO spte though a slot holds its gfn now", None),
    "BUG-11": Defect("a write protection after a sync misses what other TLBs still have", "v5.15"),
    "QUIRK-1": Defect("a fast page fault that lost its exchange reports success", "v4.19"),
    "QUIRK-2": Defect("the largepages counter drifts", "v5.15"),
    "QUIRK-3": Defect("pf_fixed counts fetches that gave up", "v5.10"),
    "QUIRK-4": Defect("recycling may zap a root in use", "v5.10"),
    "QUIRK-5": Defect("recycling a reverse map removes the entry just added", None),
    "QUIRK-6": Defect("change_pte leaves SPTE_MMU_WRITEABLE set", "v6.1"),
    "QUIRK-7": Defect("the batch count is reset only by a real yield", None),
    "QUIRK-8": Defect("kvm_set_pte_rmapp() flushes by itself and reports nothing", "v5.10"),
}
"""Every defect that the model knows."""
