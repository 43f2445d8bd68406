"""``union kvm_mmu_page_role``: the second half of a shadow page's hash key."""

from dataclasses import dataclass, replace
from enum import IntFlag
from typing import Any

from ...epochs import RoleLayout


class Acc(IntFlag):
    """Guest access rights (``ACC_*``): W and U sit where a guest entry has them."""

    EXEC = 1
    WRITE = 2
    USER = 4
    ALL = 7


@dataclass(frozen=True)
class Role:
    """What a shadow page was built for; two pages of one gfn may differ in it.

    ``nxe`` is called ``nx`` and then ``efer_nx`` by later kernels.
    """

    level: int = 0
    cr4_pae: bool = False
    quadrant: int = 0
    direct: bool = False
    access: int = 0
    invalid: bool = False
    nxe: bool = False
    cr0_wp: bool = False
    smep_andnot_wp: bool = False
    smap_andnot_wp: bool = False
    ad_disabled: bool = False

    @property
    def gpte_is_8_bytes(self) -> bool:
        """What ``cr4_pae`` is called in v5.10."""
        return self.cr4_pae

    @property
    def has_4_byte_gpte(self) -> bool:
        """What v6.1 has instead of ``cr4_pae``: its opposite."""
        return not self.cr4_pae

    def word(self, layout: RoleLayout) -> int:
        """Return the 32-bit role word under *layout*."""
        return sum(int(getattr(self, name)) << low for name, (low, _) in layout.items())

    def with_(self, **changes: Any) -> "Role":
        """Return a copy with some fields changed."""
        return replace(self, **changes)
