"""KVM's walk of the guest's tables, where the chapter's examples do not reach."""

import pytest

from mmuspec.kvm.cpu.context import set_controls
from mmuspec.kvm.guest.walk_addr import WalkFailed, walk_addr
from mmuspec.kvm.state.constants import KVM_MEM_READONLY
from mmuspec.scenario.machine import Machine
from mmuspec.x86.controls import CR4_SMEP, EFER_NX
from mmuspec.x86.entry import RW, US, A, D, P
from mmuspec.x86.pferr import READ, Pferr


@pytest.mark.parametrize(("cr4", "expected"), [(0, 0), (CR4_SMEP, Pferr.F)])
def test_a_2_level_guest_reports_fetches_for_smep_but_not_for_nx(cr4: int, expected: int) -> None:
    m = Machine("legacy32")
    set_controls(m.vcpu, m.vcpu.controls.with_(cr4=cr4, efer=EFER_NX))
    with pytest.raises(WalkFailed) as failed:
        walk_addr(m.vcpu, 0x40_0000, Pferr.F)
    assert failed.value.fault.error_code == expected


def test_a_walk_through_a_read_only_table_marks_only_the_others() -> None:
    m = Machine(repaired=["BUG-3"])
    rom = 0x40_0000
    m.memslot(1, rom, 0x1000, flags=KVM_MEM_READONLY)
    m.poke(rom, 0x5000 | P | RW | US)
    above = m.entry(0x40_0000, 2)
    m.poke(above, rom | P | RW | US)
    assert walk_addr(m.vcpu, 0x40_0000, READ).gfn == 0x5
    assert not m.peek(rom) & (A | D)
    assert m.peek(above) & A
