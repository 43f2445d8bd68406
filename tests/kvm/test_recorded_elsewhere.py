"""Behaviour of v6.1 that recordings of random guests brought to light."""

import pytest

from mmuspec.epochs import V3_11, V6_1, Epoch
from mmuspec.kvm.cpu import run
from mmuspec.kvm.cpu.hardware import hardware_access
from mmuspec.kvm.cpu.instruction import UD_VECTOR, Instruction, Kind
from mmuspec.kvm.state.processor import Processor
from mmuspec.kvm.state.vcpu import Vcpu
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import PAGE_BITS, TABLE_BITS, Machine
from mmuspec.x86.controls import CR0_WP, CR4_PGE, EFER_NX
from mmuspec.x86.entry import RW, US, A, P
from mmuspec.x86.memory import PhysicalMemory
from mmuspec.x86.pferr import Pferr

CODE, DATA, WINDOW, MMIO = 0x40_0000, 0x40_1000, 0x80_0000, 0xFEE0_0000


def machine(
    mode: str = "long4", epoch: Epoch = V6_1, processor: Processor | None = None
) -> Machine:
    """A guest with a page of code and a page of data."""
    m = Machine(mode, epoch=epoch, processor=processor)
    m.map(CODE, 0x5000)
    m.map(DATA, 0x6000)
    m.read(CODE)
    m.events()
    return m


@pytest.mark.parametrize(("epoch", "walks"), [(V3_11, 0), (V6_1, 1)], ids=str)
def test_wrmsr_is_decoded_only_to_skip_it(epoch: Epoch, walks: int) -> None:
    m = machine(epoch=epoch, processor=Processor(next_rip=False))
    m.run(Instruction(Kind.WRMSR_EFER, m.vcpu.controls.efer, rip=CODE))
    assert m.names().count("kvm_mmu_pagetable_walk") == walks


def test_the_same_cr0_needs_no_exit_while_the_guest_write_protects() -> None:
    m = machine()
    cr0 = m.vcpu.controls.cr0
    m.run(Instruction(Kind.MOV_CR0, cr0, rip=CODE))
    assert m.kvm.stats.insn_emulation == 0
    m.run(Instruction(Kind.MOV_CR0, cr0 & ~CR0_WP, rip=CODE))
    m.run(Instruction(Kind.MOV_CR0, cr0 & ~CR0_WP, rip=CODE))
    assert m.kvm.stats.insn_emulation == 2


@pytest.mark.parametrize(("kind", "walks"), [(Kind.MOV_CR0, 1), (Kind.MOV_CR3, 0)])
def test_with_npt_only_some_register_loads_are_emulated(kind: Kind, walks: int) -> None:
    m = Machine(paging=Paging.NPT, epoch=V6_1)
    m.map(CODE, 0x5000)
    m.read(CODE)
    m.events()
    value = m.vcpu.controls.cr0 & ~CR0_WP if kind is Kind.MOV_CR0 else m.vcpu.controls.cr3
    m.run(Instruction(kind, value, rip=CODE))
    assert m.names().count("kvm_mmu_pagetable_walk") == walks


def test_xchg_may_fault_twice_where_it_loads_first() -> None:
    m = machine(processor=Processor(xchg_reads_first=True))
    m.map(DATA, 0x6000, P | RW | US)
    m.run(Instruction(Kind.XCHG, DATA, value=7))
    assert m.kvm.stats.pf_taken == 3
    assert machine().run(Instruction(Kind.XCHG, DATA, value=7)).value == 0


@pytest.mark.parametrize("epoch", [V3_11, V6_1], ids=str)
def test_a_jump_into_mmio(epoch: Epoch) -> None:
    m = machine(epoch=epoch)
    m.map(WINDOW, MMIO)
    assert m.fetch(WINDOW).internal_error
    fault = m.fetch(WINDOW, user=True).fault
    assert (fault.vector if fault else None) == (UD_VECTOR if epoch is V6_1 else None)


def test_a_jump_is_not_fetched_again_once_done(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine()
    touched: list[int] = []

    def access(vcpu: Vcpu, gva: int, rights: Pferr) -> int:
        touched.append(gva)
        return hardware_access(vcpu, gva, rights)

    monkeypatch.setattr(run, "hardware_access", access)
    m.map(WINDOW, 0x7000)
    m.run(Instruction(Kind.EXEC, WINDOW, rip=CODE))
    assert touched == [CODE, WINDOW, WINDOW]


@pytest.mark.parametrize(("epoch", "code"), [(V3_11, 0), (V6_1, Pferr.F)], ids=str)
def test_nxe_makes_a_2_level_guest_s_fault_report_a_fetch(epoch: Epoch, code: int) -> None:
    m = machine("legacy32", epoch)
    m.run(Instruction(Kind.WRMSR_EFER, m.vcpu.controls.efer | EFER_NX))
    fault = m.fetch(WINDOW).fault
    assert fault
    assert fault.error_code == code


@pytest.mark.parametrize(("epoch", "write"), [(V3_11, 0), (V6_1, Pferr.W)], ids=str)
def test_an_emulated_xchg_faults_as_a_write(epoch: Epoch, write: int) -> None:
    m = machine(epoch=epoch)
    where = m.map(0, MMIO)  # the vCPU's MMIO cache takes address 0 for none
    m.read(0)
    m.poke(where, MMIO | PAGE_BITS & ~US)
    fault = m.run(Instruction(Kind.XCHG, 0, user=True)).fault
    assert fault
    assert fault.error_code & Pferr.W == write


def test_a_run_of_prefetched_sptes_ends_at_a_missing_page_but_the_next_one_is_tried() -> None:
    m = machine()
    m.map(0xA0_0000, 0, level=2)
    slot = m.kvm.memslots.slots[0]
    for gfn in (0x100, 0x101, 0x103, 0x105, 0x106, 0x107):
        m.kvm.host.map_page(slot.hva(gfn))
    m.kvm.host.make_read_only(slot.hva(0x102))
    m.read(0xA0_0000 + 0x10_4000)
    spt = m.page(0xA0_0000 + 0x10_4000).spt
    assert [i for i in range(8) if spt[0x100 + i]] == [0, 1, 4, 5, 6, 7]


def test_toggling_pge_lets_go_of_kept_roots_that_are_unsync() -> None:
    m = machine()
    m.map(WINDOW, m.entry(DATA) & ~0xFFF)
    m.read(DATA)
    m.write(WINDOW | m.entry(DATA) & 0xFFF, 0x7000 | PAGE_BITS)
    other = m.new_table()
    for index in range(512):
        m.poke(other + 8 * index, m.peek(0x10000 + 8 * index))
    m.cr3(other)
    m.read(CODE)
    kept = len(m.vcpu.mmu.prev_roots)
    m.write(WINDOW | m.entry(DATA) & 0xFFF, 0x8000 | PAGE_BITS)
    m.cr4(m.vcpu.controls.cr4 ^ CR4_PGE)
    m.read(CODE)
    assert (kept, len(m.vcpu.mmu.prev_roots)) == (1, 0)


@pytest.mark.parametrize("epoch", [V3_11, V6_1], ids=str)
def test_a_write_to_two_entries_leaves_the_second_one_s_page_linked(epoch: Epoch) -> None:
    m = machine("pae", epoch)
    m.map(WINDOW, 0x6000)
    upper, old, table = m.entry(WINDOW, 2), m.entry(WINDOW) & ~0xFFF, m.new_table()
    m.poke(table + 8, 0x8000 | PAGE_BITS)
    m.map(0x100_0000, upper & ~0xFFF)
    m.read(WINDOW)
    m.write(0x100_0000 | (upper - 2) & 0xFFF, ((table | TABLE_BITS) & 0xFFFF) << 16, size=4)
    m.read(WINDOW + 0x1000)
    assert m.peek(upper) & ~A == table | TABLE_BITS
    assert m.page(WINDOW).gfn << 12 == (table if epoch is V6_1 else old)


def test_memory_across_two_words() -> None:
    memory = PhysicalMemory()
    memory.write(0x1006, 0x0102_0304_0506_0708, 8)
    assert memory.read(0x1006, 8) == 0x0102_0304_0506_0708
    assert (memory.read(0x1000, 8), memory.read(0x1008, 8)) == (0x0708 << 48, 0x0102_0304_0506)
