import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.x86.controls import CR0_WP, CR4_PGE, CR4_PSE, CR4_SMEP, EFER_NX, Controls
from mmuspec.x86.entry import PAGE_SIZE, PS, RW, US, XD, A, D, G, P
from mmuspec.x86.exceptions import GeneralProtection, LinearAddressError, PageFault
from mmuspec.x86.memory import PhysicalMemory
from mmuspec.x86.mode import LEGACY32, LONG4, PAE, PagingMode
from mmuspec.x86.pferr import READ, Pferr
from mmuspec.x86.walk import Accessed, load_pdptes, walk

from .tables import ALL, CONTROLS, LONG, NO_PAGING32, PAE32, PLAIN32, PSE32, ROOT, Tables

LINEAR = 0x4060_5123
FRAME = 0x77_7000
SIZES = [(LEGACY32, 1), (LEGACY32, 2), (PAE, 1), (PAE, 2), (LONG4, 1), (LONG4, 2), (LONG4, 3)]


def fault(tables: Tables, controls: Controls, access: Pferr, linear: int = LINEAR) -> int:
    with pytest.raises(PageFault) as caught:
        walk(tables.memory, controls, linear, access)
    assert caught.value.cr2 == linear
    return int(caught.value.error_code)


def test_no_paging_translates_to_itself() -> None:
    found = walk(PhysicalMemory(), NO_PAGING32, LINEAR, Pferr.W | Pferr.U)
    assert (found.physical, found.page_size, found.path) == (LINEAR, PAGE_SIZE, ())
    assert (found.level, found.dirty) == (0, True)


@pytest.mark.parametrize(("mode", "leaf"), SIZES)
def test_translation(mode: PagingMode, leaf: int) -> None:
    tables = Tables(mode)
    size = mode.page_size(leaf)
    frame = 0xC000_0000
    path = tables.map(LINEAR, frame, leaf=leaf)
    found = walk(tables.memory, CONTROLS[mode], LINEAR)
    assert found.physical == frame | LINEAR & (size - 1)
    assert (found.level, found.page_size) == (leaf, size)
    assert (found.rw, found.us, found.xd, found.global_, found.dirty) == (True, True) + (False,) * 3
    assert found.path == tuple(path[1:] if mode is PAE else path)


@pytest.mark.parametrize(("mode", "leaf"), SIZES)
def test_accessed_everywhere_dirty_in_the_leaf_for_writes(mode: PagingMode, leaf: int) -> None:
    tables = Tables(mode)
    tables.map(LINEAR, 0, leaf=leaf)
    found = walk(tables.memory, CONTROLS[mode], LINEAR)
    assert [tables.get(at) & (A | D) for at in found.path] == [A] * len(found.path)
    found = walk(tables.memory, CONTROLS[mode], LINEAR, Pferr.W)
    assert found.dirty
    assert [tables.get(at) & D for at in found.path] == [0] * (len(found.path) - 1) + [D]


def test_a_pae_pdpte_has_no_accessed_flag() -> None:
    tables = Tables(PAE)
    pdpte, *_ = tables.map(LINEAR, FRAME)
    before = tables.get(pdpte)
    walk(tables.memory, PAE32, LINEAR, Pferr.W)
    assert tables.get(pdpte) == before


def test_a_fault_leaves_flags_alone_or_sets_a_on_the_way() -> None:
    """The architecture allows both; each is asked for by name."""
    tables = Tables(LONG4)
    path = tables.map(LINEAR, FRAME, P)
    fault(tables, LONG, Pferr.U)
    assert [tables.get(at) & A for at in path] == [0, 0, 0, 0]
    with pytest.raises(PageFault):
        walk(tables.memory, LONG, LINEAR, Pferr.U, accessed=Accessed.DURING_WALK)
    assert [tables.get(at) & A for at in path] == [A, A, A, 0]


def test_rights_are_those_of_every_entry() -> None:
    tables = Tables(LONG4)
    path = tables.map(LINEAR, FRAME)
    for at, change in zip(path, (RW, US, XD, 0), strict=True):
        tables.put(at, tables.get(at) ^ change)
    found = walk(tables.memory, LONG, LINEAR)
    assert (found.rw, found.us, found.xd) == (False, False, True)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_not_present_at_any_level(level: int) -> None:
    tables = Tables(LONG4)
    path = tables.map(LINEAR, FRAME)
    tables.put(path[level], (1 << 64) - 1 & ~P)
    assert fault(tables, LONG, Pferr.W | Pferr.U) == 0b110


@pytest.mark.parametrize("bit", [40, 51])
def test_reserved_bits_come_with_p_and_ignored_bits_are_ignored(bit: int) -> None:
    tables = Tables(LONG4)
    path = tables.map(LINEAR, FRAME)
    tables.put(path[1], tables.get(path[1]) | 1 << bit)
    assert fault(tables, LONG, Pferr.W) == 0b1011
    tables.put(path[1], tables.get(path[1]) ^ 1 << bit | 1 << 52 | 1 << 62)
    assert walk(tables.memory, LONG, LINEAR, Pferr.W).dirty


def test_reserved_goes_before_permission() -> None:
    tables = Tables(LONG4)
    path = tables.map(LINEAR, FRAME, P)
    tables.put(path[3], tables.get(path[3]) | 1 << 40)
    assert fault(tables, LONG, Pferr.W | Pferr.U) == 0b1111


@pytest.mark.parametrize(
    ("controls", "code"),
    [
        (LONG, 0b10000),
        (LONG.with_(efer=LONG.efer & ~EFER_NX), 0),
        (LONG.with_(efer=LONG.efer & ~EFER_NX, cr4=LONG.cr4 | CR4_SMEP), 0b10000),
        (PLAIN32.with_(efer=EFER_NX), 0),
        (PLAIN32.with_(cr4=CR4_SMEP), 0b10000),
    ],
)
def test_the_fetch_flag_is_reported_only_where_fetches_can_be_forbidden(
    controls: Controls, code: int
) -> None:
    with pytest.raises(PageFault) as caught:
        walk(PhysicalMemory(), controls, LINEAR, Pferr.F)
    assert caught.value.error_code == code


def test_write_protection() -> None:
    tables = Tables(LONG4)
    tables.map(LINEAR, FRAME, P | US)
    assert fault(tables, LONG, Pferr.W) == 0b011
    assert fault(tables, LONG, Pferr.W | Pferr.U) == 0b111
    assert walk(tables.memory, LONG.with_(cr0=LONG.cr0 & ~CR0_WP), LINEAR, Pferr.W).dirty


def test_pse_clear_makes_ps_an_ignored_bit() -> None:
    tables = Tables(LEGACY32)
    path = tables.map(LINEAR, FRAME)
    tables.put(path[0], tables.get(path[0]) | PS)
    assert walk(tables.memory, PLAIN32, LINEAR).level == 1
    assert walk(tables.memory, PSE32, LINEAR).level == 2


@given(st.integers(0, (1 << 40) - 1))
def test_pse36_reaches_40_bits(address: int) -> None:
    tables = Tables(LEGACY32)
    base, inside = address & -(1 << 22), address & ((1 << 22) - 1)
    tables.map(inside, base & 0xFFFF_FFFF | base >> 32 << 13, leaf=2)
    assert walk(tables.memory, PSE32, inside).physical == address


def test_pse36_stops_at_maxphyaddr() -> None:
    tables = Tables(LEGACY32)
    tables.map(LINEAR, 1 << 17, leaf=2)
    assert walk(tables.memory, PSE32.with_(maxphyaddr=40), LINEAR).physical >> 32 == 1 << 4
    assert fault(tables, PSE32.with_(maxphyaddr=36), READ) == 0b1001


def test_global_needs_pge() -> None:
    tables = Tables(LONG4)
    tables.map(LINEAR, FRAME, ALL | G)
    assert not walk(tables.memory, LONG, LINEAR).global_
    assert walk(tables.memory, LONG.with_(cr4=LONG.cr4 | CR4_PGE), LINEAR).global_


@pytest.mark.parametrize("linear", [1 << 47, (1 << 64) - (1 << 47) - 1, 1 << 63, 1 << 64])
def test_addresses_that_are_not_canonical(linear: int) -> None:
    with pytest.raises(GeneralProtection, match="not canonical"):
        walk(PhysicalMemory(), LONG, linear)


@pytest.mark.parametrize("linear", [(1 << 47) - 1, (1 << 64) - (1 << 47), (1 << 64) - 1])
def test_canonical_addresses_are_walked(linear: int) -> None:
    with pytest.raises(PageFault):
        walk(PhysicalMemory(), LONG, linear)


@pytest.mark.parametrize("controls", [NO_PAGING32, PSE32, PAE32])
def test_a_33_bit_address_is_an_error_of_the_caller(controls: Controls) -> None:
    with pytest.raises(LinearAddressError, match="32-bit addresses"):
        walk(PhysicalMemory(), controls, 1 << 32)


class TestPdptes:
    """PDPTEs are registers, loaded and checked by MOV to CR3."""

    def test_loaded_from_a_32_byte_boundary(self) -> None:
        memory = PhysicalMemory()
        for number in range(4):
            memory.write(ROOT + 0x20 + 8 * number, (number + 1) << 12, 8)
        controls = PAE32.with_(cr3=ROOT + 0x20 + 0x1F)
        assert load_pdptes(memory, controls) == (0x1000, 0x2000, 0x3000, 0x4000)

    @pytest.mark.parametrize("bit", [1, 2, 5, 6, 7, 8, 40, 52, 63])
    def test_reserved_bits_of_a_present_one_cannot_be_loaded(self, bit: int) -> None:
        memory = PhysicalMemory()
        memory.write(ROOT + 8, 1 << bit, 8)
        assert load_pdptes(memory, PAE32)[1] == 1 << bit
        memory.write(ROOT + 8, 1 << bit | P, 8)
        with pytest.raises(GeneralProtection, match="PDPTE1"):
            load_pdptes(memory, PAE32)

    def test_memory_does_not_matter_after_the_load(self) -> None:
        tables = Tables(PAE)
        pdpte, *_ = tables.map(LINEAR, FRAME)
        loaded = load_pdptes(tables.memory, PAE32)
        tables.put(pdpte, 0)
        assert walk(tables.memory, PAE32, LINEAR, pdptes=loaded).physical == FRAME | LINEAR & 0xFFF
        assert fault(tables, PAE32, Pferr.U) == 0b100

    def test_not_present(self) -> None:
        tables = Tables(PAE)
        tables.map(LINEAR, FRAME)
        with pytest.raises(PageFault) as caught:
            walk(tables.memory, PAE32, LINEAR, Pferr.W, pdptes=(0, 0, 0, 0))
        assert caught.value.error_code == Pferr.W


@given(
    st.sampled_from(SIZES),
    st.lists(st.integers(0, (1 << 64) - 1), min_size=4, max_size=4),
    st.integers(0, (1 << 32) - 1),
    st.sampled_from([0, 2, 4, 6, 16, 20]),
)
def test_a_walk_changes_nothing_but_a_and_d(
    size: tuple[PagingMode, int], noise: list[int], linear: int, access: int
) -> None:
    """Whatever the flags: a fault changes nothing, a success sets A, and D for a write."""
    mode, leaf = size
    tables = Tables(mode)
    path = tables.map(linear, 0, leaf=leaf)
    keep = RW | US | A | D | P
    for at, bits in zip(path[1:] if mode is PAE else path, noise, strict=False):
        tables.put(at, tables.get(at) & ~keep | bits & keep)
    before = [tables.get(at) for at in path]
    try:
        found = walk(tables.memory, CONTROLS[mode], linear, access)
    except PageFault:
        assert [tables.get(at) for at in path] == before
        return
    added = [tables.get(at) ^ old for at, old in zip(path, before, strict=True)]
    assert not any(new & ~(A | D) for new in added)
    assert not any(new & D for new in added[:-1])
    assert all(tables.get(at) & A for at in found.path)
    assert found.dirty == bool(tables.get(path[-1]) & D)
    assert found.dirty or not access & Pferr.W


@given(st.sampled_from(SIZES), st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 32) - 1))
def test_a_page_is_mapped_as_a_whole(size: tuple[PagingMode, int], linear: int, other: int) -> None:
    """Two addresses of a page differ by as much physically as they do linearly."""
    mode, leaf = size
    tables = Tables(mode)
    tables.map(linear, 0xC000_0000, leaf=leaf)
    first = walk(tables.memory, CONTROLS[mode], linear)
    inside = first.page_size - 1
    other = linear & ~inside | other & inside
    second = walk(tables.memory, CONTROLS[mode], other)
    assert second.physical - first.physical == other - linear
    assert second.path == first.path


def test_pse_has_no_say_in_pae_paging() -> None:
    tables = Tables(PAE)
    tables.map(LINEAR, 0, leaf=2)
    for controls in (PAE32, PAE32.with_(cr4=PAE32.cr4 | CR4_PSE)):
        assert walk(tables.memory, controls, LINEAR).level == 2
