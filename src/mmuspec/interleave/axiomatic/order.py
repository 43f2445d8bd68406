"""A strict partial order of numbered things, kept transitively closed."""

from collections.abc import Iterable


class CycleError(Exception):
    """Two things would have to come before each other."""


class Order:
    """What comes before what, among the numbers from 0 to *size* - 1.

    :param size: how many things there are
    :param after: a set for each thing, as bits: what comes after it
    """

    def __init__(self, size: int, after: Iterable[int] = ()) -> None:
        self.after = list(after) or [0] * size

    def copy(self) -> "Order":
        """Return an order to go on with, apart from this one."""
        return Order(len(self.after), self.after)

    def precedes(self, first: int, second: int) -> bool:
        """Tell whether *first* is known to come before *second*."""
        return bool(self.after[first] >> second & 1)

    def add(self, first: int, second: int) -> None:
        """Let *first* come before *second*.

        :raises CycleError: if it comes after it, or is the same
        """
        if first == second or self.precedes(second, first):
            raise CycleError
        new = self.after[second] | 1 << second
        if new & ~self.after[first]:
            for number, later in enumerate(self.after):
                if number == first or later >> first & 1:
                    self.after[number] = later | new
