from hypothesis import given
from hypothesis import strategies as st

from mmuspec.trace.align import align_twice

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=12)


def test_one_missing_event_does_not_move_the_others() -> None:
    recorded = [("walk", 1), ("element", 4), ("element", 3), ("page", 7)]
    model = [recorded[0], recorded[2], recorded[3]]
    assert list(align_twice(model, recorded)) == [(0, 0), (None, 1), (1, 2), (2, 3)]


def test_events_of_one_trace_point_meet_though_their_keys_differ() -> None:
    assert list(align_twice([("walk", 1), ("page", 7)], [("walk", 1), ("page", 8)])) == [
        (0, 0),
        (1, 1),
    ]


@given(EVENTS, EVENTS)
def test_every_event_appears_once_and_in_order(first: list, second: list) -> None:
    pairs = list(align_twice(first, second))
    assert [i for i, _ in pairs if i is not None] == list(range(len(first)))
    assert [j for _, j in pairs if j is not None] == list(range(len(second)))
    assert all(first[i][0] == second[j][0] for i, j in pairs if None not in (i, j))


@given(EVENTS)
def test_equal_lists_pair_off(events: list) -> None:
    assert list(align_twice(events, events)) == [(i, i) for i in range(len(events))]
