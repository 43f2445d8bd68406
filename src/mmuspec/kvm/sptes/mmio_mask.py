"""Which bits make an spte an MMIO spte.

Source: kvm_set_mmio_spte_mask() and ept_set_mmio_spte_mask() (v3.11, v5.10),
kvm_mmu_set_mmio_spte_mask() and its callers (v6.1).
"""

from ...epochs import Epoch, MmioTag
from ...x86.entry import ADDRESS_BITS, P, bits

EPT_MISCONFIGURED = 6
"""Writable and executable but not readable: the processor rejects such an entry."""
_MAGIC = bits(62, 63)
_SPECIAL_TAG = bits(52, 53)
_TOP_RESERVED = 1 << (ADDRESS_BITS - 1)


def mmio_masks(
    epoch: Epoch, *, maxphyaddr: int = 40, host_is_64bit: bool = True, ept: bool = False
) -> tuple[int, int]:
    """Return (mask, value): an spte is an MMIO spte when the masked bits hold the value.

    :param maxphyaddr: the host's MAXPHYADDR, in bits; not used with *ept*
    """
    if epoch.mmio_tag is MmioTag.RESERVED_BITS:
        mask = _reserved_mask(maxphyaddr, host_is_64bit) if not ept else _MAGIC | EPT_MISCONFIGURED
        return mask, mask
    if epoch.mmio_tag is MmioTag.SPECIAL_BITS:
        return _SPECIAL_TAG, _SPECIAL_TAG
    if ept:
        return 7, EPT_MISCONFIGURED
    value = _value(maxphyaddr)
    return value, value


def mmio_fixed_bits(
    epoch: Epoch, *, maxphyaddr: int = 40, host_is_64bit: bool = True, ept: bool = False
) -> int:
    """Return the bits that every new MMIO spte has besides gfn, access and generation."""
    mask, value = mmio_masks(epoch, maxphyaddr=maxphyaddr, host_is_64bit=host_is_64bit, ept=ept)
    if epoch.mmio_tag is MmioTag.SPECIAL_BITS:
        return mask | (EPT_MISCONFIGURED if ept else _value(maxphyaddr))
    return value


def _reserved_mask(maxphyaddr: int, host_is_64bit: bool) -> int:
    """Every reserved address bit, the magic bits, and P unless no fault could be raised."""
    mask = bits(maxphyaddr, ADDRESS_BITS - 1) | _MAGIC | P
    if host_is_64bit and maxphyaddr == ADDRESS_BITS:
        mask &= ~P
    return mask


def _value(maxphyaddr: int) -> int:
    """Bit 51 and P; 0 (no caching) where bit 51 is not reserved."""
    return _TOP_RESERVED | P if maxphyaddr < ADDRESS_BITS else 0
