"""One thread of a search: its states, and the memory in which the kernel looks for them."""

from collections.abc import Iterator

from mmuspec.fast.explorer.context import (
    BLOCK,
    BROKE,
    CLAIMED,
    CLAIMS,
    CLASS,
    CLASS_SIZE,
    CLASSES,
    CPU,
    CPUS,
    DIVIDE,
    DONE,
    END_MASK,
    END_VALUE,
    ENDED,
    ENDED_ROOM,
    ENDS,
    FAILED,
    FIELD_MASK,
    FIRST_SHIFT,
    FULL,
    HALT,
    HIT,
    HITS,
    INBOX,
    MEMBERS,
    MISS_SIZE,
    MISSED,
    MISSES,
    MISSES_MOST,
    MISSES_ROOM,
    MISSING,
    NEXT,
    OUTBOX,
    OUTBOX_ROOM,
    OWNER,
    RECEIVE,
    RECENT,
    RECENT_BITS,
    REDUCE,
    RING,
    RING_ROOM,
    SENT,
    STUCK,
)
from mmuspec.fast.explorer.machine_code import Kernel
from mmuspec.fast.explorer.memory import Piece
from mmuspec.fast.explorer.model import SECOND, Model
from mmuspec.fast.explorer.storage import Storage
from mmuspec.fast.explorer.tables import ONES, OTHER, TOP, Tables

SHARE = 1 << 18
"""How many states are expanded before somebody may be told."""

OUTBOX_STATES = 1 << 16
"""How many states for the other thread are gathered before they are handed over."""


class Worker(Storage):
    """The states that belong to one thread, and how it goes through them.

    :param bound: how many bytes they may take
    :param number: which thread
    :param owners: how many threads there are, 1 or 2
    """

    halt: "memoryview[int]"
    """What tells the other thread that this one waits for it."""

    def __init__(
        self,
        model: Model,
        tables: Tables,
        kernel: Kernel,
        bound: int,
        number: int = 0,
        owners: int = 1,
    ) -> None:
        self.tables, self.number = tables, number
        super().__init__(model, kernel, bound, self.room(model, owners), owners)
        self.levels = [0]
        self.last = 0
        self.todo: list[tuple[int, int]] = []
        self.broken: list[int] = []
        self.misses = self.piece(MISSES, MISSES_ROOM * MISS_SIZE)
        self.hits = self.piece(HITS, RING_ROOM)
        self.ended = self.piece(ENDED, ENDED_ROOM)
        self.piece(RING, RING_ROOM * self.size)
        self.piece(RECENT, self.size << RECENT_BITS)
        self.stop = self.piece(HALT, 1)
        self.failed = self.piece(FAILED, len(model.claims))
        self.describe()
        self.wait_for(self)
        divided = owners == 2
        self.begin(not divided or owner(model.initial & model.divide) == number)

    def room(self, model: Model, owners: int) -> int:
        """Return how many numbers the rows have that `piece` gives to the kernel."""
        states = RING_ROOM + (1 << RECENT_BITS) + (owners - 1) * (OUTBOX_STATES + RING_ROOM)
        rows = 1 + MISSES_ROOM * MISS_SIZE + RING_ROOM + ENDED_ROOM
        size = 2 if model.wide else 1
        return rows + states * size + len(model.claims) + CLASS_SIZE * len(model.alike)

    def describe(self) -> None:
        """Tell the kernel about the model."""
        row, model = self.row, self.model
        row[CPU], row[CPUS] = self.tables.cpus.address, len(model.cpus)
        row[CLAIMS], row[CLAIMED] = self.tables.claims.address, len(model.claims)
        row[STUCK], row[REDUCE] = ONES, model.reduce
        for name, value in ((END_MASK, model.end_mask), (END_VALUE, model.end_value)):
            row[name], row[name + 1] = value & ONES, value >> SECOND
        row[END_MASK], row[END_VALUE] = row[END_MASK] | TOP, row[END_VALUE] | TOP
        if self.owners == 2:
            row[DIVIDE], row[OWNER] = model.divide, self.number
            row[OUTBOX_ROOM] = OUTBOX_STATES
            self.outbox = self.piece(OUTBOX, (OUTBOX_STATES + RING_ROOM) * self.size)
        classes = self.piece(CLASS, CLASS_SIZE * len(model.alike)).view
        row[CLASSES] = len(model.alike)
        for number, alike in enumerate(model.alike):
            at = number * CLASS_SIZE
            classes[at + MEMBERS], classes[at + FIELD_MASK] = len(alike.shifts), alike.mask
            for place, shift in enumerate(alike.shifts):
                classes[at + FIRST_SHIFT + place] = shift

    @property
    def newest(self) -> tuple[int, int]:
        """The first state of the newest level, and the first after it."""
        return self.levels[-1], self.count

    def wait_for(self, other: "Worker") -> None:
        """Let this thread and *other* wait for each other."""
        self.halt = other.stop.view

    def begin_level(self) -> None:
        """Get ready to go through the newest level."""
        self.last = self.count
        self.todo = [self.newest]
        self.row[STUCK] = ONES
        for number in range(len(self.failed.view)):
            self.failed.view[number] = ONES

    @property
    def left(self) -> int:
        """How many states of the level are still to be gone through."""
        return sum(last - first for first, last in self.todo)

    def go(self, task: int) -> None:
        """Do *task* for the rest of the level, or until something is wanted.

        :raises OutOfMemory: if there is no room
        """
        again: list[tuple[int, int]] = []
        while self.todo:
            first, last = self.todo.pop()
            end = min(first + SHARE, last)
            answer = self.ask(task, first, end)
            at = self.row[NEXT]
            if answer == MISSING:
                again.append((at, min(at + BLOCK, end)))
                at = again[-1][1]
            if at < last:
                self.todo.append((at, last))
            if answer == FULL:
                self.grow()
            elif not self.goes_on(answer):
                self.halt[0] = 1
                break
        self.todo += again

    def goes_on(self, answer: int) -> bool:
        """Tell whether to go on with the level after this answer of the kernel."""
        if answer == BROKE:
            count, self.row[HIT] = self.row[HIT], 0
            self.broken += self.hits.view[:count].tolist()
            return True
        if answer == MISSING:
            # Alone, a thread had better be given what it misses at once.
            return self.owners == 2 and self.row[MISSED] + MISSES_MOST <= MISSES_ROOM
        return answer == DONE and self.owners == 2

    def receive(self, inbox: Piece, count: int) -> None:
        """Take in *count* states that the other thread found."""
        self.row[INBOX] = inbox.address
        first = 0
        while first < count:
            full = self.ask(RECEIVE, first, count) == FULL
            first = self.row[NEXT]
            if full:
                self.grow()

    def supply(self) -> None:
        """Give the kernel the entries that it missed."""
        count, self.row[MISSED] = self.row[MISSED], 0
        if count:
            self.tables.supply(self.misses.view, count)

    def take_broken(self) -> list[int]:
        """Return the states from which steps lead that were found to break a claim."""
        found, self.broken = self.broken, []
        return found

    def take_sent(self) -> int:
        """Return how many states are for the other thread; it has them now."""
        count, self.row[SENT] = self.row[SENT], 0
        return count

    def ends(self) -> Iterator[int]:
        """Yield the states of the newest level in which everybody has ended."""
        first, last = self.newest
        while first < last:
            count = self.ask(ENDS, first, last)
            first = self.row[NEXT]
            yield from self.ended.view[:count].tolist()


def owner(fields: int) -> int:
    """Return to which of two threads a state belongs that has *fields*, as the kernel finds it."""
    return (fields * OTHER & ONES) >> 63
