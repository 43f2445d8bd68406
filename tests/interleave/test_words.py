import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.interleave.words import Part, Place, Word, cut, extract, insert, mask

NARROW, WIDE = Word("n", 32), Word("w", 64)
VALUES = st.integers(0, (1 << 64) - 1)
WHERE = st.sampled_from([(NARROW, Part.WHOLE), *((WIDE, part) for part in Part)])


@pytest.mark.parametrize(
    ("word", "part", "bits"),
    [
        (NARROW, Part.WHOLE, 0xFFFF_FFFF),
        (WIDE, Part.WHOLE, 0xFFFF_FFFF_FFFF_FFFF),
        (WIDE, Part.LOW, 0x0000_0000_FFFF_FFFF),
        (WIDE, Part.HIGH, 0xFFFF_FFFF_0000_0000),
    ],
)
def test_the_bits_of_a_part(word: Word, part: Part, bits: int) -> None:
    assert mask(word, part) == bits


def test_a_half_is_taken_out_and_put_in() -> None:
    value = 0x1111_2222_3333_4444
    assert extract(value, WIDE, Part.HIGH) == 0x1111_2222
    assert insert(value, WIDE, Part.HIGH, 0xF_AAAA_BBBB) == 0xAAAA_BBBB_3333_4444
    assert insert(value, WIDE, Part.LOW, 0xF_AAAA_BBBB) == 0x1111_2222_AAAA_BBBB


@given(WHERE, VALUES, VALUES)
def test_what_is_put_in_comes_out_cut_and_nothing_else_changes(where, value: int, new: int) -> None:
    word, part = where
    value &= mask(word)
    after = insert(value, word, part, new)
    assert extract(after, word, part) == cut(new, word, part)
    assert after & ~mask(word, part) == value & ~mask(word, part)
    assert after == after & mask(word)


def test_places_are_written_as_people_write_them() -> None:
    assert [str(Place("spte", part)) for part in Part] == ["spte", "spte.low", "spte.high"]
