from hypothesis import given
from hypothesis import strategies as st

from mmuspec.trace.address_map import AddressMap, Match


def test_an_address_keeps_its_counterpart() -> None:
    pages = AddressMap()
    assert pages.match(1, 10) is Match.NEW
    assert pages.match(2, 20) is Match.NEW
    assert pages.match(1, 10) is Match.SAME
    assert pages.match(1, 20) is Match.CONFLICT


def test_neither_side_may_be_shared() -> None:
    pages = AddressMap()
    pages.match(1, 10)
    assert pages.match(2, 10) is Match.CONFLICT
    assert pages.match(3, 10) is Match.CONFLICT


def test_a_freed_address_may_come_back_as_another() -> None:
    pages = AddressMap()
    pages.match(1, 10)
    pages.release()
    assert pages.match(2, 10) is Match.REUSED
    assert pages.match(2, 10) is Match.SAME
    assert pages.match(1, 10) is Match.CONFLICT


def test_an_address_met_since_the_release_was_not_freed() -> None:
    pages = AddressMap()
    pages.match(1, 10)
    pages.release()
    pages.match(1, 10)
    assert pages.match(2, 10) is Match.CONFLICT


@given(st.lists(st.integers(0, 20)), st.permutations(range(21)))
def test_a_permutation_never_conflicts(addresses: list[int], chosen: list[int]) -> None:
    pages = AddressMap()
    assert Match.CONFLICT not in [pages.match(a, chosen[a]) for a in addresses]
