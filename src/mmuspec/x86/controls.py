"""The control-register state that decides how a linear address is translated.

Source: SDM volume 3A, "Paging Modes and Control Bits".
"""

from dataclasses import dataclass, replace
from typing import Any, Final

CR0_PE: Final = 1 << 0
CR0_WP: Final = 1 << 16
CR0_NW: Final = 1 << 29
CR0_CD: Final = 1 << 30
CR0_PG: Final = 1 << 31
CR4_PSE: Final = 1 << 4
CR4_PAE: Final = 1 << 5
CR4_PGE: Final = 1 << 7
CR4_PCIDE: Final = 1 << 17
CR4_SMEP: Final = 1 << 20
CR4_SMAP: Final = 1 << 21
EFER_LME: Final = 1 << 8
EFER_LMA: Final = 1 << 10
EFER_NX: Final = 1 << 11
EFLAGS_AC: Final = 1 << 18


@dataclass(frozen=True)
class Controls:
    """CR0, CR3, CR4, EFER, EFLAGS.AC and the physical-address width of one CPU.

    :param maxphyaddr: MAXPHYADDR, in bits (CPUID.80000008H:EAX[7:0])
    """

    cr0: int = CR0_PG | CR0_PE | CR0_WP
    cr3: int = 0
    cr4: int = CR4_PAE
    efer: int = EFER_LME | EFER_LMA | EFER_NX
    eflags: int = 0
    maxphyaddr: int = 40

    @property
    def paging(self) -> bool:
        """Whether CR0.PG is set."""
        return bool(self.cr0 & CR0_PG)

    @property
    def wp(self) -> bool:
        """Whether supervisor writes respect read-only pages (CR0.WP)."""
        return bool(self.cr0 & CR0_WP)

    @property
    def pse(self) -> bool:
        """Whether CR4.PSE allows 4-MByte pages in 32-bit paging."""
        return bool(self.cr4 & CR4_PSE)

    @property
    def pae(self) -> bool:
        """Whether entries are 8 bytes (CR4.PAE)."""
        return bool(self.cr4 & CR4_PAE)

    @property
    def pge(self) -> bool:
        """Whether global pages are enabled (CR4.PGE)."""
        return bool(self.cr4 & CR4_PGE)

    @property
    def smep(self) -> bool:
        """Whether supervisor fetches from user pages fault (CR4.SMEP)."""
        return bool(self.cr4 & CR4_SMEP)

    @property
    def smap(self) -> bool:
        """Whether supervisor data accesses to user pages fault (CR4.SMAP)."""
        return bool(self.cr4 & CR4_SMAP)

    @property
    def ac(self) -> bool:
        """Whether EFLAGS.AC suspends SMAP for explicit accesses."""
        return bool(self.eflags & EFLAGS_AC)

    @property
    def nxe(self) -> bool:
        """Whether bit 63 of an entry means execute-disable (EFER.NXE)."""
        return bool(self.efer & EFER_NX)

    @property
    def long_mode(self) -> bool:
        """Whether 4-level paging is active (EFER.LMA)."""
        return bool(self.efer & EFER_LMA)

    def with_(self, **changes: Any) -> "Controls":
        """Return a copy with some registers changed."""
        return replace(self, **changes)
