import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.interleave.axiomatic.order import ImpossibleError, Order

SIZE = 6
PAIRS = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=12)


def closure(pairs: list[tuple[int, int]]) -> set[tuple[int, int]]:
    found = set(pairs)
    for middle in range(SIZE):
        found |= {(a, d) for a, b in found for c, d in found if b == middle == c}
    return found


@given(PAIRS)
def test_it_is_the_transitive_closure_and_has_no_cycle(pairs: list[tuple[int, int]]) -> None:
    order = Order([0] * SIZE)
    added: list[tuple[int, int]] = []
    for first, second in pairs:
        expected = closure([*added, (first, second)])
        if any(a == b for a, b in expected):
            with pytest.raises(ImpossibleError):
                order.add(first, second)
        else:
            order.add(first, second)
            added.append((first, second))
        known = {(a, b) for a in range(SIZE) for b in range(SIZE) if order.precedes(a, b)}
        assert known == closure(added)


def test_what_joins_comes_after_what_its_earlier_ones_come_after() -> None:
    order = Order([0, 0])
    order.add(0, 1)
    order.join([1])
    assert (order.precedes(0, 2), order.precedes(2, 0)) == (True, False)


def test_a_copy_goes_its_own_way() -> None:
    order = Order([0, 0])
    order.copy().add(0, 1)
    assert not order.precedes(0, 1)
