from hypothesis import given
from hypothesis import strategies as st

from mmuspec.interleave.axiomatic.locations import Locations, places_read, places_written
from mmuspec.interleave.expressions import Const, Op, Read
from mmuspec.interleave.operations import (
    CompareExchange,
    Fence,
    Load,
    Lock,
    Store,
    Unlock,
    WaitUntil,
)
from mmuspec.interleave.words import Part, Place, Word, insert
from tests.interleave.shapes import X1, A, X, Y, protocol

WORDS = (Word("x", 64, 5 << 32 | 6), Word("y", 64, 7 << 32 | 8))
LOW, HIGH = Place("x", Part.LOW), Place("x", Part.HIGH)
LOCATIONS = Locations(protocol((Load("a", HIGH), Load("b", X), Load("c", Y)), words=WORDS))


def test_only_a_word_that_is_touched_by_halves_has_two_locations() -> None:
    assert [LOCATIONS.touched(place) for place in (X, LOW, HIGH, Y)] == [
        ("x.low", "x.high"), ("x.low",), ("x.high",), ("y",)
    ]  # fmt: skip
    assert LOCATIONS.initial() == {"x.low": 6, "x.high": 5, "y": 7 << 32 | 8}


@given(st.sampled_from([X, LOW, HIGH, Y]), st.integers(0, 1 << 70))
def test_split_and_join(place: Place, value: int) -> None:
    word = next(word for word in WORDS if word.name == place.word)
    pieces = {**LOCATIONS.initial(), **LOCATIONS.split(place, value)}
    assert LOCATIONS.join(Place(place.word), pieces) == insert(
        word.initial, word, place.part, value
    )
    assert LOCATIONS.join(place, pieces) == value & ((1 << (64 if place in (X, Y) else 32)) - 1)


def test_what_is_read_and_what_is_written() -> None:
    exchange = CompareExchange("a", LOW, Const(0), Const(1))
    wait = WaitUntil(Op("==", (Read(X), Read(Y))))
    operations = (A, X1, exchange, wait, Lock("x"), Unlock("x"), Fence(), Store(HIGH, Const(1)))
    assert [places_read(op) for op in operations] == [
        (X,), (), (LOW,), (X, Y), (X,), (), (), ()
    ]  # fmt: skip
    assert [places_written(op) for op in operations] == [
        (), (X,), (LOW,), (), (X,), (X,), (), (HIGH,)
    ]  # fmt: skip
