"""The contents of an MMIO spte: gfn, access, and the memslot generation.

Source: generation_mmio_spte_mask(), get_mmio_spte_generation(),
get_mmio_spte_gfn(), get_mmio_spte_access() (v3.11).
"""

from collections.abc import Iterator

from ...epochs import Epoch, GenerationLayout
from ...x86.entry import ADDRESS_BITS, ADDRESS_MASK, PAGE_MASK, PAGE_SHIFT, Field, P, bits
from ..state.role import Acc
from .mmio_mask import EPT_MISCONFIGURED


def generation_mmio_spte_mask(layout: GenerationLayout, gen: int) -> int:
    """Return the spte bits that store generation *gen*."""
    stored = gen >> layout.dropped
    low = stored & bits(0, layout.low_count - 1)
    high = stored >> layout.low_count & bits(0, layout.high_count - 1)
    return low << layout.low_shift | high << layout.high_shift


def get_mmio_spte_generation(layout: GenerationLayout, spte: int) -> int:
    """Return the generation stored in *spte*."""
    low = spte >> layout.low_shift & bits(0, layout.low_count - 1)
    high = spte >> layout.high_shift & bits(0, layout.high_count - 1)
    return (high << layout.low_count | low) << layout.dropped


def generation_mask(layout: GenerationLayout) -> int:
    """Return every spte bit that stores generation bits."""
    return generation_mmio_spte_mask(layout, bits(0, layout.bits - 1) if layout.bits else 0)


class MmioSpteFormat:
    """Encode and decode MMIO sptes under one epoch's layout and one set of fixed bits.

    :param fixed: bits that every MMIO spte has
    """

    def __init__(self, epoch: Epoch, fixed: int) -> None:
        self.layout = epoch.generation
        self.fixed = fixed

    def encode(self, gfn: int, access: int, gen: int) -> int:
        """Return the spte for *gfn*; of *access* only WRITE and USER are kept."""
        access = int(access & (Acc.WRITE | Acc.USER))
        return generation_mmio_spte_mask(self.layout, gen) | self.fixed | access | gfn << PAGE_SHIFT

    def gfn(self, spte: int) -> int:
        """Return the guest frame in *spte* (``get_mmio_spte_gfn``)."""
        return self._payload(spte) >> PAGE_SHIFT

    def access(self, spte: int) -> int:
        """Return the access in *spte*; always 0 with EPT (``get_mmio_spte_access``)."""
        return self._payload(spte) & PAGE_MASK

    def generation(self, spte: int) -> int:
        """Return the generation in *spte*."""
        return get_mmio_spte_generation(self.layout, spte)

    def fields(self) -> list[Field]:
        """Return the layout for a figure, lowest bit first."""
        layout, address = self.layout, self.fixed & ADDRESS_MASK
        first_fixed = (address & -address).bit_length() - 1 if address else ADDRESS_BITS
        low = [
            (f"{self.fixed & P}", 0, 0, "part of the MMIO mask"),
            ("W", 1, 1, "the guest mapping allows writes"),
            ("U", 2, 2, "the guest mapping allows user accesses"),
        ]
        if self.fixed & EPT_MISCONFIGURED == EPT_MISCONFIGURED:
            low = [(f"{self.fixed & 7:03b}", 0, 2, "writable and executable but not readable")]
        runs = [
            *low,
            ("gen low", layout.low_shift, layout.low_shift + layout.low_count - 1, "generation"),
            ("gfn", 12, first_fixed - 1, "guest frame number"),
            *_ones(first_fixed, ADDRESS_BITS - 1, "reserved physical-address bits"),
            (
                "gen high",
                layout.high_shift,
                layout.high_shift + layout.high_count - 1,
                "generation",
            ),
            *_fixed_above_the_address(self.fixed),
        ]
        return [Field(*run) for run in runs if run[1] <= run[2]]

    def _payload(self, spte: int) -> int:
        return spte & ~(self.fixed | generation_mask(self.layout))


def _ones(low: int, high: int, meaning: str) -> Iterator[tuple[str, int, int, str]]:
    """Yield a run of bits that are always set, named by its bits if they are few."""
    width = high - low + 1
    if width > 0:
        yield ("1" * width if width < 4 else "ones", low, high, meaning)


def _fixed_above_the_address(fixed: int) -> Iterator[tuple[str, int, int, str]]:
    """Yield the runs of *fixed* bits above the physical address."""
    low = ADDRESS_BITS
    while rest := fixed >> low:
        low += (rest & -rest).bit_length() - 1
        width = (~(fixed >> low) & (fixed >> low) + 1).bit_length() - 1
        yield from _ones(low, low + width - 1, "part of the MMIO mask")
        low += width
