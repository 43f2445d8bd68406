"""The tables from which the kernel takes steps; they are filled in as they are asked for."""

from collections.abc import Callable

from mmuspec.fast.explorer.context import (
    BROKEN,
    BUFFER,
    BUFFER_SHIFT,
    BUFFERS,
    CONFLICTS,
    CPU_SIZE,
    ENTRIES,
    FAILS,
    GROUPS,
    HASHED,
    HOLDS,
    KEYS,
    KEYS_SHIFT,
    LOW_BITS,
    MASK,
    MODE,
    PC_MASK,
    PC_SHIFT,
    TABLE_SIZE,
    WAITS,
)
from mmuspec.fast.explorer.memory import Arena, Block, Piece
from mmuspec.fast.explorer.model import SECOND, Group, Model

ONES = (1 << 64) - 1
TOP = 1 << 63
DIRECT_BITS = 14
"""An index of up to so many bits is an array's; a wider one is looked up by a hash."""

GOLDEN = 0x9E3779B97F4A7C15
OTHER = 0xC2B2AE3D27D4EB4F
ENTRY_BYTES = 1000
"""What an entry takes in all, with what Python keeps for it, about."""

FIRST_KEYS = 10
"""A hashed table begins with 2 to this power places."""

Answer = tuple[int, int]
"""An entry as two numbers of two halves each."""


class Table:
    """The entries of one access, or of one claim.

    :param ask: gives the entry for given values of the fields in *mask*
    """

    def __init__(
        self,
        model: Model,
        record: Piece,
        group: Group,
        arena: Arena,
        gather: bool,
        ask: Callable[[int], Answer],
    ) -> None:
        self.record, self.mask, self.ask, self.wide = record, group.mask, ask, model.wide
        self.stride = 4 if model.wide else 2
        low, high = group.mask & ONES, group.mask >> SECOND
        self.hashed = not direct(group.mask, gather)
        row = record.view
        row[MODE] = group.mode | HASHED * self.hashed
        row[MASK], row[MASK + 1], row[LOW_BITS] = low, high, low.bit_count()
        for cpu, numbers in enumerate(group.conflicts):
            row[CONFLICTS + cpu] = numbers
        if self.hashed:
            self.known: dict[int, Answer] = {}
            self.rebuild(FIRST_KEYS)
        else:
            self.entries = arena.take(self.stride << group.mask.bit_count())
            row[ENTRIES] = self.entries.address

    def supply(self, at: int, key: int) -> None:
        """Fill in the entry for *key*, for which the kernel looked at the address *at*."""
        if self.hashed:
            self.add(key)
        else:
            write(self.entries.view, (at - self.entries.address) // 8, self.ask(key), self.wide)

    def add(self, key: int) -> None:
        """Fill in an entry that is found by a hash."""
        if key in self.known:
            return
        self.known[key] = self.ask(key)
        if len(self.known) * 2 > 1 << self.bits:
            self.rebuild(self.bits + 2)
        else:
            self.place(key)

    def rebuild(self, bits: int) -> None:
        """Make a new table of 2 to the power of *bits* places for all that is known."""
        self.bits = bits
        self.keys, self.values = Block(2 << bits), Block(self.stride << bits)
        row = self.record.view
        row[ENTRIES], row[KEYS], row[KEYS_SHIFT] = self.values.address, self.keys.address, 64 - bits
        for key in self.known:
            self.place(key)

    def place(self, key: int) -> None:
        """Write the entry for *key* where its hash says."""
        low, high = key & ONES | TOP, key >> SECOND
        at = hashed(low, high, self.wide) >> 64 - self.bits
        while self.keys.view[at * 2]:
            at = (at + 1) & ((1 << self.bits) - 1)
        self.keys.view[at * 2], self.keys.view[at * 2 + 1] = low, high
        write(self.values.view, at * self.stride, self.known[key], self.wide)


def write(view: "memoryview[int]", at: int, answer: Answer, wide: bool) -> None:
    """Write one entry."""
    keep, put = answer
    view[at], view[at + 1] = keep & ONES, put & ONES
    if wide:
        view[at + 2], view[at + 3] = keep >> SECOND & ONES, put >> SECOND


def hashed(low: int, high: int, wide: bool) -> int:
    """Return the hash that the kernel computes."""
    value = low ^ low >> 32
    if wide:
        value ^= high * OTHER & ONES
        value ^= value >> 29
    return value * GOLDEN & ONES


def direct(mask: int, gather: bool) -> bool:
    """Tell whether the entries for the fields in *mask* are an array."""
    return gather and mask.bit_count() <= DIRECT_BITS


class Tables:
    """All tables of a model, and the records through which the kernel finds them.

    :param gather: whether the kernel gathers bits
    """

    def __init__(self, model: Model, gather: bool) -> None:
        self.model, self.gather = model, gather
        self.table: dict[int, Table] = {}
        self.bytes = 0
        arena = Arena(self.room())
        self.cpus = arena.take(CPU_SIZE * len(model.cpus))
        self.buffers = [self.cpu(arena, number) for number in range(len(model.cpus))]
        self.supplied = [0] * len(model.cpus)
        self.supply_buffers()
        self.claims = arena.take(TABLE_SIZE * len(model.claims))
        for number, mask in enumerate(model.claims):
            record = part(self.claims, number, TABLE_SIZE)
            self.make(arena, record, Group(0, mask), self.claim(number))

    def room(self) -> int:
        """Return how many numbers all records and arrays have."""
        stride, model = 4 if self.model.wide else 2, self.model
        masks = [group.mask for cpu in model.cpus for group in cpu.groups] + list(model.claims)
        arrays = sum(stride << m.bit_count() for m in masks if direct(m, self.gather))
        buffers = sum(stride * 2 << cpu.buffer_bits for cpu in model.cpus)
        return arrays + buffers + TABLE_SIZE * len(masks) + CPU_SIZE * len(model.cpus)

    def make(self, arena: Arena, record: Piece, group: Group, ask: Callable[[int], Answer]) -> None:
        """Make one table."""
        self.table[record.address] = Table(self.model, record, group, arena, self.gather, ask)

    def cpu(self, arena: Arena, number: int) -> Piece:
        """Write the record of a CPU; return its stores."""
        cpu = self.model.cpus[number]
        buffers = arena.take((8 if self.model.wide else 4) << cpu.buffer_bits)
        groups = arena.take(TABLE_SIZE * len(cpu.groups))
        row = part(self.cpus, number, CPU_SIZE).view
        row[PC_SHIFT], row[PC_MASK] = cpu.pc_shift, (1 << cpu.pc_bits) - 1
        row[BUFFER], row[BUFFER + 1] = cpu.buffer & ONES, cpu.buffer >> SECOND
        row[BUFFER_SHIFT] = cpu.buffer_shift % SECOND
        row[GROUPS], row[BUFFERS] = groups.address, buffers.address
        for index, group in enumerate(cpu.groups):
            self.make(arena, part(groups, index, TABLE_SIZE), group, self.access(number, index))
        return buffers

    def access(self, cpu: int, number: int) -> Callable[[int], Answer]:
        """Return who answers for an access."""

        def ask(key: int) -> Answer:
            entry = self.model.oracle.entry(cpu, number, key)
            if entry is None:
                return WAITS, 0
            return entry.keep, entry.put | TOP | BROKEN * entry.broken

        return ask

    def claim(self, number: int) -> Callable[[int], Answer]:
        """Return who answers for a claim."""
        return lambda key: (HOLDS if self.model.oracle.holds(number, key) else FAILS, 0)

    def supply(self, rows: "memoryview[int]", count: int) -> None:
        """Fill in what the kernel missed."""
        wanted = {tuple(rows[at : at + 4]) for at in range(0, count * 4, 4)}
        for record, at, low, high in sorted(wanted):
            self.table[record].supply(at, low | high << SECOND)
        self.bytes += len(wanted) * ENTRY_BYTES
        self.supply_buffers()

    def supply_buffers(self) -> None:
        """Write what the waiting stores do that were met since the last time."""
        for number, piece in enumerate(self.buffers):
            known = self.model.oracle.buffers(number)
            for code in range(self.supplied[number], len(known)):
                for which, entry in enumerate(known[code]):
                    at = (code * 2 + which) * (4 if self.model.wide else 2)
                    write(piece.view, at, (entry.keep, entry.put), self.model.wide)
            self.supplied[number] = len(known)


def part(piece: Piece, number: int, size: int) -> Piece:
    """Return record *number* of a row of records."""
    first = number * size
    return Piece(piece.view[first : first + size], piece.address + first * 8)
