"""Numbers of v3.11 that are known from elsewhere, each asked of the model."""

import itertools

import pytest

from mmuspec.epochs.versions import V3_11
from mmuspec.kvm.faults.mmio import kvm_current_mmio_generation
from mmuspec.kvm.guest.permissions import update_last_pte_bitmap, update_permission_bitmask
from mmuspec.kvm.rmaps.pte_list import (
    DESC_TAG,
    PteList,
    PteListDescCache,
    pte_list_add,
    pte_list_remove,
    pte_list_shape,
)
from mmuspec.kvm.rmaps.rmap import rmap_entries
from mmuspec.kvm.slots.notifier import kvm_mmu_notifier_change_pte
from mmuspec.kvm.sptes.mmio_mask import mmio_masks
from mmuspec.kvm.sptes.mmio_spte import MmioSpteFormat, generation_mmio_spte_mask
from mmuspec.kvm.sptes.spte import SpteMasks, ept_masks, legacy_masks
from mmuspec.kvm.state.page import ShadowPage
from mmuspec.kvm.state.role import Acc, Role
from mmuspec.kvm.state.vm import Kvm, Paging
from mmuspec.kvm.sync.pte_write import detect_write_misaligned, fetch_gentry
from mmuspec.scenario.machine import HVA_BASE, Machine
from mmuspec.x86.controls import CR0_WP, CR4_PAE, CR4_PSE, CR4_SMEP, EFER_NX, Controls
from mmuspec.x86.entry import RW, A, D, P
from mmuspec.x86.mode import LEGACY32, LONG4, PAE


@pytest.mark.parametrize(
    ("role", "word"),
    [
        (Role(level=1, cr4_pae=True, nxe=True, cr0_wp=True, access=7), 0xDC011),
        (Role(level=4, cr4_pae=True, nxe=True, cr0_wp=True, access=7), 0xDC014),
        (Role(level=4, direct=True, access=7), 0x1E004),
        (Role(level=1, quadrant=1, cr0_wp=True, access=7), 0x9C021),
        (Role(level=2, quadrant=3, smep_andnot_wp=True, access=7), 0x11C062),
    ],
)
def test_role_words(role: Role, word: int) -> None:
    assert role.word(V3_11.role_layout) == word


@pytest.mark.parametrize(
    ("mode", "paging", "word"),
    [("long4", Paging.SHADOW, 0xDC014), ("long4", Paging.EPT, 0x1E004)],
)
def test_roots_have_these_roles(mode: str, paging: Paging, word: int) -> None:
    m = Machine(mode, paging=paging)
    m.read(0x40_0000)
    assert m.pages()[0].role.word(V3_11.role_layout) == word


@pytest.mark.parametrize(
    ("generation", "mask"),
    [(524287, 0x3FF0000000000FF8), (1, 8), (0x1FF, 0xFF8), (0x200, 1 << 52)],
)
def test_generation_masks(generation: int, mask: int) -> None:
    assert generation_mmio_spte_mask(V3_11.generation, generation) == mask


GENERATIONS = [
    (0, 524137, False),
    (1, 524138, False),
    (2, 524139, False),
    (148, 524285, False),
    (149, 524286, True),
    (150, 524287, True),
    (151, 0, False),
    (152, 1, False),
]


@pytest.mark.parametrize(("slots", "mmio", "zaps"), GENERATIONS)
def test_mmio_generations(slots: int, mmio: int, zaps: bool) -> None:
    m = Machine()
    m.kvm.memslots.generation = slots - 1
    before = m.kvm.mmu_valid_gen
    m.memslot(0, 0, 0x20_0000, flags=1)
    assert m.kvm.memslots.generation == slots
    assert kvm_current_mmio_generation(m.kvm) == mmio
    assert m.kvm.mmu_valid_gen - before == zaps


def test_a_new_vm_starts_151_before_the_wrap() -> None:
    assert kvm_current_mmio_generation(Kvm()) == 0x7FF69


@pytest.mark.parametrize(
    ("maxphyaddr", "mask"),
    [
        (36, 0xC00FFFF000000001),
        (39, 0xC00FFF8000000001),
        (40, 0xC00FFF0000000001),
        (46, 0xC00FC00000000001),
        (48, 0xC00F000000000001),
        (52, 0xC000000000000000),
    ],
)
def test_mmio_masks(maxphyaddr: int, mask: int) -> None:
    assert mmio_masks(V3_11, maxphyaddr=maxphyaddr) == (mask, mask)
    ept = mmio_masks(V3_11, maxphyaddr=maxphyaddr, ept=True)
    assert ept == (0xC000000000000006, 0xC000000000000006)


@pytest.mark.parametrize(
    ("ept", "spte", "access"),
    [(False, 0xFFFFFFF0FEE00B4F, 6), (True, 0xFFF00000FEE00B4E, 0)],
)
def test_mmio_spte(ept: bool, spte: int, access: int) -> None:
    form = MmioSpteFormat(V3_11, mmio_masks(V3_11, maxphyaddr=36, ept=ept)[1])
    assert form.encode(0xFEE00, Acc.WRITE | Acc.USER, 0x7FF69) == spte
    assert (form.gfn(spte), form.access(spte), form.generation(spte)) == (0xFEE00, access, 0x7FF69)


PERMISSIONS = {
    # (NX, WP, SMEP): permissions[0..15]
    (1, 1, 0): "00 33 0f 3f 00 33 0f 3f 55 77 5f 7f 55 77 5f 7f",
    (1, 0, 0): "00 00 0f 3f 00 00 0f 3f 55 55 5f 7f 55 55 5f 7f",
    (1, 1, 1): "00 33 0f 3f 00 33 0f 3f f5 f7 5f 7f f5 f7 5f 7f",
    (0, 1, 0): "00 33 0f 3f 00 33 0f 3f 00 33 0f 3f 00 33 0f 3f",
    (1, 0, 1): "00 00 0f 3f 00 00 0f 3f f5 f5 5f 7f f5 f5 5f 7f",
}


@pytest.mark.parametrize("bits", PERMISSIONS)
def test_permissions(bits: tuple[int, int, int]) -> None:
    nx, wp, smep = bits
    controls = Controls(
        cr0=1 | 1 << 31 | (CR0_WP if wp else 0),
        cr4=CR4_PAE | (CR4_SMEP if smep else 0),
        efer=EFER_NX if nx else 0,
    )
    assert bytes(update_permission_bitmask(controls)) == bytes.fromhex(PERMISSIONS[bits])


def test_last_pte_bitmaps() -> None:
    small, large = Controls(cr4=0, efer=0), Controls(cr4=CR4_PSE, efer=0)
    assert update_last_pte_bitmap(small, LEGACY32) == 0x11
    assert update_last_pte_bitmap(large, LEGACY32) == 0x31
    assert update_last_pte_bitmap(Controls(), PAE) == 0x31
    assert update_last_pte_bitmap(Controls(), LONG4) == 0x71


def shape(descs: PteListDescCache, head: PteList) -> str:
    """Entries as small numbers: ``1/2/3 4/5``."""
    return " ".join("/".join(str(e // 8) for e in d) for d in pte_list_shape(descs, head))


def full_list() -> tuple[PteListDescCache, PteList, list[int]]:
    descs, head = PteListDescCache(), PteList()
    return descs, head, [pte_list_add(descs, head, 8 * n) for n in range(1, 12)]


def test_pte_list_adds() -> None:
    descs, head, counts = full_list()
    assert counts == [0, 1, 2, 0, 4, 5, 3, 7, 8, 6, 10]
    assert shape(descs, head) == "1/2/3 4/5/6 7/8/9 10/11"


def test_pte_list_removals() -> None:
    descs, head, _ = full_list()
    shapes = []
    for n in (2, 5, 4, 6, 1, 3, 7, 8, 9, 10, 11):
        pte_list_remove(descs, head, 8 * n)
        shapes.append(shape(descs, head))
        if n == 10:
            assert head.val & DESC_TAG
    assert shapes == [
        "1/3 4/5/6 7/8/9 10/11",
        "1/3 4/6 7/8/9 10/11",
        "1/3 6 7/8/9 10/11",
        "1/3 7/8/9 10/11",
        "3 7/8/9 10/11",
        "7/8/9 10/11",
        "9/8 10/11",
        "9 10/11",
        "10/11",
        "11",
        "",
    ]
    assert head.val == 0
    assert descs.descs == {}


def test_pte_list_of_one_may_stay_tagged() -> None:
    descs, head = PteListDescCache(), PteList()
    for sptep in (8, 16):
        pte_list_add(descs, head, sptep)
    pte_list_remove(descs, head, 16)
    assert head.val & DESC_TAG
    assert shape(descs, head) == "1"


def test_the_count_exceeds_1000_at_the_1002nd_add() -> None:
    descs, head = PteListDescCache(), PteList()
    counts = (pte_list_add(descs, head, 8 * n) for n in itertools.count(1))
    number, count = next((n, count) for n, count in enumerate(counts, 1) if count > 1000)
    assert (number, count) == (1002, 1001)


def flooded_table(m: Machine) -> tuple[int, int]:
    """Return (window, offset) of a level-2 table that is shadowed and can be written."""
    m.map(0x40_0000, 0x5000)
    m.map(0x40_1000, 0x6000)
    entry = m.entry(0x40_0000, 2)
    window = 0x80_0000_0000
    m.map(window, entry & ~0xFFF)
    m.read(0x40_0000)
    return window, 0x800


def test_the_third_write_floods() -> None:
    m = Machine()
    window, offset = flooded_table(m)
    for write in range(2):
        m.write(window + offset + 8 * write, 0)
    assert m.page(0x40_0000, 2).write_flooding_count == 2
    assert m.kvm.stats.mmu_flooded == 0
    m.write(window + offset + 16, 0)
    assert m.kvm.stats.mmu_flooded == 1


def test_a_traversal_starts_the_count_again() -> None:
    m = Machine()
    window, offset = flooded_table(m)
    for write in range(2):
        m.write(window + offset + 8 * write, 0)
    m.write(0x40_1000)
    for write in range(2):
        m.write(window + offset + 8 * write, 0)
    assert m.kvm.stats.mmu_flooded == 0


MISALIGNED = [(0x18, 1, False), (0x19, 1, True), (0x18, 2, True), (0x1C, 8, True), (0x18, 8, False)]


@pytest.mark.parametrize(("offset", "size", "bad"), MISALIGNED)
def test_misalignment(offset: int, size: int, bad: bool) -> None:
    sp = ShadowPage(gfn=0x10, role=Role(level=1, cr4_pae=True), spt=[0] * 512, hpa=0x8000_000)
    assert detect_write_misaligned(sp, 0x1_0000 + offset, size) is bad


def test_half_an_entry_becomes_a_whole_one_for_pae() -> None:
    m = Machine("pae")
    m.poke(0x5018, 0x1122334455667788)
    assert fetch_gentry(m.vcpu, 0x501C, 0x11223344, 4) == (0x5018, 0x1122334455667788, 8)


H, M = 1 << 10, 1 << 11
LEGACY = legacy_masks(V3_11, maxphyaddr=40)
NO_AD = ept_masks(V3_11, ad_bits=False)
VOLATILE = [
    # H and M, accessed mask, present, A, W, D: volatile
    *(
        (True, masks, p, a, w, d, True)
        for masks in (LEGACY, NO_AD)
        for p, a, w, d in ((1, 1, 1, 1),)
    ),
    *((False, NO_AD, p, a, w, d, False) for p, a, w, d in itertools.product((0, 1), repeat=4)),
    *((False, LEGACY, 0, a, w, d, False) for a, w, d in itertools.product((0, 1), repeat=3)),
    *((False, LEGACY, 1, 0, w, d, True) for w, d in itertools.product((0, 1), repeat=2)),
    *((False, LEGACY, 1, 1, 0, d, False) for d in (0, 1)),
    (False, LEGACY, 1, 1, 1, 1, False),
    (False, LEGACY, 1, 1, 1, 0, True),
]


@pytest.mark.parametrize(("both", "masks", "p", "a", "w", "d", "volatile"), VOLATILE)
def test_volatile_bits(
    both: bool, masks: SpteMasks, p: int, a: int, w: int, d: int, volatile: bool
) -> None:
    spte = (H | M if both else H) | P * p | A * a | RW * w | D * d
    assert masks.spte_has_volatile_bits(spte) is volatile


@pytest.mark.parametrize("neither", [0, H, M])
def test_lockless_modification_needs_both_bits(neither: int) -> None:
    assert not LEGACY.spte_is_locklessly_modifiable(neither)
    assert LEGACY.spte_is_locklessly_modifiable(H | M)


def state(m: Machine, gva: int = 0x40_0000) -> tuple[int, int, int]:
    """Return H, M and W of the leaf."""
    spte = m.spte(gva)
    return bool(spte & H), bool(spte & M), bool(spte & RW)


def test_legal_combinations_of_h_m_and_w() -> None:
    m = Machine(paging=Paging.EPT)
    m.map(0x40_0000, 0x5000)
    m.write(0x40_0000)
    assert state(m, 0x5000) == (1, 1, 1)
    m.memslot(0, 0, 0x20_0000, flags=1)
    assert state(m, 0x5000) == (1, 1, 0)
    pte = m.kvm.host.map_page(HVA_BASE + 0x5000, writable=False)
    kvm_mmu_notifier_change_pte(m.kvm, HVA_BASE + 0x5000, pte.pfn, writable=False)
    assert state(m, 0x5000) == (0, 1, 0)
    m.kvm.host.unmap_page(HVA_BASE + 0x6000)
    m.kvm.host.map_page(HVA_BASE + 0x6000, writable=False)
    m.map(0x40_1000, 0x6000)
    m.read(0x40_1000)
    assert state(m, 0x6000) == (0, 0, 0)


def test_a_shadowed_table_has_h_alone() -> None:
    m = Machine()
    m.map(0x40_0000, 0x5000)
    m.map(0x80_0000, m.entry(0x40_0000, 2) & ~0xFFF)
    m.read(0x40_0000)
    m.read(0x80_0000)
    assert state(m, 0x80_0000) == (1, 0, 0)
    assert m.spte(0x80_0000) in {
        m.kvm.spte_at(e) for e in rmap_entries(m.kvm, m.entry(0x40_0000, 2) >> 12)
    }
