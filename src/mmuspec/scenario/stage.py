"""Setting the model up as a recording began: memory, tables, frames, vCPUs."""

from ..epochs import Epoch
from ..kvm.cpu.context import init_kvm_mmu
from ..kvm.guest.memory import gpa_to_hpa
from ..kvm.slots.memslot import MemSlot
from ..kvm.slots.notifier import register_mmu_notifier
from ..kvm.state.host import Host
from ..kvm.state.processor import Processor
from ..kvm.state.vm import Kvm, Paging
from ..x86.controls import Controls
from ..x86.entry import PAGE_SHIFT, PAGE_SIZE
from .recording import FrameRun, Frames, Scenario

MMIO_ANSWER = 0x33 << 32
"""Userspace answers an MMIO read with this and the low half of the address."""
FILL = 0x10E6
"""The first two bytes of a data page: an OUT instruction."""
RECORDED_PROCESSOR = Processor(
    rsvd_sets_p=False, tlb_survives_exit=False, next_rip=False, xchg_reads_first=True
)
"""QEMU's emulated processor."""
RECORDED_MAXPHYADDR = 40
MANUAL_PROTECT_ENABLE, INITIALLY_SET = 1, 2
"""Arguments of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2."""
HUGE = 512
FIRST_MADE_UP_PFN = 0xC_0000
"""From here on no recorded machine has memory: frames that no recording tells, and KVM's own."""
ZERO_PFN = 0xF_0000
"""The page of zeros."""


def paging_of(name: str) -> Paging:
    """Return how the recorded kernel translated: ``npt1-`` and ``tdp-`` name its parameters."""
    return Paging.NPT if name.startswith(("npt1-", "tdp-")) else Paging.SHADOW


def build(scenario: Scenario, epoch: Epoch) -> Kvm:
    """Return a VM without memory slots, with the recording's vCPUs."""
    host = Host(
        word_bits=scenario.host_bits,
        maxphyaddr=RECORDED_MAXPHYADDR,
        processor=RECORDED_PROCESSOR,
        first_table=FIRST_MADE_UP_PFN,
    )
    host.zero_pfn = ZERO_PFN
    kvm = Kvm(epoch=epoch, paging=paging_of(scenario.name), host=host)
    kvm.userspace_read = _answer
    if epoch.manual_dirty_log:
        protect = _argument(scenario, "manual_dirty")
        kvm.manual_dirty_log = bool(protect & MANUAL_PROTECT_ENABLE)
        kvm.dirty_log_initially_set = bool(protect & INITIALLY_SET)
    register_mmu_notifier(kvm)
    config = scenario.config
    for _ in range(scenario.vcpus):
        controls = Controls(
            cr0=config.cr0,
            cr3=config.cr3,
            cr4=config.cr4,
            efer=config.efer,
            maxphyaddr=RECORDED_MAXPHYADDR,
        )
        init_kvm_mmu(kvm.create_vcpu(controls))
    return kvm


def _argument(scenario: Scenario, name: str) -> int:
    """Return the number that the scenario's arguments give *name*, or 0."""
    given = dict(arg.partition("=")[::2] for arg in scenario.config.args)
    return int(given.get(name, "0"))


def _answer(gpa: int, size: int) -> int:
    """Return what userspace answers to an MMIO read."""
    return MMIO_ANSWER | gpa & 0xFFFF_FFFF


def is_made_up(pfn: int) -> bool:
    """Whether the model made *pfn* up because no recording had told the frame."""
    return FIRST_MADE_UP_PFN <= pfn < 1 << RECORDED_MAXPHYADDR - PAGE_SHIFT


def place_frames(kvm: Kvm, scenario: Scenario, after_op: int) -> dict[int, int]:
    """Put the recorded frames behind the slots, as they were after operation *after_op*.

    A page that already has a frame which the model made up keeps it: sptes hold it.

    :returns: for such frames: which frame it really is
    """
    told: dict[int, int] = {}
    for frames in scenario.frames:
        if frames.after_op == after_op:
            told |= _place(kvm, frames)
    return told


def _place(kvm: Kvm, frames: Frames) -> dict[int, int]:
    told: dict[int, int] = {}
    slot = kvm.memslots.slots.get(frames.slot)
    if slot is None:
        return told
    for run in frames.runs:
        for i in range(run.count):
            hva, pfn = slot.hva(run.gfn + i), run.pfn + i
            old = kvm.host.ptes.get(hva)
            if old is None or (old.pfn != pfn and not is_made_up(old.pfn)):
                kvm.host.map_page(hva, pfn)
            elif is_made_up(old.pfn) and old.pfn != ZERO_PFN:
                told[old.pfn] = pfn
        _mark_huge(kvm, slot, run)
    return told


def _mark_huge(kvm: Kvm, slot: MemSlot, run: FrameRun) -> None:
    """Note frames that lie as a transparent huge page does.

    The first and last huge page of a buffer may stick out of the slot.
    """
    page = slot.hva(run.gfn) >> PAGE_SHIFT
    if (page ^ run.pfn) & HUGE - 1:
        return
    at_start, at_end = run.gfn == slot.base_gfn, run.gfn + run.count == slot.end_gfn
    for first in range(page & -HUGE, page + run.count, HUGE):
        inside = range(max(first, page), min(first + HUGE, page + run.count))
        frames = range(run.pfn + inside.start - page, run.pfn + inside.stop - page)
        if len(inside) == HUGE:
            kvm.host.transparent_huge.update(frames)
        whole = inside.start == first or at_start, inside.stop == first + HUGE or at_end
        if all(whole):
            kvm.host.compound.update(frames)


def invalidate_whole_frame(kvm: Kvm, slot: MemSlot, gfn: int) -> None:
    """Tell KVM that the 2 MiB of host memory around *gfn* change, if all are the slot's.

    The recorded host does so before it gives back a page of them, whether or
    not they are a huge page.
    """
    size = HUGE << PAGE_SHIFT
    start = slot.hva(gfn) & -size
    end = slot.userspace_addr + (slot.npages << PAGE_SHIFT)
    if slot.userspace_addr <= start and start + size <= end:
        kvm.host.before_unmap(start, start + size)


def fill_slot(kvm: Kvm, slot_id: int) -> None:
    """Give fresh pages of a slot their first word, which tells the page's gpa."""
    slot = kvm.memslots.slots[slot_id]
    for gfn in range(slot.base_gfn, slot.end_gfn):
        gpa = gfn << PAGE_SHIFT
        kvm.host.memory.write(gpa_to_hpa(kvm, gpa, write=True), gpa << 16 | FILL, 8)


def write_tables(kvm: Kvm, scenario: Scenario, slot_id: int) -> None:
    """Write the guest's page tables into a slot, clearing what was there."""
    slot = kvm.memslots.slots[slot_id]
    for table in scenario.initial_guest_tables:
        if table.gpa >> PAGE_SHIFT not in slot:
            continue
        hpa = gpa_to_hpa(kvm, table.gpa, write=True)
        kvm.host.memory.page(hpa >> PAGE_SHIFT)[:] = [0] * (PAGE_SIZE // 8)
        for index, entry in table.entries.items():
            kvm.host.memory.write(hpa + index * table.entry_size, entry, table.entry_size)
