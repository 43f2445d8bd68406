"""One vCPU: its registers, its MMU, its one-entry MMIO cache, its requests."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...x86.controls import Controls
from ...x86.tlb import Tlb
from .mmu import Mmu
from .requests import Request, VcpuMode

if TYPE_CHECKING:
    from .vm import Kvm


@dataclass
class MmioCache:
    """``vcpu->arch.mmio_gva``, ``.access``, ``.mmio_gfn``; 0 means empty.

    :param mmio_gen: memslot generation at the fill; compared since v3.19
    """

    mmio_gva: int = 0
    access: int = 0
    mmio_gfn: int = 0
    mmio_gen: int = 0


@dataclass(frozen=True)
class PageFaultException:
    """The #PF waiting to be delivered to the guest."""

    error_code: int
    cr2: int


@dataclass(eq=False)
class Vcpu:
    """``struct kvm_vcpu``, as far as the MMU uses it."""

    kvm: "Kvm"
    vcpu_id: int
    controls: Controls = field(default_factory=Controls)
    mmu: Mmu = field(default_factory=Mmu)
    mmio: MmioCache = field(default_factory=MmioCache)
    mode: VcpuMode = VcpuMode.OUTSIDE_GUEST_MODE
    requests: set[Request] = field(default_factory=set)
    write_fault_to_shadow_pgtable: bool = False
    exception: PageFaultException | None = None
    cr2: int = 0
    fault_gpa: int | None = None
    last_retry: tuple[int | None, int] = (None, 0)
    tlb: Tlb = field(default_factory=Tlb)

    def make_request(self, request: Request) -> None:
        """Ask the vCPU for *request* before its next entry (``kvm_make_request``)."""
        self.requests.add(request)

    def check_request(self, request: Request) -> bool:
        """Take *request* if it was made (``kvm_check_request``)."""
        made = request in self.requests
        self.requests.discard(request)
        return made
