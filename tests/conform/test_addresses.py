"""Chosen addresses: one for each page, and no two pages at one while both exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.conform.addresses import DIRECT_MAP, AddressBook
from mmuspec.conform.settlement import Clash, Space
from mmuspec.scenario.stage import FIRST_MADE_UP_PFN

SET_SPTE = "kvm_mmu_set_spte"
TABLE = FIRST_MADE_UP_PFN
"""A table of the model; the later ones follow."""


def mention(book: AddressBook, operation: int, table: int, recorded: int, index: int = 1) -> bool:
    """Let both sides mention entry *index* of a table, by physical address."""
    book.operation = operation
    ours, theirs = (f"{page << 12 | index * 8:x}" for page in (TABLE + table, recorded))
    return book.match(SET_SPTE, "sptep_pa", {"sptep_pa": ours}, {"sptep_pa": theirs})[0]


def clashes(book: AddressBook) -> list[Clash]:
    return list(book.settle().clashes())


def operations(book: AddressBook) -> list[int]:
    return sorted(clash.mention.operation for clash in clashes(book))


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=30))
def test_any_one_to_one_renaming_agrees(names: list[int], mentioned: list[int]) -> None:
    book = AddressBook(64)
    for operation, table in enumerate(mentioned, 1):
        assert mention(book, operation, table, 0x7000 + names[table])
    assert clashes(book) == []


def test_the_place_in_the_table_is_not_chosen() -> None:
    book = AddressBook(64)
    pair = {"sptep_pa": f"{TABLE:x}008"}, {"sptep_pa": "7000010"}
    assert not book.match(SET_SPTE, "sptep_pa", *pair)[0]


def test_fewer_mentions_are_wrong() -> None:
    book = AddressBook(64)
    for operation, recorded in ((1, 0x7000), (2, 0x7001), (3, 0x7000)):
        mention(book, operation, 0, recorded)
    [clash] = clashes(book)
    assert (clash.mention.operation, clash.expected, clash.others) == (2, 0x7000, (1, 3))


def test_where_nothing_decides_all_are_reported() -> None:
    book = AddressBook(64)
    mention(book, 1, 0, 0x7000)
    mention(book, 2, 0, 0x7001)
    assert operations(book) == [1, 2]
    assert {clash.expected for clash in clashes(book)} == {None}


def test_an_address_that_is_no_memory_is_wrong() -> None:
    book = AddressBook(64)
    mention(book, 1, 0, 0x7000)
    mention(book, 2, 0, 0xFFF_FFFF)
    assert operations(book) == [2]


def test_another_page_decides() -> None:
    book = AddressBook(64)
    for operation in (1, 2, 3):
        mention(book, operation, 1, 0x7001)
    mention(book, 4, 0, 0x7000)
    mention(book, 5, 0, 0x7001)
    assert operations(book) == [5]


@pytest.mark.parametrize(("freed", "wrong"), [({}, [1, 2]), ({TABLE: 2}, []), ({TABLE: 3}, [1, 2])])
def test_two_tables_share_an_address_only_one_after_the_other(
    freed: dict[int, int], wrong: list[int]
) -> None:
    book = AddressBook(64, freed=freed)
    mention(book, 1, 0, 0x7000)
    mention(book, 2, 1, 0x7000)
    assert operations(book) == wrong
    assert book.settle().reused() == 1


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("hashed", [False, True])
def test_pointers_are_physical_addresses_unless_hashed(bits: int, hashed: bool) -> None:
    book = AddressBook(bits)
    base = 0x1234_5000 if hashed else DIRECT_MAP[bits]
    for operation, page in ((1, 0x7000), (2, 0x7000), (3, 0x7001)):
        mention(book, operation, page - 0x7000, page)
    book.operation = 4
    pointer = {"sptep_hash": f"{base + (0x7001 << 12):x}"}
    ours = {"sptep_hash": f"{TABLE + 1 << 12:x}"}
    assert book.match("mark_mmio_spte", "sptep_hash", ours, pointer)[0]
    assert clashes(book) == []
    spaces = {m.space for m in book.settle().accepted}
    assert spaces == ({Space.TABLE, Space.POINTER} if hashed else {Space.TABLE})


@pytest.mark.parametrize(("ours", "theirs"), [("0", "7000008"), (f"{TABLE:x}000", "0")])
def test_no_address_is_not_an_address(ours: str, theirs: str) -> None:
    pair = {"sptep_hash": ours}, {"sptep_hash": theirs}
    assert not AddressBook(64).match("fast_page_fault", "sptep_hash", *pair)[0]


# --- frames -----------------------------------------------------------------------------


def spte(book: AddressBook, operation: int, ours: int, theirs: int) -> bool:
    book.operation = operation
    pair = {"spte": f"{ours:x}"}, {"spte": f"{theirs:x}"}
    return book.match(SET_SPTE, "spte", *pair)[0]


def test_a_frame_that_is_told_is_exact() -> None:
    book = AddressBook(64)
    assert spte(book, 1, 0x1F55_E67, 0x1F55_E67)
    assert not spte(book, 2, 0x1F55_E67, 0x1F56_E67)
    assert not book.mentions


def test_all_other_bits_of_an_spte_are_exact() -> None:
    assert not spte(AddressBook(64), 1, 0xC000_0E67, 0xC000_0E65)


def test_a_frame_that_is_told_later_was_to_be_that_one() -> None:
    book = AddressBook(64)
    made_up = FIRST_MADE_UP_PFN + 5
    assert spte(book, 1, made_up << 12 | 0x67, 0x3310_067)
    assert clashes(book) == []
    book.told[made_up] = 0x3311
    [clash] = clashes(book)
    assert clash.expected == 0x3311


def test_two_frames_are_not_one() -> None:
    book = AddressBook(64)
    for operation, page in ((1, 5), (2, 6), (3, 5)):
        spte(book, operation, FIRST_MADE_UP_PFN + page << 12 | 0x67, 0x3310_067)
    assert operations(book) == [2]
