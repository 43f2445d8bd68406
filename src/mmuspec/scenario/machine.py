"""A small machine to try things on: the model, a guest, and a few verbs.

Chapters and tests use it.  It has one memory slot of 2 MiB at 0 to begin
with; guest page tables are built in it from 64 KiB upwards.
"""

from collections.abc import Callable, Iterable

from ..epochs import Epoch
from ..events import Event
from ..kvm.cpu.context import init_kvm_mmu
from ..kvm.cpu.instruction import Instruction, Kind, Result
from ..kvm.cpu.run import execute
from ..kvm.guest.memory import gpa_to_hpa
from ..kvm.pages.shadow_walk import ShadowStep, for_each_shadow_entry
from ..kvm.slots.dirty_log import kvm_vm_ioctl_get_dirty_log
from ..kvm.slots.notifier import register_mmu_notifier
from ..kvm.slots.update import kvm_set_memory_region
from ..kvm.state.host import Host
from ..kvm.state.page import ShadowPage
from ..kvm.state.processor import Processor
from ..kvm.state.vcpu import Vcpu
from ..kvm.state.vm import Kvm, Paging
from ..x86.controls import (
    CR0_PE,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PSE,
    EFER_LMA,
    EFER_LME,
    EFER_NX,
    Controls,
)
from ..x86.entry import PS, RW, US, A, D, P
from ..x86.mode import LEGACY32, LONG4, NO_PAGING, PAE, PagingMode

FIRST_TABLE = 0x10000
"""Guest-physical address of the guest's top table."""
HVA_BASE = 0x7F00_0000_0000
"""Host-virtual address behind guest-physical address 0."""
SLOT0_SIZE = 0x20_0000
MODES = {"long4": LONG4, "pae": PAE, "legacy32": LEGACY32, "nopaging": NO_PAGING}
"""Guest paging modes by the names that scenarios use."""
TABLE_BITS = P | RW | US
PAGE_BITS = P | RW | US | A | D


def controls_for(mode: PagingMode, cr3: int) -> Controls:
    """Return the registers of a guest that runs in *mode*."""
    if mode is NO_PAGING:
        return Controls(cr0=CR0_PE, cr3=0, cr4=0, efer=0)
    cr4 = CR4_PSE if mode is LEGACY32 else CR4_PAE
    efer = EFER_NX if mode is PAE else 0
    if mode is LONG4:
        efer = EFER_LME | EFER_LMA | EFER_NX
    return Controls(cr0=CR0_PE | CR0_PG | CR0_WP, cr3=cr3, cr4=cr4, efer=efer)


class Machine:
    """A guest on the model.

    :param mode: ``long4``, ``pae``, ``legacy32`` or ``nopaging``
    :param paging: shadow paging, NPT or EPT
    :param epoch: the kernel version to be; by default :func:`mmuspec.epochs.current`
    :param repaired: defects of the epoch to leave out
    :param word_bits: of the host, 64 or 32
    :param maxphyaddr: of the host, in bits
    :param processor: what the processor leaves to itself
    """

    def __init__(
        self,
        mode: str = "long4",
        *,
        paging: Paging = Paging.SHADOW,
        epoch: Epoch | None = None,
        repaired: Iterable[str] = (),
        vcpus: int = 1,
        word_bits: int = 64,
        maxphyaddr: int = 40,
        processor: Processor | None = None,
    ) -> None:
        self.mode = MODES[mode]
        host = Host(word_bits=word_bits, maxphyaddr=maxphyaddr, processor=processor)
        self.kvm = Kvm(epoch=epoch, paging=paging, host=host, repaired=repaired)
        self.after: list[Callable[[], None]] = []
        self._events: list[Event] = []
        self._next_table = FIRST_TABLE + 0x1000
        self.kvm.trace = self._events.append
        register_mmu_notifier(self.kvm)
        self.memslot(0, 0, SLOT0_SIZE)
        for _ in range(vcpus):
            vcpu = self.kvm.create_vcpu(controls_for(self.mode, FIRST_TABLE))
            if self.mode is PAE:
                self._build_pdpt()
            init_kvm_mmu(vcpu)
        self.events()

    @property
    def vcpu(self) -> Vcpu:
        """The first vCPU."""
        return self.kvm.vcpus[0]

    def events(self) -> list[Event]:
        """Return the events since the last call."""
        taken = list(self._events)
        self._events.clear()
        return taken

    def names(self) -> list[str]:
        """Return the names of the events since the last call."""
        return [event.name for event in self.events()]

    # The guest's memory and tables, set up behind KVM's back.

    def memslot(
        self, slot: int, gpa: int, size: int, *, hva: int | None = None, flags: int = 0
    ) -> None:
        """Create, move, re-flag or (size 0) delete a memory slot."""
        hva = HVA_BASE + gpa if hva is None else hva
        kvm_set_memory_region(self.kvm, slot, gpa, size, hva, flags)
        self._done()

    def peek(self, gpa: int, size: int = 8) -> int:
        """Return what guest memory holds."""
        return self.kvm.host.memory.read(gpa_to_hpa(self.kvm, gpa), size)

    def poke(self, gpa: int, value: int, size: int = 8) -> None:
        """Put *value* into guest memory before anything ran: KVM does not notice."""
        self.kvm.host.memory.write(gpa_to_hpa(self.kvm, gpa), value, size)

    def entry(self, gva: int, level: int = 1, *, root: int = FIRST_TABLE) -> int:
        """Return the gpa of the guest's entry for *gva* at *level*, making tables on the way."""
        table = root
        for upper in range(self.mode.levels, level, -1):
            gpa = table + self.mode.index(gva, upper) * self.mode.entry_size
            table = self._table_below(gpa, upper)
        return table + self.mode.index(gva, level) * self.mode.entry_size

    def map(
        self, gva: int, gpa: int, bits: int = PAGE_BITS, *, level: int = 1, root: int = FIRST_TABLE
    ) -> int:
        """Map *gva* to *gpa* in the guest's tables; return the gpa of the leaf entry.

        :param bits: low bits (and XD) of the leaf; PS is added for a large page
        """
        large = PS if level > 1 else 0
        where = self.entry(gva, level, root=root)
        self.poke(where, gpa | bits | large, self.mode.entry_size)
        return where

    def new_table(self) -> int:
        """Return the gpa of an unused page for a guest table."""
        gpa, self._next_table = self._next_table, self._next_table + 0x1000
        return gpa

    def _table_below(self, gpa: int, level: int) -> int:
        """Return the table that the entry at *gpa* points at, making one if there is none."""
        entry = self.peek(gpa, self.mode.entry_size)
        if not entry & P:
            pdpte = self.mode is PAE and level == 3
            entry = self.new_table() | (P if pdpte else TABLE_BITS)
            self.poke(gpa, entry, self.mode.entry_size)
        return entry & 0xF_FFFF_FFFF_F000

    def _build_pdpt(self) -> None:
        """Give a PAE guest its four PDPTEs, which are loaded with CR3."""
        for i in range(4):
            self._table_below(FIRST_TABLE + 8 * i, 3)

    # What the guest does.

    def run(self, instruction: Instruction, vcpu: int = 0) -> Result:
        """Execute one instruction."""
        result = execute(self.kvm.vcpus[vcpu], instruction)
        self._done()
        return result

    def read(
        self, gva: int, *, size: int | None = None, user: bool = False, vcpu: int = 0
    ) -> Result:
        """Read from *gva*."""
        return self._access(Kind.READ, gva, 0, size, user, vcpu)

    def write(
        self,
        gva: int,
        value: int = 1,
        *,
        size: int | None = None,
        user: bool = False,
        vcpu: int = 0,
    ) -> Result:
        """Write *value* to *gva*."""
        return self._access(Kind.WRITE, gva, value, size, user, vcpu)

    def fetch(self, gva: int, *, user: bool = False, vcpu: int = 0) -> Result:
        """Execute the instruction at *gva*."""
        return self._access(Kind.EXEC, gva, 0, None, user, vcpu)

    def invlpg(self, gva: int, *, vcpu: int = 0) -> Result:
        """Invalidate the translation of *gva*."""
        return self.run(Instruction(Kind.INVLPG, gva), vcpu)

    def cr3(self, value: int | None = None, *, vcpu: int = 0) -> Result:
        """Load CR3: with its own value unless another is given."""
        old = self.kvm.vcpus[vcpu].controls.cr3
        return self.run(Instruction(Kind.MOV_CR3, old if value is None else value), vcpu)

    def cr0(self, value: int, *, vcpu: int = 0) -> Result:
        """Load CR0."""
        return self.run(Instruction(Kind.MOV_CR0, value), vcpu)

    def cr4(self, value: int, *, vcpu: int = 0) -> Result:
        """Load CR4."""
        return self.run(Instruction(Kind.MOV_CR4, value), vcpu)

    def dirty_log(self, slot: int = 0) -> set[int]:
        """Fetch the dirty log of *slot*: the frames written since the last time."""
        frames = kvm_vm_ioctl_get_dirty_log(self.kvm, slot)
        self._done()
        return frames

    def _access(
        self, kind: Kind, gva: int, value: int, size: int | None, user: bool, vcpu: int
    ) -> Result:
        size = size or (8 if self.mode is LONG4 else 4)
        instruction = Instruction(kind, gva, value=value, size=size, user=user)
        return self.run(instruction, vcpu)

    # What KVM made of it.

    def walk(self, address: int, *, vcpu: int = 0) -> list[ShadowStep]:
        """Return the sptes that translate *address*, root first."""
        return list(for_each_shadow_entry(self.kvm.vcpus[vcpu], address))

    def spte(self, address: int, *, vcpu: int = 0) -> int:
        """Return the last spte on the way to *address*."""
        steps = self.walk(address, vcpu=vcpu)
        return steps[-1].spte if steps else 0

    def page(self, address: int, level: int = 1, *, vcpu: int = 0) -> ShadowPage:
        """Return the shadow page whose spte translates *address* at *level*.

        :raises LookupError: the walk does not get that far
        """
        for step in self.walk(address, vcpu=vcpu):
            if step.level == level:
                return self.kvm.page_header(step.sptep)
        raise LookupError(f"no shadow page translates {address:#x} at level {level}")

    def pages(self) -> list[ShadowPage]:
        """Return the active shadow pages, oldest first."""
        return list(self.kvm.active_mmu_pages)

    def _done(self) -> None:
        """One operation is over: let the checks look."""
        for check in self.after:
            check()
