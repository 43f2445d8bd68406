"""A guest with a bit of everything, and a host that disturbs it; everything is checked."""

from dataclasses import dataclass, field

from mmuspec.contract import Contract, ContractBroken, InvariantBroken, Watcher, check
from mmuspec.kvm.cpu.instruction import Instruction, Kind, Result
from mmuspec.kvm.pages.recycle import kvm_mmu_change_mmu_pages, mmu_shrink
from mmuspec.kvm.pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from mmuspec.kvm.slots.notifier import (
    kvm_mmu_notifier_change_pte,
    kvm_mmu_notifier_clear_flush_young,
    kvm_mmu_notifier_invalidate_page,
    kvm_mmu_notifier_invalidate_range_end,
    kvm_mmu_notifier_invalidate_range_start,
)
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import FIRST_TABLE, HVA_BASE, PAGE_BITS, TABLE_BITS, Machine
from mmuspec.x86.controls import CR0_WP, CR4_SMEP, EFER_NX
from mmuspec.x86.entry import PAGE_SHIFT, RW, US, XD, A, D, P

PAGES = 0x40_0000
"""Eight pages with different rights, in one leaf table."""
MMIO = 0x40_8000
"""Two pages of slot 1, which comes and goes."""
WINDOW = {"long4": 0x100_0000_0000, "pae": 0xC000_0000, "legacy32": 0xC000_0000}
"""The guest's own tables, from the top one on, below a top entry of their own."""
SPREAD = 0x100_0000
"""Pages 2 MiB apart, each in a leaf table of its own."""
FRAMES = 0x8_0000
"""Guest-physical address of the first page."""
SLOT1 = 0x20_0000
NX = ("long4", "pae")
RIGHTS = (PAGE_BITS, P | US | A | D, P | RW | A | D, P | RW | US, P | RW | US | A, P, 0, PAGE_BITS)
"""Low bits of the eight pages' entries."""


@dataclass
class Setup:
    """How the machine is made."""

    mode: str = "long4"
    paging: Paging = Paging.SHADOW
    word_bits: int = 64
    vcpus: int = 1
    repaired: tuple[str, ...] = ()
    spread: int = 70


@dataclass
class Guest:
    """A machine, the addresses of its entries, and the checks."""

    setup: Setup
    machine: Machine = field(init=False)
    roots: tuple[int, ...] = (FIRST_TABLE,)
    entries: list[int] = field(default_factory=list)
    contended: bool = False

    def __post_init__(self) -> None:
        setup = self.setup
        self.machine = Machine(
            setup.mode,
            paging=setup.paging,
            word_bits=setup.word_bits,
            vcpus=setup.vcpus,
            repaired=setup.repaired,
        )
        self.kvm = self.machine.kvm
        self.paged = setup.mode != "nopaging"
        self.window = WINDOW.get(setup.mode, 0)
        if self.paged:
            self._build_tables()
        self.watcher = Watcher(self.kvm)
        self.contract = Contract(self.machine, raising=False)
        self.kvm.mmu_lock.contended = self._contended
        self.kvm.mmu_lock.on_yield = self._somebody_else

    # Tables.

    def _build_tables(self) -> None:
        m = self.machine
        for i, bits in enumerate(RIGHTS):
            bits |= XD if i == 7 and self.setup.mode in NX else 0
            self.entries.append(m.map(PAGES + (i << PAGE_SHIFT), FRAMES + (i << PAGE_SHIFT), bits))
        for i in range(2):
            self.entries.append(m.map(MMIO + (i << PAGE_SHIFT), SLOT1 + (i << PAGE_SHIFT)))
        for i in range(self.setup.spread):
            m.map(SPREAD + (i << 21), FRAMES + 0x20_000 + (i << PAGE_SHIFT))
        m.entry(self.window)
        self.entries += [m.entry(PAGES, level) for level in range(2, m.mode.levels)]
        self.roots += (self._second_root(),)
        for i in range(16):
            m.map(self.window + (i << PAGE_SHIFT), FIRST_TABLE + (i << PAGE_SHIFT))

    def _second_root(self) -> int:
        """A root that shares the lower tables; the shared ones are read-only through it."""
        m, size = self.machine, self.machine.mode.entry_size
        root = m.new_table()
        top = m.mode.index(self.window, m.mode.levels) * size
        for offset in range(0, 4096, size):
            entry = m.peek(FIRST_TABLE + offset, size)
            if self.setup.mode != "pae" and offset != top:
                entry &= ~RW
            m.poke(root + offset, entry, size)
        return root

    # What the guest does.

    def access(self, kind: Kind, gva: int, *, user: bool, vcpu: int, value: int = 0) -> Result:
        size = self.machine.mode.entry_size if self.paged else 8
        instruction = Instruction(kind, gva, value=value, size=size, user=user)
        return self.run(instruction, vcpu)

    def run(self, instruction: Instruction, vcpu: int = 0) -> Result:
        return self.machine.run(instruction, vcpu % self.setup.vcpus)

    def write_entry(self, which: int, value: int, *, vcpu: int) -> Result:
        """Write one of the guest's own entries through the window."""
        gpa = self.entries[which % len(self.entries)]
        gva = self.window + gpa - FIRST_TABLE
        return self.access(Kind.WRITE, gva, user=False, vcpu=vcpu, value=value)

    def leaf_value(self, frame: int, bits: int) -> int:
        return (FRAMES + (frame << PAGE_SHIFT)) | bits if bits else 0

    def upper_value(self, which: int, bits: int) -> int:
        """The entry of a table as it was, with other rights."""
        gpa = self.entries[10 + which % max(len(self.entries) - 10, 1)]
        old = self.machine.peek(gpa, self.machine.mode.entry_size)
        return old & ~(TABLE_BITS | A) | bits

    def load_cr3(self, which: int, vcpu: int) -> Result:
        return self.run(Instruction(Kind.MOV_CR3, self.roots[which % len(self.roots)]), vcpu)

    def toggle(self, what: str, vcpu: int) -> Result:
        controls = self.kvm.vcpus[vcpu % self.setup.vcpus].controls
        kind, value = {
            "wp": (Kind.MOV_CR0, controls.cr0 ^ CR0_WP),
            "smep": (Kind.MOV_CR4, controls.cr4 ^ CR4_SMEP),
            "nxe": (Kind.WRMSR_EFER, controls.efer ^ EFER_NX),
        }[what]
        return self.run(Instruction(kind, value), vcpu)

    # What the host does.

    def slot1(self, what: str) -> None:
        slot = self.kvm.memslots.slots.get(1)
        if what in ("create", "create read-only") and slot is None:
            self.machine.memslot(1, SLOT1, 0x4000, flags=2 if what.endswith("only") else 0)
        elif what == "delete" and slot:
            self.machine.memslot(1, SLOT1, 0)
        elif what == "move" and slot:
            there = SLOT1 + 0x1000 if slot.base_gfn == SLOT1 >> PAGE_SHIFT else SLOT1
            self.machine.memslot(1, there, 0x4000, hva=slot.userspace_addr, flags=slot.flags)

    def log(self, what: str) -> None:
        slot = self.kvm.memslots.slots[0]
        if what != "fetch":
            self.machine.memslot(0, 0, slot.npages << PAGE_SHIFT, flags=int(what == "on"))
        elif slot.log_dirty:
            self.machine.dirty_log()

    def hva(self, page: int) -> int:
        """Of one of the eight pages, of the guest's tables, or of slot 1."""
        gpas = [FRAMES + (i << PAGE_SHIFT) for i in range(8)]
        gpas += [FIRST_TABLE + (i << PAGE_SHIFT) for i in range(6)] + [SLOT1]
        return HVA_BASE + gpas[page % len(gpas)]

    def disturb(self, what: str, page: int) -> None:
        """Let the host do something with one page; its contents stay."""
        hva, host = self.hva(page), self.kvm.host
        old = host.ptes.get(hva)
        if old is None:
            return
        words = list(host.memory.page(old.pfn))
        if what == "swap":
            host.unmap_page(hva)
            host.memory.page(host.map_page(hva).pfn)[:] = words
        elif what == "range":
            kvm_mmu_notifier_invalidate_range_start(self.kvm, hva, hva + 0x3000)
            host.memory.page(host.map_page(hva).pfn)[:] = words
            kvm_mmu_notifier_invalidate_range_end(self.kvm)
        elif what == "protect":
            kvm_mmu_notifier_invalidate_page(self.kvm, hva)
            host.make_read_only(hva)
        elif what == "age":
            kvm_mmu_notifier_clear_flush_young(self.kvm, hva)
        else:
            pte = host.map_page(hva, writable=what == "replace by a writable page")
            host.memory.page(pte.pfn)[:] = words
            kvm_mmu_notifier_change_pte(self.kvm, hva, pte.pfn, writable=pte.writable)

    def memory_pressure(self, what: str) -> None:
        if what == "shrink":
            mmu_shrink([self.kvm], 1)
        elif what == "zap all":
            kvm_mmu_invalidate_zap_all_pages(self.kvm)
        else:
            kvm_mmu_change_mmu_pages(self.kvm, int(what))

    # The lock, and the checks.

    def _contended(self) -> bool:
        return self.contended

    def _somebody_else(self) -> None:
        """Another vCPU runs while the lock is yielded."""
        if self.setup.vcpus > 1:
            self.contended = False
            self.access(Kind.READ, PAGES if self.paged else FRAMES, user=False, vcpu=1)
            self.contended = True

    def verify(self) -> None:
        """Check every invariant and every clause.

        :raises ContractBroken: a clause does not hold
        :raises InvariantBroken: an invariant does not hold
        """
        if broken := self.contract.take():
            raise ContractBroken(broken)
        if violations := self.watcher.take() + check(self.kvm):
            raise InvariantBroken(violations)
