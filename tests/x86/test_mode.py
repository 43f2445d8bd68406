import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.x86.controls import EFER_LMA, EFER_LME, Controls
from mmuspec.x86.entry import bits
from mmuspec.x86.mode import LEGACY32, LONG4, NO_PAGING, PAE, PagingMode, mode_of

from .tables import LONG, NO_PAGING32, PAE32, PLAIN32


@pytest.mark.parametrize(
    ("controls", "mode"),
    [
        (LONG, LONG4),
        (PAE32, PAE),
        (PAE32.with_(efer=EFER_LME), PAE),
        (PLAIN32, LEGACY32),
        (NO_PAGING32, NO_PAGING),
        (NO_PAGING32.with_(efer=EFER_LME | EFER_LMA), NO_PAGING),
    ],
)
def test_mode_of(controls: Controls, mode: PagingMode) -> None:
    assert mode_of(controls) is mode


@given(st.sampled_from([LEGACY32, PAE, LONG4]), st.integers(0, (1 << 48) - 1))
def test_indices_and_offset_make_up_the_address(mode: PagingMode, linear: int) -> None:
    linear &= (1 << mode.linear_bits) - 1
    parts = [mode.index(linear, n) << mode.shift(n) for n in range(1, mode.levels + 1)]
    assert sum(parts) + (linear & 0xFFF) == linear


def test_page_sizes() -> None:
    assert [LONG4.page_size(n) for n in (1, 2, 3)] == [4 << 10, 2 << 20, 1 << 30]
    assert [LEGACY32.page_size(n) for n in (1, 2)] == [4 << 10, 4 << 20]


def test_bits_includes_both_ends() -> None:
    assert bits(4, 6) == 0b1110000
    assert bits(5, 5) == 1 << 5
    assert bits(6, 5) == 0
