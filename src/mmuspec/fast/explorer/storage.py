"""The states that were met: in the order in which they were met, and in a table by hash."""

from mmuspec.fast.explorer.context import (
    COUNT,
    FILL,
    LAST,
    NEXT,
    OLDER,
    RING_ROOM,
    ROOM,
    SEARCH_SIZE,
    SHIFT,
    STATES,
    TABLE,
)
from mmuspec.fast.explorer.machine_code import Kernel
from mmuspec.fast.explorer.memory import Arena, Block, Piece
from mmuspec.fast.explorer.model import SECOND, Model, OutOfMemory
from mmuspec.fast.explorer.tables import ONES, TOP

FIRST_BITS = 14
"""The table begins with 2 to this power places; each of two begins with half of them."""

SMALL_BITS = 21
"""A table smaller than this (each of two: than half) is made eight times larger, else twice.

Moving states to a larger table takes longer than to touch the memory of the largest at once.
"""

PART = 1 << 19
"""So many places of a table are moved at a time to a larger one, and given back."""

USED = 0.75, 0.9
"""How much of the table may be used: before it grows, and when it cannot."""


class Storage:
    """The states that the kernel met, and what it gets besides them.

    :param bound: how many bytes they may take
    :param room: how many numbers `piece` has to give away
    :param owners: among how many threads, 1 or 2, all states are divided
    """

    def __init__(
        self, model: Model, kernel: Kernel, bound: int, room: int, owners: int = 1
    ) -> None:
        self.model, self.kernel, self.bound, self.owners = model, kernel, bound, owners
        self.size = 2 if model.wide else 1
        self.arena = Arena(SEARCH_SIZE + room)
        record = self.arena.take(SEARCH_SIZE)
        self.row, self.address = record.view, record.address
        self.states, self.table = Block(0), Block(self.size)

    def piece(self, name: int, size: int) -> Piece:
        """Give the kernel a row of numbers."""
        piece = self.arena.take(size)
        self.row[name] = piece.address
        return piece

    def begin(self, here: bool) -> None:
        """Begin, if it is *here*, with the first state: in a table of one place."""
        self.states.grow(RING_ROOM * self.size)
        low, high = self.model.initial & ONES | TOP, self.model.initial >> SECOND
        if here:
            for view in (self.states.view, self.table.view):
                view[0] = low
                if self.model.wide:
                    view[1] = high
        self.row[COUNT] = here
        self.resize(FIRST_BITS - (self.owners - 1))

    def close(self) -> None:
        """Give the memory back."""
        self.states.free()
        self.table.free()

    @property
    def count(self) -> int:
        """How many states were met."""
        return self.row[COUNT]

    @property
    def bytes(self) -> int:
        """How many bytes the states take."""
        return (self.count * self.size + self.table.size) * 8

    def state(self, index: int) -> int:
        """Return state number *index*, without the bit that says that it is one."""
        at = index * self.size
        low = self.states.view[at] ^ TOP
        return low | self.states.view[at + 1] << SECOND if self.model.wide else low

    def ask(self, task: int, first: int, last: int) -> int:
        """Have the kernel do *task* for the states from *first* to *last*."""
        self.row[NEXT], self.row[LAST] = first, last
        return self.kernel(task, self.address)

    def grow(self) -> None:
        """Make room for more states.

        :raises OutOfMemory: if the bound was reached
        """
        bits = 64 - self.row[SHIFT]
        most = bits + (1 if bits > SMALL_BITS - self.owners else 3)
        for wanted in range(most, bits, -1):
            if self.cost(wanted, USED[0]) <= self.bound:
                try:
                    self.resize(wanted)
                except OSError:  # the system has no more memory
                    raise OutOfMemory(self.count) from None
                return
        if self.row[ROOM] >= USED[1] * (1 << bits) - 1 or self.cost(bits, USED[1]) > self.bound:
            raise OutOfMemory(self.count)
        self.make_room(bits, USED[1])

    def cost(self, bits: int, used: float) -> float:
        """Return how many bytes the states take when so much of a table is used."""
        return (1 + used) * self.size * 8 * (1 << bits)

    def resize(self, bits: int) -> None:
        """Move the states to a new table of 2 to the power of *bits* places."""
        older, self.table = self.table, Block(self.size << bits)
        row = self.row
        row[TABLE], row[SHIFT], row[OLDER] = self.table.address, 64 - bits, older.address
        self.make_room(bits, USED[0])
        places = older.size // self.size
        for first in range(0, places, PART):
            last = min(first + PART, places)
            self.ask(FILL, first, last)
            older.forget(first * self.size, last * self.size)
        older.free()

    def make_room(self, bits: int, used: float) -> None:
        """Let so much of the table be used."""
        room = int(used * (1 << bits))
        self.states.grow((room + RING_ROOM) * self.size)
        self.row[STATES], self.row[ROOM] = self.states.address, room
