"""What is known of the kernel that made a recording: told by the user, or by its formats."""

from dataclasses import dataclass
from functools import cached_property

from ..epochs import GenerationLayout
from ..epochs.versions import V3_11, V5_10, V6_1
from ..x86.entry import bits

_V3_19 = GenerationLayout(
    bits=20, dropped=1, low_count=9, low_shift=3, high_count=10, high_shift=52
)
"""The layout from v3.19 to v4.19, which print what v3.11 prints.

Source: MMIO_SPTE_GEN_LOW_SHIFT and others, arch/x86/kvm/mmu.c (v3.19).
"""

_LAYOUTS = {
    "v3.11": (V3_11.generation, _V3_19),
    "v4.19": (_V3_19,),
    "v5.10": (V5_10.generation, V6_1.generation),
}

_OLD_BITS = 1 << V5_10.host_writeable_bit | 1 << V5_10.mmu_writeable_bit
_NEW_BITS = 1 << V6_1.host_writeable_bit | 1 << V6_1.mmu_writeable_bit
_NEW_EPT_BITS = bits(57, 58)
"""H and M of an EPT spte since v5.15.  Source: EPT_SPTE_HOST_WRITABLE (v6.1)."""

_FLAGS_SINCE_5_15 = 5
"""Characters of ftrace's flags column since it has one for disabled migration."""


@dataclass(frozen=True)
class Kernel:
    """What the formats seen so far, or the user, say of the kernel.

    :param form: the first version that prints a shadow page so; empty while none was seen
    :param since_5_15: whether it is v5.15 or later; None if that cannot be told
    :param exact: the version that the user named, or empty
    :param two_dimensional: the TDP MMU is in use
    :param ept: whether sptes have the EPT layout; None while no leaf spte was seen
    """

    form: str = ""
    since_5_15: bool | None = None
    exact: str = ""
    two_dimensional: bool = False
    ept: bool | None = None

    @property
    def toggles(self) -> bool:
        """Whether the page generation alternates between 0 and 1."""
        return self.form == "v5.10"

    @property
    def before_5(self) -> bool:
        """Whether shadow pages are printed as up to v4.19."""
        return self.form in ("v3.10", "v3.11", "v4.19")

    @cached_property
    def writable_bits(self) -> tuple[int, ...]:
        """Host-writable and MMU-writable together, in each place where they may be."""
        old = () if self.since_5_15 else (_OLD_BITS,)
        new = () if self.since_5_15 is False or self.before_5 else (_NEW_BITS, _NEW_EPT_BITS)
        return old + new

    @cached_property
    def layouts(self) -> tuple[GenerationLayout, ...]:
        """Where the generation may be in an MMIO spte; none fits v3.10."""
        if self.exact in ("v3.11", "v3.10"):
            return (V3_11.generation,)
        if self.since_5_15 is not None:
            return (V6_1.generation if self.since_5_15 else V5_10.generation,)
        return _LAYOUTS.get(self.form) or tuple(
            layout for layouts in _LAYOUTS.values() for layout in layouts
        )


def named(version: str) -> Kernel:
    """Return what is known when the user names a modelled *version*."""
    forms = {"v3.10": "v3.10", "v3.11": "v3.11"}
    modern = {"v5.10": False, "v6.1": True}
    return Kernel(forms.get(version, "v5.10"), modern.get(version), version)


def flags_tell_5_15(flags: str) -> bool:
    """Whether the flags column of ftrace is that of v5.15 or later."""
    return len(flags) == _FLAGS_SINCE_5_15
