"""The fields of a packed state: each holds the number of a value, not the value."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from mmuspec.fast.explorer.model import HALF_BITS, SECOND

T = TypeVar("T", bound=Hashable)


class TooNarrow(Exception):
    """A field met more values than it has numbers for: the layout has to be made anew."""


class TooWide(Exception):
    """The fields do not fit into a packed state."""


class Codes(Generic[T]):
    """The values that a field was seen to hold, numbered as they are met.

    :param values: those that are known; the first is number 0
    """

    def __init__(self, values: Iterable[T]) -> None:
        self.values: list[T] = []
        self.numbers: dict[T, int] = {}
        self.sure = True
        """Whether the field can hold no other values."""
        for value in values:
            self.number(value)

    def number(self, value: T) -> int:
        """Return the number of *value*, a new one if need be."""
        number = self.numbers.get(value)
        if number is None:
            number = self.numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def bits(self, spare: int) -> int:
        """Return how many bits a number has; with some to spare if there may be more values."""
        return (len(self.values) - 1).bit_length() + (0 if self.sure else spare)


class Field(Generic[T]):
    """A part of a packed state.

    :param codes: what its numbers mean
    """

    def __init__(self, codes: Codes[T], shift: int, bits: int) -> None:
        self.codes, self.shift, self.bits = codes, shift, bits
        self.ones = (1 << bits) - 1
        self.mask = self.ones << shift

    def get(self, state: int) -> T:
        """Return the value that it has in *state*."""
        return self.codes.values[state >> self.shift & self.ones]

    def put(self, value: T) -> int:
        """Return its bits when it holds *value*.

        :raises TooNarrow: if it has no room for the number
        """
        number = self.codes.number(value)
        if number > self.ones:
            raise TooNarrow
        return number << self.shift


def arrange(first: list[int], rest: list[int], wide: bool) -> list[int]:
    """Find places for parts of these sizes; return their shifts.

    :param first: sizes of those that have to be in the first half
    :param wide: whether there is a second half
    :raises TooWide: if there is not enough room
    """
    shifts, free = [], 0
    for size in first:
        shifts.append(free)
        free += size
    room = [HALF_BITS - free, HALF_BITS if wide else 0]
    ends = HALF_BITS, SECOND + HALF_BITS
    found = [0] * len(rest)
    for number in sorted(range(len(rest)), key=lambda n: (-rest[n], n)):
        half = 0 if rest[number] <= room[0] else 1
        found[number] = ends[half] - room[half]
        room[half] -= rest[number]
    if min(room) < 0:
        raise TooWide
    return shifts + found
