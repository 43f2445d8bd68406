"""What is watched is caught: the model is broken in the way that each invariant forbids."""

from mmuspec.contract import Watcher
from mmuspec.kvm.pages.recycle import mmu_shrink
from mmuspec.kvm.state.vm import Paging
from mmuspec.scenario.machine import Machine

from .broken import broken

GVA, GPA = 0x40_0000, 0x5000


def machine(**options: object) -> tuple[Machine, Watcher]:
    m = Machine(**options)  # type: ignore[arg-type]
    for i in range(4):
        if m.mode.levels:
            m.map(GVA + 0x1000 * i, GPA + 0x1000 * i)
            m.map(GVA + 0x20_0000 * (i + 1), GPA + 0x1000 * i)
    return m, Watcher(m.kvm)


def seen(watcher: Watcher) -> set[str]:
    return {violation.id for violation in watcher.take()}


def test_nothing_is_seen_in_a_sound_model() -> None:
    m, watcher = machine()
    for i in range(4):
        m.write(GVA + 0x1000 * i)
    mmu_shrink([m.kvm], 1)
    m.read(GVA)
    assert seen(watcher) == set()


def test_generation_of_a_page_changes() -> None:
    m, watcher = machine()
    m.read(GVA)
    assert seen(watcher) == set()
    m.page(GVA).mmu_valid_gen += 1
    assert seen(watcher) == {"INV-3"}


def test_new_page_is_not_empty() -> None:
    m, watcher = machine()
    with broken("pages.lookup:_create", "kvm.hash_add(sp)", "kvm.hash_add(sp); sp.spt[9] = 8"):
        m.read(GVA)
    assert "INV-4" in seen(watcher)


def test_obsolete_page_is_looked_up() -> None:
    m, watcher = machine()
    m.read(GVA)
    other = m.new_table()
    m.cr3(other)
    m.kvm.mmu_valid_gen += 1
    line = "if is_obsolete_sp(kvm, sp):"
    with broken("pages.lookup:kvm_mmu_get_page", line, "if False:"):
        m.cr3(0x10000)
        m.read(GVA)
    assert "INV-21" in seen(watcher)


def test_page_is_freed_without_a_flush() -> None:
    m, watcher = machine()
    m.read(GVA)
    m.cr3(m.new_table())
    for _ in range(4):
        with broken("pages.zap:kvm_mmu_commit_zap_page", "kvm_flush_remote_tlbs(kvm)", "pass"):
            mmu_shrink([m.kvm], 1)
    assert seen(watcher) == {"INV-23"}


def test_lost_write_permission_is_not_flushed() -> None:
    m, watcher = machine(paging=Paging.EPT)
    m.memslot(0, 0, 0x20_0000, flags=1)
    m.write(GVA)
    with broken("slots.dirty_log:kvm_vm_ioctl_get_dirty_log", "if snapshot:", "if False:"):
        m.dirty_log()
    assert seen(watcher) == {"INV-32"}


def test_page_is_mapped_inside_an_open_range() -> None:
    m, watcher = machine()
    m.kvm.mmu_notifier_count = 1
    line = "return kvm.mmu_notifier_count > 0 or kvm.mmu_notifier_seq != mmu_seq"
    with broken("faults.map_pfn:mmu_notifier_retry", line, "return False"):
        m.read(GVA)
    assert seen(watcher) == {"INV-34"}


def test_tlbs_dirty_is_forgotten() -> None:
    m, watcher = machine()
    m.kvm.tlbs_dirty = 1
    m.read(GVA)
    m.kvm.tlbs_dirty = 0
    m.read(GVA + 0x20_0000)
    assert seen(watcher) == {"INV-35"}


def test_fast_page_fault_does_not_log() -> None:
    m, watcher = machine(paging=Paging.EPT)
    m.write(GVA)
    m.memslot(0, 0, 0x20_0000, flags=1)
    line = "mark_page_dirty(kvm, sp.gfn_of(index))"
    with broken("faults.fast_page_fault:fast_pf_fix_direct_spte", line, "pass"):
        m.write(GVA)
    assert "INV-36" in seen(watcher)


def test_cleared_sptes_are_not_counted() -> None:
    m, watcher = machine(mode="pae", word_bits=32)
    line = "kvm.page_header(sptep).clear_spte_count += 1"
    with broken("sptes.store:_store_clearing", line, "pass"):
        m.write(GVA)
        m.kvm.host.unmap_page(0x7F00_0000_0000 + GPA)
    assert seen(watcher) == {"INV-38"}


def test_stale_mmio_spte_is_believed() -> None:
    m, watcher = machine()
    m.map(GVA + 0x9000, 0x90_0000)
    m.read(GVA + 0x9000)
    m.memslot(1, 0x100_0000, 0x1000)
    m.vcpu.mmio.mmio_gva = 0
    with broken("faults.mmio:check_mmio_spte", "return event.valid", "return True"):
        m.read(GVA + 0x9000)
    assert seen(watcher) == {"INV-40"}


def test_generation_wraps_without_a_zap() -> None:
    m, watcher = machine()
    found = set()
    line = "if mmio_generation_wraps(kvm):"
    with broken("pages.zap_all:kvm_mmu_invalidate_mmio_sptes", line, "if False:"):
        for i in range(160):
            m.memslot(0, 0, 0x20_0000, flags=i & 1 ^ 1)
            found |= seen(watcher)
    assert found == {"INV-42"}


def test_too_little_room_is_made() -> None:
    m, watcher = machine()
    m.read(GVA)
    m.kvm.n_max_mmu_pages = m.kvm.n_used_mmu_pages + 2
    line = "while kvm_mmu_available_pages(kvm) < KVM_REFILL_PAGES:"
    with broken("pages.recycle:_recycle", line, "while False:"):
        m.read(GVA + 0x20_0000)
    assert "INV-44" in seen(watcher)


def test_flooding_count_survives_a_fault() -> None:
    m, watcher = machine()
    table = m.entry(GVA, 2)
    m.map(0x80_0000_0000, table & ~0xFFF)
    m.read(GVA)
    m.write(0x80_0000_0000 | table & 0xFFF | 0x800, 0)
    line = "vcpu.kvm.page_header(sptep).write_flooding_count = 0"
    with broken("faults.fetch:clear_sp_write_flooding_count", line, "pass"):
        m.read(GVA + 0x1000)
    assert seen(watcher) == {"INV-47"}
