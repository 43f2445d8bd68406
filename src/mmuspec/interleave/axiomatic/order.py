"""A strict partial order of numbered things, kept transitively closed."""

from collections.abc import Iterable


class ImpossibleError(Exception):
    """This is no part of any execution."""


class Order:
    """What comes before what, among the numbers from 0 on; more of them can join."""

    def __init__(self, before: Iterable[int] = ()) -> None:
        self.before = list(before)
        """What comes before each thing, as the bits of a number."""

    def copy(self) -> "Order":
        """Return an order to go on with, apart from this one."""
        return Order(self.before)

    def join(self, earlier: Iterable[int]) -> None:
        """Let the next number join, after those that are *earlier*."""
        bits = 0
        for number in earlier:
            bits |= self.before[number] | 1 << number
        self.before.append(bits)

    def precedes(self, first: int, second: int) -> bool:
        """Tell whether *first* is known to come before *second*."""
        return bool(self.before[second] >> first & 1)

    def add(self, first: int, second: int) -> None:
        """Let *first* come before *second*.

        :raises ImpossibleError: if it comes after it, or is the same
        """
        if first == second or self.precedes(second, first):
            raise ImpossibleError
        new = self.before[first] | 1 << first
        if new & ~self.before[second]:
            for number, earlier in enumerate(self.before):
                if number == second or earlier >> second & 1:
                    self.before[number] = earlier | new
