"""The pieces of memory that have a history of their own."""

from collections.abc import Iterator, Mapping

from mmuspec.interleave.expressions import reads
from mmuspec.interleave.operations import (
    CompareExchange,
    Load,
    Lock,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program
from mmuspec.interleave.words import HALF, SHIFT, Part, Place, extract

Location = str
"""The name of a word, or of a half of it."""

Pieces = Mapping[Location, int]
"""Values of locations."""


class Locations:
    """The locations of a program: its words; and both halves of a word that is touched by halves.

    An access to a whole word of the second kind is one access that touches two locations.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        halved = {
            place.word
            for thread in program.threads
            for instruction in thread.code
            for place in places(instruction.operation)
            if place.part is not Part.WHOLE
        }
        self.parts = {
            name: (Part.LOW, Part.HIGH) if name in halved else (Part.WHOLE,)
            for name in program.word
        }

    def touched(self, place: Place) -> tuple[Location, ...]:
        """Return the locations that an access to *place* touches."""
        if place.part is not Part.WHOLE:
            return (str(place),)
        return tuple(str(Place(place.word, part)) for part in self.parts[place.word])

    def split(self, place: Place, value: int) -> Pieces:
        """Return what each location holds when *place* holds *value*; bits too many are cut off."""
        if place.part is not Part.WHOLE:
            return {str(place): value & HALF}
        word, parts = self.program.word[place.word], self.parts[place.word]
        values = (extract(value, word, part) for part in parts)
        return dict(zip(self.touched(place), values, strict=True))

    def join(self, place: Place, pieces: Pieces) -> int:
        """Return what *place* holds, from what its locations hold."""
        if place.part is not Part.WHOLE:
            return pieces[str(place)]
        shifts = (SHIFT[part] for part in self.parts[place.word])
        return sum(pieces[name] << n for name, n in zip(self.touched(place), shifts, strict=True))

    def initial(self) -> Pieces:
        """Return what every location holds at first."""
        return {
            piece: value
            for word in self.program.words
            for piece, value in self.split(Place(word.name), word.initial).items()
        }


def places(operation: Operation) -> Iterator[Place]:
    """Yield the places that *operation* touches."""
    match operation:
        case Load(_, place) | Store(place, _) | Update(_, place, _, _):
            yield place
        case CompareExchange(_, place, _, _):
            yield place
        case Lock(word) | Unlock(word):
            yield Place(word)
        case WaitUntil(condition):
            yield from reads(condition)


def places_read(operation: Operation) -> tuple[Place, ...]:
    """Return the places whose value *operation* needs."""
    return () if isinstance(operation, Store | Unlock) else tuple(places(operation))


def places_written(operation: Operation) -> tuple[Place, ...]:
    """Return the places that *operation* may write."""
    return () if isinstance(operation, Load | WaitUntil) else tuple(places(operation))
