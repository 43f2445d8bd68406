"""``struct kvm``: one virtual machine and all of its shadow state."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum

from ...epochs import Epoch, current
from ...events import Event
from ...x86.controls import Controls
from ...x86.entry import PAGE_SHIFT
from ..rmaps.pte_list import PteListDescCache
from ..slots.memslot import MemSlots
from ..sptes.mmio_mask import mmio_fixed_bits
from ..sptes.mmio_spte import MmioSpteFormat
from ..sptes.spte import SpteMasks, ept_masks, legacy_masks
from .defects import DEFECTS
from .errors import ModelError
from .host import Host
from .lock import MmuLock
from .observer import Observer
from .page import ShadowPage
from .stats import Stats
from .vcpu import Vcpu


class Paging(Enum):
    """How the processor translates guest addresses."""

    SHADOW = "shadow"
    """KVM's tables translate guest-virtual addresses."""
    NPT = "npt"
    """AMD's second level: KVM's tables translate guest-physical addresses."""
    EPT = "ept"
    """Intel's second level, with accessed and dirty bits."""
    EPT_NO_AD = "ept without A/D bits"
    """Intel's second level on processors that keep no accessed and dirty bits."""


class Kvm:
    """A virtual machine.

    :param epoch: the kernel version to be; by default :func:`mmuspec.epochs.current`
    :param paging: shadow paging, NPT or EPT
    :param host: the machine below; a 64-bit one by default
    :param repaired: defects of the epoch (``BUG-n``, ``QUIRK-n``) to leave out
    :raises ModelError: *repaired* names an unknown defect
    """

    def __init__(
        self,
        *,
        epoch: Epoch | None = None,
        paging: Paging = Paging.SHADOW,
        host: Host | None = None,
        repaired: Iterable[str] = (),
    ) -> None:
        self.epoch = epoch = epoch or current()
        self.paging = paging
        self.host = host or Host()
        self.defects = epoch.defects - _known(repaired)
        self.masks = self._masks()
        ept = paging in (Paging.EPT, Paging.EPT_NO_AD)
        fixed = mmio_fixed_bits(
            epoch,
            maxphyaddr=self.host.maxphyaddr,
            host_is_64bit=self.host.word_bits == 64,
            ept=ept,
        )
        self.mmio_sptes = MmioSpteFormat(epoch, fixed)
        self.mmu_lock = MmuLock()
        self.descs = PteListDescCache(
            ext=epoch.pte_list_ext, exact_count="BUG-1" not in self.defects
        )
        self.stats = Stats()
        self.memslots = MemSlots()
        self.vcpus: list[Vcpu] = []
        self.mmu_page_hash: dict[int, list[ShadowPage]] = {}
        self.active_mmu_pages: dict[ShadowPage, None] = {}
        self.zapped_obsolete_pages: list[ShadowPage] = []
        self.mmu_valid_gen = 0
        self.n_used_mmu_pages = 0
        self.n_max_mmu_pages = 0
        self.n_requested_mmu_pages = 0
        self.indirect_shadow_pages = 0
        self.mmu_notifier_seq = 0
        self.mmu_notifier_count = 0
        self.tlbs_dirty = 0
        self.manual_dirty_log = False
        self.dirty_log_initially_set = False
        self.log: list[str] = []
        self.userspace_read: Callable[[int, int], int] = lambda gpa, size: 0
        self.trace: Callable[[Event], None] = lambda event: None
        self.observers: list[Observer] = []
        self.mmu_lock.on_release = self._released

    @property
    def tdp_enabled(self) -> bool:
        """Whether the processor walks the guest's tables itself."""
        return self.paging is not Paging.SHADOW

    def create_vcpu(self, controls: Controls | None = None) -> Vcpu:
        """Add a vCPU with *controls* (a 64-bit guest's by default); its MMU is not set up yet."""
        vcpu = Vcpu(self, len(self.vcpus), controls or Controls())
        self.vcpus.append(vcpu)
        return vcpu

    def has(self, defect: str) -> bool:
        """Whether this VM reproduces *defect*."""
        return defect in self.defects

    def page_header(self, hpa: int) -> ShadowPage:
        """Return the shadow page whose table holds host-physical address *hpa*.

        :raises ModelError: no shadow page is there
        """
        try:
            return self.host.page_private[hpa >> PAGE_SHIFT]
        except KeyError:
            raise ModelError(f"no shadow page at host address {hpa:#x}") from None

    def spte_at(self, sptep: int) -> int:
        """Return the spte stored at address *sptep*."""
        return self.host.memory.pages[sptep >> PAGE_SHIFT][sptep >> 3 & 511]

    def for_each_gfn_sp(self, gfn: int) -> Iterator[ShadowPage]:
        """Yield every hashed page of *gfn*, whatever its state, newest first."""
        for sp in list(self.mmu_page_hash.get(self._bucket(gfn), ())):
            if sp.gfn == gfn:
                yield sp

    def for_each_gfn_indirect_valid_sp(self, gfn: int) -> Iterator[ShadowPage]:
        """Yield the pages that shadow the guest table in *gfn* and are not invalid.

        In v3.11 obsolete pages are among them: only the lookup in
        kvm_mmu_get_page() compares generations.
        """
        for sp in self.for_each_gfn_sp(gfn):
            obsolete = sp.mmu_valid_gen != self.mmu_valid_gen
            passed_over = obsolete and self.epoch.skips_obsolete_everywhere
            if not (sp.role.direct or sp.role.invalid or passed_over):
                yield sp

    def hash_add(self, sp: ShadowPage) -> None:
        """Put *sp* at the head of its bucket."""
        self.mmu_page_hash.setdefault(self._bucket(sp.gfn), []).insert(0, sp)

    def hash_del(self, sp: ShadowPage) -> None:
        """Take *sp* out of its bucket."""
        self.mmu_page_hash[self._bucket(sp.gfn)].remove(sp)

    def _released(self) -> None:
        for observer in self.observers:
            observer.released()

    def _bucket(self, gfn: int) -> int:
        return gfn & ((1 << self.epoch.hash_shift) - 1)

    def _masks(self) -> SpteMasks:
        if self.paging in (Paging.EPT, Paging.EPT_NO_AD):
            return ept_masks(self.epoch, ad_bits=self.paging is Paging.EPT)
        return legacy_masks(
            self.epoch,
            maxphyaddr=self.host.maxphyaddr,
            host_is_64bit=self.host.word_bits == 64,
        )


def _known(defects: Iterable[str]) -> frozenset[str]:
    """Return *defects* as a set, refusing names that the model does not have."""
    named = frozenset(defects)
    if unknown := sorted(named - DEFECTS.keys()):
        raise ModelError(f"unknown defect {unknown[0]}; known are {', '.join(DEFECTS)}")
    return named
