"""Each clause is caught when the model breaks it, and holds when it does not."""

import pytest

from mmuspec.contract import Contract, ContractBroken
from mmuspec.kvm.faults.fault_result import FaultError
from mmuspec.kvm.pages.zap_all import kvm_mmu_invalidate_zap_all_pages
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import HVA_BASE, PAGE_BITS, Machine
from mmuspec.x86.entry import RW, US, A, D, P

from .broken import broken

GVA, GPA, WINDOW, MMIO = 0x40_0000, 0x5000, 0x80_0000, 0x90_0000


def clauses(contract: Contract) -> set[str]:
    return {violation.clause for violation in contract.take()}


def guest(**options: object) -> tuple[Machine, Contract]:
    """A guest that can write its own leaf table at WINDOW."""
    m = Machine(**options)  # type: ignore[arg-type]
    for i in range(4):
        m.map(GVA + 0x1000 * i, GPA + 0x1000 * i)
    m.map(WINDOW, m.entry(GVA) & ~0xFFF)
    m.map(GVA + 0x8000, MMIO)
    return m, Contract(m, raising=False)


def remap(m: Machine) -> None:
    """Write the window first, use the table, change an entry, invalidate it, use it again."""
    m.write(WINDOW | 0xFF8, 0)
    m.read(GVA)
    m.write(WINDOW, (GPA + 0x3000) | PAGE_BITS)
    m.invlpg(GVA)
    m.read(GVA)


def test_c1_table_is_not_write_protected() -> None:
    m, contract = guest()
    with broken("pages.lookup:_create", "if rmap_write_protect(kvm, gfn):", "if False:"):
        remap(m)
    assert clauses(contract) == {"C1"}


def test_c1_holds_otherwise() -> None:
    m, contract = guest()
    remap(m)
    assert contract.take() == []


def test_c1_allows_the_old_translation_until_it_is_invalidated() -> None:
    m, contract = guest()
    m.write(GVA, 1)
    m.write(WINDOW, (GPA + 0x3000) | PAGE_BITS)
    m.write(GVA, 2)
    assert m.peek(GPA) == 2
    assert contract.take() == []


def test_c1_invlpg_that_does_nothing() -> None:
    m, contract = guest()
    m.write(GVA, 1)
    m.write(WINDOW, (GPA + 0x3000) | PAGE_BITS)
    with broken("sync.invlpg:paging_invlpg", "if sp.unsync:", "if False:"):
        m.invlpg(GVA)
    m.read(GVA)
    assert clauses(contract) == {"C1"}


def test_c1_reload_of_cr3_that_does_not_synchronize() -> None:
    m, contract = guest()
    m.write(GVA, 1)
    m.write(WINDOW, (GPA + 0x3000) | PAGE_BITS)
    with broken("sync.sync_children:mmu_sync_roots", "mmu_sync_children(vcpu, sp)", "pass"):
        m.cr3()
        m.read(GVA)
    assert clauses(contract) == {"C1"}


def test_c2_dirty_bit_is_not_set() -> None:
    m, contract = guest()
    m.map(GVA + 0x9000, GPA, P | RW | US | A)
    line = "return access if gpte & D else access & ~Acc.WRITE"
    m.read(GVA + 0x9000)
    assert clauses(contract) == set()
    m, contract = guest()
    m.map(GVA + 0x9000, GPA, P | RW | US | A)
    with broken("guest.permissions:protect_clean_gpte", line, "return access"):
        m.read(GVA + 0x9000)
        m.write(GVA + 0x9000)
    assert clauses(contract) == {"C2"}


def test_c2_forbidden_access_succeeds() -> None:
    m, contract = guest()
    m.map(GVA + 0x9000, GPA, P | A | D)
    line = "return spte | (kvm.masks.user if access & Acc.USER else 0)"
    with broken("sptes.set_spte:permission_bits", line, "return spte | kvm.masks.user"):
        m.read(GVA + 0x9000)
        m.read(GVA + 0x9000, user=True)
    assert clauses(contract) == {"C2"}


def test_c2_error_code_is_wrong() -> None:
    m, contract = guest()
    line = "code = found | wanted & (Pferr.W | Pferr.U)"
    with broken("guest.walk_addr:_fault", line, "code = found | wanted & Pferr.W"):
        m.read(0x70_0000, user=True)
    assert clauses(contract) == {"C2"}


def share_a_table(repaired: tuple[str, ...]) -> set[str]:
    """Two level-3 entries lead to one table, one of them read-only; so is one entry of it."""
    m = Machine(repaired=repaired)
    closed, opened, aside = GVA, GVA + (2 << 20), 1 << 30
    for gva in (closed, opened):
        m.map(gva, GPA)
    upper, protected = m.entry(GVA, 3), m.entry(closed, 2)
    m.poke(m.entry(GVA + aside, 3), m.peek(upper) & ~RW)
    m.poke(protected, m.peek(protected) & ~RW)
    contract = Contract(m, raising=False)
    m.read(closed, user=True)
    m.read(closed + aside, user=True)
    m.write(opened, user=True)
    m.write(opened + aside, user=True)
    return clauses(contract)


def test_c2_bug_4_shares_a_page_between_different_rights() -> None:
    assert share_a_table(()) == {"C2"}
    assert share_a_table(("BUG-4",)) == set()


def test_c3_slot_is_deleted_without_a_zap() -> None:
    m, contract = guest()
    m.memslot(1, MMIO, 0x1000)
    m.write(GVA + 0x8000)
    line = "kvm_arch_flush_shadow_memslot(kvm)"
    with broken("slots.update:_flush_out", line, "pass"):
        m.memslot(1, MMIO, 0)
    m.read(GVA + 0x8000)
    assert clauses(contract) == {"C3"}


def create_over_mmio(paging: Paging, repaired: tuple[str, ...], *, reload: bool) -> set[str]:
    """Use an MMIO page, then create a slot over it and use it again."""
    m = Machine(paging=paging, repaired=repaired)
    m.map(GVA + 0x8000, MMIO)
    m.map(WINDOW, m.entry(GVA) & ~0xFFF)
    contract = Contract(m, raising=False)
    m.read(GVA + 0x8000)
    m.write(WINDOW, 0)
    m.memslot(1, MMIO, 0x1000)
    if reload:
        m.cr3()
    m.read(GVA + 0x8000)
    return clauses(contract)


def test_c3_bug_7_believes_the_vcpu_cache() -> None:
    assert create_over_mmio(Paging.EPT, (), reload=False) == {"C3"}
    assert create_over_mmio(Paging.EPT, ("BUG-7",), reload=False) == set()


def test_c3_bug_10_renews_an_mmio_spte() -> None:
    assert create_over_mmio(Paging.SHADOW, ("BUG-7",), reload=True) == {"C3"}
    assert create_over_mmio(Paging.SHADOW, ("BUG-7", "BUG-10"), reload=True) == set()


@pytest.mark.parametrize("paging", list(Paging))
def test_c4_write_is_not_logged(paging: Paging) -> None:
    for sound in (True, False):
        m, contract = guest(paging=paging)
        m.memslot(0, 0, 0x20_0000, flags=1)
        line = "mark_page_dirty(kvm, gfn)"
        if sound:
            m.write(GVA)
        else:
            with broken("sptes.set_spte:set_spte", line, "pass"):
                m.write(GVA)
        m.dirty_log()
        m.write(GVA)
        assert clauses(contract) == (set() if sound else {"C4"})


def test_c4_write_after_the_log_was_taken() -> None:
    m, contract = guest(paging=Paging.EPT)
    m.memslot(0, 0, 0x20_0000, flags=1)
    m.write(GVA)
    with broken("slots.dirty_log:kvm_vm_ioctl_get_dirty_log", "if snapshot:", "if False:"):
        m.dirty_log()
    m.write(GVA)
    assert clauses(contract) == {"C4"}


@pytest.mark.parametrize("paging", [Paging.SHADOW, Paging.EPT])
def test_c5_page_is_taken_back_without_a_flush(paging: Paging) -> None:
    for sound in (True, False):
        m, contract = guest(paging=paging)
        m.read(GVA)
        if sound:
            m.kvm.host.unmap_page(HVA_BASE + GPA)
        else:
            flush = "kvm_flush_remote_tlbs(kvm)"
            with broken("slots.notifier:_unmap_and_flush", flush, "pass"):
                m.kvm.host.unmap_page(HVA_BASE + GPA)
        m.read(GVA)
        assert clauses(contract) == (set() if sound else {"C5"})


def test_c6_fault_that_never_ends() -> None:
    m, contract = guest()
    line = "return kvm.mmu_notifier_count > 0 or kvm.mmu_notifier_seq != mmu_seq"
    with (
        broken("faults.map_pfn:mmu_notifier_retry", line, "return True"),
        pytest.raises(FaultError),
    ):
        m.read(GVA)
    assert clauses(contract) == {"C6"}


def test_c6_lock_is_not_yielded() -> None:
    for sound in (True, False):
        m = Machine()
        m.kvm.n_max_mmu_pages = 500
        for i in range(200):
            m.map(GVA + (i << 21), GPA)
            m.read(GVA + (i << 21))
        contract = Contract(m, raising=False)
        m.kvm.mmu_lock.longest_hold = 0
        m.kvm.mmu_lock.contended = lambda: True
        if sound:
            kvm_mmu_invalidate_zap_all_pages(m.kvm)
        else:
            line = "if batch >= BATCH_ZAP_PAGES and kvm.mmu_lock.cond_resched_lock():"
            with broken("pages.zap_all:kvm_zap_obsolete_pages", line, "if False:"):
                kvm_mmu_invalidate_zap_all_pages(m.kvm)
        assert clauses(contract) == (set() if sound else {"C6"})


def test_a_raising_contract_names_the_access() -> None:
    m = Machine()
    m.map(GVA, GPA, P | A | D)
    Contract(m)
    line = "return spte | (kvm.masks.user if access & Acc.USER else 0)"
    with broken("sptes.set_spte:permission_bits", line, "return spte | kvm.masks.user"):
        m.read(GVA)
        with pytest.raises(ContractBroken, match="C2: user read at 0x400000 on vCPU 0: expected"):
            m.read(GVA, user=True)


@pytest.mark.parametrize(("repaired", "broken"), [([], {"C1"}), (["BUG-11"], set())])
def test_c1_write_through_a_tlb_that_a_sync_did_not_flush(
    repaired: list[str], broken: set[str]
) -> None:
    """A write protection that finds no spte flushes nothing, though a sync dropped one.

    The frame becomes a shadowed table while the other vCPU's TLB can still
    write it: the write is missed.
    """
    m = Machine(vcpus=2, repaired=repaired)
    step, frame, old, new = 2 << 20, 0x30_000, 0x31_000, 0x32_000
    entry = m.map(GVA, frame)
    m.map(GVA + 0x1000, old)
    upper = m.entry(GVA, 2)
    m.poke(m.entry(GVA + step, 2), m.peek(upper))
    m.poke(m.entry(GVA + 2 * step, 2), frame | P | RW | US | A)
    m.poke(frame, old | PAGE_BITS)
    m.map(GVA + 8 * step, entry & ~0xFFF)
    contract = Contract(m, raising=False)
    m.read(GVA + 0x1000)
    m.write(GVA + 0x800, vcpu=1)
    m.write(GVA + 8 * step | entry & 0xFFF, 0)
    m.read(GVA + step + 0x1000)
    m.read(GVA + 2 * step)
    m.write(GVA, new | PAGE_BITS, vcpu=1)
    assert contract.take() == []
    m.invlpg(GVA + 2 * step)
    m.read(GVA + 2 * step)
    assert clauses(contract) == broken


@pytest.mark.parametrize("obliged", [False, True])
def test_c1_page_fault_may_oblige_to_forget(obliged: bool) -> None:
    """v3.11 lets an old spte live on when the guest takes a #PF for its address."""
    m = Machine()
    entry = m.map(GVA, GPA, P | US | A | D)
    m.map(GVA + 0x1000, GPA)
    m.map(WINDOW, entry & ~0xFFF)
    contract = Contract(m, page_fault_refreshes=obliged, raising=False)
    m.read(GVA + 0x1000)
    m.read(GVA)
    m.write(WINDOW, 0)
    assert m.write(GVA).fault is not None
    assert m.read(GVA).fault is None
    assert clauses(contract) == ({"C1"} if obliged else set())
