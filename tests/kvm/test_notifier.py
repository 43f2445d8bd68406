"""The host asks whether a page was used, and takes everything back at the end."""

from mmuspec.kvm.slots.notifier import (
    kvm_mmu_notifier_clear_flush_young,
    kvm_mmu_notifier_release,
    kvm_mmu_notifier_test_young,
)
from mmuspec.scenario.machine import HVA_BASE, Machine

HVA = HVA_BASE + 0x3000


def test_testing_young_does_not_forget() -> None:
    m = Machine("nopaging")
    m.read(0x3000)
    assert [kvm_mmu_notifier_test_young(m.kvm, HVA) for _ in range(2)] == [True, True]
    assert kvm_mmu_notifier_clear_flush_young(m.kvm, HVA)
    assert not kvm_mmu_notifier_test_young(m.kvm, HVA)


def test_release_makes_every_page_obsolete() -> None:
    m = Machine("nopaging")
    m.read(0x3000)
    before = m.kvm.mmu_valid_gen
    kvm_mmu_notifier_release(m.kvm)
    assert m.kvm.mmu_valid_gen == before + 1
    assert all(sp.role.invalid for sp in m.pages())
