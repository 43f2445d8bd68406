import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.x86.controls import EFER_NX, Controls
from mmuspec.x86.entry import PS, RW, US, XD, A, D, G, P, bits
from mmuspec.x86.mode import LEGACY32, LONG4, PAE, PagingMode
from mmuspec.x86.reserved import pse36_bits, reserved_bits

NXE = Controls(efer=EFER_NX, maxphyaddr=40)
NO_NXE = NXE.with_(efer=0)
LEVELS = [(mode, level) for mode in (LEGACY32, PAE, LONG4) for level in range(1, mode.levels + 1)]


@pytest.mark.parametrize(
    ("mode", "level", "large", "expected"),
    [
        (LEGACY32, 1, False, 0),
        (LEGACY32, 2, False, 0),
        (LEGACY32, 2, True, bits(21, 21)),
        (PAE, 1, False, bits(40, 62)),
        (PAE, 2, False, bits(40, 62)),
        (PAE, 2, True, bits(40, 62) | bits(13, 20)),
        (PAE, 3, False, bits(40, 63) | bits(1, 2) | bits(5, 8)),
        (LONG4, 1, False, bits(40, 51)),
        (LONG4, 2, False, bits(40, 51)),
        (LONG4, 2, True, bits(40, 51) | bits(13, 20)),
        (LONG4, 3, False, bits(40, 51)),
        (LONG4, 3, True, bits(40, 51) | bits(13, 29)),
        (LONG4, 4, False, bits(40, 51) | PS),
    ],
)
def test_reserved_bits_of_the_manual(
    mode: PagingMode, level: int, large: bool, expected: int
) -> None:
    assert reserved_bits(NXE, mode, level, large) == expected


@pytest.mark.parametrize(("mode", "level"), LEVELS)
def test_without_nxe_xd_is_reserved_in_every_8_byte_entry(mode: PagingMode, level: int) -> None:
    mask = reserved_bits(NO_NXE, mode, level, False)
    assert bool(mask & XD) is (mode is not LEGACY32)
    assert mask | XD == reserved_bits(NXE, mode, level, False) | XD


@pytest.mark.parametrize(
    ("maxphyaddr", "low"), [(32, 13), (33, 14), (36, 17), (39, 20), (40, 21), (46, 21)]
)
def test_pse36_reaches_min_of_40_and_maxphyaddr(maxphyaddr: int, low: int) -> None:
    controls = NXE.with_(maxphyaddr=maxphyaddr)
    assert reserved_bits(controls, LEGACY32, 2, True) == bits(low, 21)
    assert pse36_bits(maxphyaddr) == bits(13, low - 1)


@given(st.sampled_from(LEVELS), st.integers(32, 52), st.booleans())
def test_no_defined_bit_is_reserved(
    where: tuple[PagingMode, int], maxphyaddr: int, large: bool
) -> None:
    mode, level = where
    mask = reserved_bits(NXE.with_(maxphyaddr=maxphyaddr), mode, level, large)
    assert not mask & bits(52, 62) or mode is PAE
    if (mode, level) == (PAE, 3):
        assert not mask & P
    else:
        assert not mask & (P | RW | US | A | D | G)
