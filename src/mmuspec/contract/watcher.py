"""Invariants about what happens, rather than about a state.

A watcher sees every store, flush, release of ``mmu_lock`` and event of one VM
and keeps what it needs to judge the next.
"""

from collections import Counter, defaultdict
from collections.abc import Callable

from ..events import (
    CheckMmioSpte,
    Event,
    FastPageFault,
    GetPage,
    HandleMmioPageFault,
    InvalidateZapAllPages,
)
from ..kvm.faults.mmio import kvm_current_mmio_generation
from ..kvm.pages.recycle import kvm_mmu_available_pages
from ..kvm.pages.shadow_walk import for_each_shadow_entry
from ..kvm.sptes.spte import PT_WRITABLE_MASK, is_last_spte, is_writable_pte, spte_to_pfn
from ..kvm.state.address import PT64_BASE_ADDR_MASK
from ..kvm.state.constants import KVM_MIN_FREE_MMU_PAGES
from ..kvm.state.observer import Observer
from ..kvm.state.page import ShadowPage
from ..kvm.state.requests import Request, VcpuMode
from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Kvm
from .concurrency import pfns
from .registry import Kind, Violation, watched
from .snapshot import will_flush

S, C, M, A = Kind.STRUCTURE, Kind.CONCURRENCY, Kind.MMIO, Kind.ACCOUNTING
INV_3 = watched("INV-3", "a page keeps the generation that the VM had at its creation", kind=S)
INV_4 = watched("INV-4", "a new page has 512 zero sptes", kind=S)
INV_21 = watched("INV-21", "a lookup never returns an obsolete or invalid page", kind=S)
INV_23 = watched("INV-23", "a page is freed unreachable, after a flush", kind=C)
INV_32 = watched("INV-32", "mmu_lock is not released while a lost W may be in a TLB", kind=C)
INV_34 = watched("INV-34", "nothing is mapped while a notifier's range is open", kind=C)
INV_35 = watched("INV-35", "tlbs_dirty goes back to 0 only by a flush", kind=C)
INV_36 = watched("INV-36", "a fast page fault sets W of a direct leaf, and logs its gfn", kind=C)
INV_38 = watched("INV-38", "clear_spte_count counts the sptes cleared, on 32-bit hosts", kind=C)
INV_40 = watched("INV-40", "MMIO is emulated only from a current MMIO spte or the cache", kind=M)
INV_42 = watched("INV-42", "a zap-all comes before an MMIO generation is used again", kind=M)
INV_44 = watched("INV-44", "recycling leaves at least 5 pages to make", kind=A)
INV_47 = watched("INV-47", "a shadow fault resets the flooding counts on its way", kind=S)


class Watcher(Observer):
    """Watches *kvm* from now on.

    :ivar violations: what was seen that must not happen
    """

    def __init__(self, kvm: Kvm) -> None:
        self.kvm = kvm
        self.violations: list[Violation] = []
        self._generation = {sp: sp.mmu_valid_gen for sp in kvm.active_mmu_pages}
        self._cleared: defaultdict[ShadowPage, int] = defaultdict(int)
        self._cleared.update({sp: sp.clear_spte_count for sp in kvm.active_mmu_pages})
        self._unflushed_pages: set[int] = set()
        self._lost_write: Counter[int] = Counter()
        self._tlbs_dirty = kvm.tlbs_dirty
        self._flushed = True
        self._checked: CheckMmioSpte | None = None
        self._slots_generation = kvm.memslots.generation
        self._zapped_at = -1
        self._trace: Callable[[Event], None] = kvm.trace
        kvm.trace = self._event
        kvm.observers.append(self)

    def take(self) -> list[Violation]:
        """Look at the VM once more, and return the violations since the last call."""
        self._look_at_pages()
        self._look_at_generation()
        taken, self.violations = self.violations, []
        return taken

    def _report(self, id: str, text: str) -> None:
        self.violations.append(Violation(id, text))

    # Stores, flushes and the lock.

    def stored(self, sptep: int, old: int, new: int) -> None:
        """Note what the store lost, and judge what it maps."""
        sp, masks = self.kvm.page_header(sptep), self.kvm.masks
        was, present = masks.is_shadow_present_pte(old), masks.is_shadow_present_pte(new)
        if not new and self.kvm.host.word_bits == 32:
            self._cleared[sp] += 1
        last = is_last_spte(old, sp.role.level)
        if was and not last:
            self._unflushed_pages.add(old & PT64_BASE_ADDR_MASK)
        if was and last and present and is_writable_pte(old) and not is_writable_pte(new):
            self._lost_write[spte_to_pfn(old)] += 1
        same = was and spte_to_pfn(old) == spte_to_pfn(new)
        if present and not same and is_last_spte(new, sp.role.level):
            self._mapped(sp, sptep, new)
        self._look_at_tlbs_dirty()

    def _mapped(self, sp: ShadowPage, sptep: int, spte: int) -> None:
        if self.kvm.mmu_notifier_count:
            ranges = self.kvm.mmu_notifier_count
            self._report(INV_34, f"{spte:#x} is stored in {sp} while {ranges} ranges are open")
        if not self.kvm.mmu_lock.held:
            self._report(INV_34, f"{spte:#x} is stored at {sptep:#x} without mmu_lock")

    def requested(self, request: Request) -> None:
        """A flush pays for everything lost so far."""
        if request is Request.TLB_FLUSH:
            self._unflushed_pages.clear()
            self._lost_write.clear()
            self._flushed = True

    def released(self) -> None:
        """Nobody may keep a writable translation of what is read-only now."""
        for vcpu in self.kvm.vcpus if self._lost_write else ():
            self._look_for_lost_write(vcpu)
        self._lost_write.clear()
        self._look_at_tlbs_dirty()

    def _look_for_lost_write(self, vcpu: Vcpu) -> None:
        for entry in vcpu.tlb if not will_flush(vcpu) else ():
            lost = [pfn for pfn in pfns(entry) if pfn in self._lost_write]
            if lost and entry.rw and entry.dirty:
                self._report(
                    INV_32,
                    f"mmu_lock is released; the TLB of vCPU {vcpu.vcpu_id} still allows writing"
                    f" frame {lost[0]:#x} at {entry.linear:#x}, and an spte of it lost W",
                )

    def _look_at_tlbs_dirty(self) -> None:
        now = self.kvm.tlbs_dirty
        if now < self._tlbs_dirty and not self._flushed:
            self._report(INV_35, f"tlbs_dirty fell from {self._tlbs_dirty} to {now}, no flush")
        if now > self._tlbs_dirty:
            self._flushed = False
        self._tlbs_dirty = now

    # Shadow pages.

    def freed(self, sp: ShadowPage) -> None:
        """Nothing leads to the page any more, in the tables or in a processor."""
        if not sp.role.invalid or sp.root_count:
            self._report(INV_23, f"{sp} is freed: root_count {sp.root_count}")
        walking = (VcpuMode.IN_GUEST_MODE, VcpuMode.READING_SHADOW_PAGE_TABLES)
        if sp.hpa in self._unflushed_pages:
            self._report(INV_23, f"{sp} is freed without a flush after it was unlinked")
        for vcpu in self.kvm.vcpus:
            if vcpu.mode in walking:
                self._report(INV_23, f"{sp} is freed while vCPU {vcpu.vcpu_id} may walk it")
            if sp.hpa == vcpu.mmu.root_hpa:
                self._report(INV_23, f"{sp} is freed, and is the root of vCPU {vcpu.vcpu_id}")
        self._generation.pop(sp, None)
        self._cleared.pop(sp, None)

    def room_made(self) -> None:
        """A fault may now make a whole path of pages."""
        available = kvm_mmu_available_pages(self.kvm)
        if available < KVM_MIN_FREE_MMU_PAGES and self.kvm.active_mmu_pages:
            self._report(INV_44, f"{available} pages are available after making room")

    def fetched(self, vcpu: Vcpu, addr: int) -> None:
        """The pages on the way are in use, so they are not being flooded."""
        for step in for_each_shadow_entry(vcpu, addr):
            sp = self.kvm.page_header(step.sptep)
            if sp.write_flooding_count:
                self._report(INV_47, f"{sp} still counts {sp.write_flooding_count} writes")

    def _look_at_pages(self) -> None:
        expected_count = self.kvm.host.word_bits == 32
        for sp in self.kvm.active_mmu_pages:
            born = self._generation.setdefault(sp, sp.mmu_valid_gen)
            if sp.mmu_valid_gen != born:
                self._report(INV_3, f"{sp} was of generation {born}, now {sp.mmu_valid_gen}")
            cleared = self._cleared[sp] if expected_count else 0
            if sp.clear_spte_count != cleared:
                self._report(
                    INV_38, f"{sp} had {cleared} sptes cleared and counts {sp.clear_spte_count}"
                )

    # Events.

    def _event(self, event: Event) -> None:
        if isinstance(event, GetPage):
            self._looked_up(event)
        elif isinstance(event, CheckMmioSpte):
            self._checked = event
        elif isinstance(event, HandleMmioPageFault):
            self._mmio_from_spte(event)
        elif isinstance(event, FastPageFault):
            self._fast(event)
        elif isinstance(event, InvalidateZapAllPages):
            self._zapped_at = self.kvm.memslots.generation
        self._trace(event)

    def _looked_up(self, event: GetPage) -> None:
        """Judge the page that a lookup returns, found by what the event says of it."""
        kvm = self.kvm
        found = [
            sp
            for sp in kvm.for_each_gfn_sp(event.gfn)
            if sp.role.word(kvm.epoch.role_layout) == event.role
        ]
        if event.mmu_valid_gen != kvm.mmu_valid_gen:
            created, now = event.mmu_valid_gen, kvm.mmu_valid_gen
            id = INV_3 if event.created else INV_21
            self._report(id, f"a lookup returned a page of generation {created}, not {now}")
        if any(sp.role.invalid for sp in found):
            self._report(INV_21, f"a lookup of gfn {event.gfn:#x} returned an invalid page")
        if event.created and any(found[0].spt):
            self._report(INV_4, f"the new {found[0]} has entries")

    def _mmio_from_spte(self, event: HandleMmioPageFault) -> None:
        checked, self._checked = self._checked, None
        now = kvm_current_mmio_generation(self.kvm)
        if checked is None or self.kvm.mmio_sptes.generation(checked.spte) != now:
            seen = "none was checked" if checked is None else f"it has {checked.spte_gen:#x}"
            self._report(
                INV_40,
                f"gfn {event.gfn:#x} is emulated from an MMIO spte;"
                f" the generation is {now:#x} and {seen}",
            )

    def _fast(self, event: FastPageFault) -> None:
        kvm = self.kvm
        if event.old_spte == event.new_spte:
            return
        sp = kvm.page_header(event.sptep)
        gfn = sp.gfn_of(sp.index_of(event.sptep))
        slot = kvm.memslots.gfn_to_memslot(gfn)
        if event.new_spte != event.old_spte | PT_WRITABLE_MASK:
            self._report(INV_36, f"{event.old_spte:#x} became {event.new_spte:#x}")
        if not sp.role.direct or not kvm.masks.spte_is_locklessly_modifiable(event.old_spte):
            self._report(INV_36, f"{event.old_spte:#x} in {sp} was made writable")
        if slot and slot.log_dirty and gfn not in slot.dirty_bitmap:
            self._report(INV_36, f"gfn {gfn:#x} was made writable and is not in the log")

    def _look_at_generation(self) -> None:
        """Compare with the last look: one operation changes the slots once."""
        kvm, before = self.kvm, self._slots_generation
        now = self._slots_generation = kvm.memslots.generation
        step, bits = kvm.epoch.slots_generation_step, kvm.epoch.generation.bits
        if not 0 <= now - before <= 2 * step:
            self._report(INV_42, f"the slots' generation went from {before} to {now}")
        offset = kvm.epoch.mmio_generation_offset
        wrapped = (now + offset) >> bits > (before + offset) >> bits
        if bits and wrapped and self._zapped_at < now - 2 * step:
            self._report(INV_42, f"the MMIO generation wrapped at {now} without a zap-all")
