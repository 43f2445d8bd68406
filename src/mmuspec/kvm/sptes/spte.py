"""What an spte says: masks per paging kind, software bits, predicates.

Source: arch/x86/kvm/mmu.c, kvm_mmu_set_mask_ptes() and the is_*_pte()
predicates; vmx.c for the EPT masks (v3.11).
"""

from dataclasses import dataclass

from ...epochs import Epoch
from ...x86.entry import PAGE_SHIFT, PS, RW, US, XD, A, D, Field, P
from ..state.address import PT64_BASE_ADDR_MASK
from .mmio_mask import mmio_masks

PT_PRESENT_MASK = P
PT_WRITABLE_MASK = RW
PT_USER_MASK = US
PT_ACCESSED_MASK = A
PT_DIRTY_MASK = D
PT_PAGE_SIZE_MASK = PS
PT64_NX_MASK = XD
VMX_EPT_EXECUTABLE_MASK = 1 << 2
VMX_EPT_IPAT_BIT = 1 << 6
VMX_EPT_ACCESS_BIT = 1 << 8
VMX_EPT_DIRTY_BIT = 1 << 9
VMX_EPT_MT_EPTE_SHIFT = 3
VMX_EPT_MT_WB = 6


@dataclass(frozen=True)
class SpteMasks:
    """The ``shadow_*_mask`` variables and the bits that an epoch gives to software.

    A mask is 0 where the paging kind has no such bit.

    :param mmio_mask: bits that tell an MMIO spte
    :param mmio_value: what those bits hold in one
    """

    user: int
    accessed: int
    dirty: int
    nx: int
    x: int
    mmio_mask: int
    mmio_value: int
    host_writeable: int
    mmu_writeable: int
    mmu_present: int
    memory_type: int = 0

    @property
    def lockless(self) -> int:
        """Both software bits that allow the fast path to set W."""
        return self.host_writeable | self.mmu_writeable

    def is_mmio_spte(self, spte: int) -> bool:
        """Whether *spte* describes a gpa without a memory slot."""
        return spte & self.mmio_mask == self.mmio_value != 0

    def is_shadow_present_pte(self, spte: int) -> bool:
        """Whether *spte* maps or links something."""
        return bool(spte & self.mmu_present) and not self.is_mmio_spte(spte)

    def spte_is_locklessly_modifiable(self, spte: int) -> bool:
        """Whether the fast path may set W in *spte* (W itself is not asked)."""
        return spte & self.lockless == self.lockless

    def spte_has_volatile_bits(self, spte: int) -> bool:
        """Whether someone without mmu_lock may change *spte* right now.

        Such an spte must be updated with an atomic exchange, and what the
        exchange returned must be believed instead of an earlier read.
        """
        if self.spte_is_locklessly_modifiable(spte):
            return True
        if not self.accessed or not self.is_shadow_present_pte(spte):
            return False
        settled = spte & self.accessed and (not is_writable_pte(spte) or spte & self.dirty)
        return not settled


def is_writable_pte(spte: int) -> bool:
    """Whether W is set."""
    return bool(spte & PT_WRITABLE_MASK)


def is_large_pte(spte: int) -> bool:
    """Whether bit 7 makes a leaf of an spte above level 1."""
    return bool(spte & PT_PAGE_SIZE_MASK)


def is_last_spte(spte: int, level: int) -> bool:
    """Whether the walk of the shadow tables ends at *spte*."""
    return level == 1 or is_large_pte(spte)


def spte_to_pfn(spte: int) -> int:
    """Return the frame number in bits 12-51."""
    return (spte & PT64_BASE_ADDR_MASK) >> PAGE_SHIFT


def legacy_masks(epoch: Epoch, *, maxphyaddr: int, host_is_64bit: bool = True) -> SpteMasks:
    """Return the masks of shadow paging and of NPT.

    :param maxphyaddr: the host's MAXPHYADDR, in bits
    """
    mask, value = mmio_masks(epoch, maxphyaddr=maxphyaddr, host_is_64bit=host_is_64bit)
    return SpteMasks(
        user=PT_USER_MASK,
        accessed=PT_ACCESSED_MASK,
        dirty=PT_DIRTY_MASK,
        nx=PT64_NX_MASK,
        x=0,
        mmio_mask=mask,
        mmio_value=value,
        host_writeable=1 << epoch.host_writeable_bit,
        mmu_writeable=1 << epoch.mmu_writeable_bit,
        mmu_present=1 << epoch.present_bit,
    )


def ept_masks(epoch: Epoch, *, ad_bits: bool) -> SpteMasks:
    """Return the masks of EPT, with or without accessed and dirty bits."""
    mask, value = mmio_masks(epoch, ept=True)
    return SpteMasks(
        user=0,
        accessed=VMX_EPT_ACCESS_BIT if ad_bits else 0,
        dirty=VMX_EPT_DIRTY_BIT if ad_bits else 0,
        nx=0,
        x=VMX_EPT_EXECUTABLE_MASK,
        mmio_mask=mask,
        mmio_value=value,
        host_writeable=1 << epoch.host_writeable_bit,
        mmu_writeable=1 << epoch.mmu_writeable_bit,
        mmu_present=1 << epoch.present_bit,
        memory_type=VMX_EPT_MT_WB << VMX_EPT_MT_EPTE_SHIFT | VMX_EPT_IPAT_BIT,
    )


def leaf_fields(masks: SpteMasks) -> list[Field]:
    """Return the layout of a present leaf spte at level 1, lowest bit first."""
    named = {
        masks.user: ("U", "user accesses allowed"),
        masks.accessed: ("A", "accessed, set by the processor"),
        masks.dirty: ("D", "dirty, set by the processor"),
        masks.nx: ("NX", "no instruction fetch"),
        masks.x: ("X", "instruction fetch allowed"),
        masks.host_writeable: ("H", "SPTE_HOST_WRITEABLE: the host page is writable"),
        masks.mmu_writeable: ("M", "SPTE_MMU_WRITEABLE: no shadow page forbids writing"),
        PT_PRESENT_MASK: ("P", "present"),
        PT_WRITABLE_MASK: ("W", "writable now"),
    }
    if masks.mmu_present != PT_PRESENT_MASK:
        named[masks.mmu_present] = ("MP", "SPTE_MMU_PRESENT: the entry is in use")
    single = [
        Field(name, mask.bit_length() - 1, mask.bit_length() - 1, meaning)
        for mask, (name, meaning) in named.items()
        if mask
    ]
    pfn = Field("pfn", 12, 51, "host page frame number")
    return sorted([*single, pfn], key=lambda field: field.low)
