"""Which values the registers and words of a protocol can hold: how wide they must be in Promela.

For each CPU it is told what a register can hold at each index of the code; for words only
what is ever stored, by whoever it may be. More than what really happens may be told, never less.
"""

from collections.abc import Iterator

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.liveness import targets
from mmuspec.interleave.operations import (
    Assign,
    CompareExchange,
    JumpUnless,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.promela.possible import (
    Look,
    Values,
    either,
    just,
    known,
    mapped,
    possible,
    such_that,
)
from mmuspec.interleave.words import HALF, Part, Place

Registers = dict[str, Values]
"""What one CPU's registers can hold at one point; those left out hold 0."""

ZERO = just(0)


class Analysis:
    """What every register and word of *program* can hold."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.halves = dict(initial_halves(program))
        self.before: dict[str, list[Registers | None]] = {
            thread.name: [None] * (len(thread.code) + 1) for thread in program.threads
        }
        for thread in program.threads:
            self.before[thread.name][0] = {name: just(value) for name, value in thread.registers}
        self.changed = True
        while self.changed:
            self.changed = False
            for thread in program.threads:
                for index in range(len(thread.code)):
                    self.pass_through(thread, index)

    def at(self, thread: Thread, index: int) -> Look:
        """Return what is known in front of the operation at *index* of *thread*."""
        before = self.before[thread.name][index] or {}

        def look(operand: Reg | Read) -> Values:
            if isinstance(operand, Read):
                return self.place(operand.place)
            return before.get(operand.name, ZERO)

        return look

    def anywhere(self, operand: Reg | Read) -> Values:
        """Return what is known of a place, or at all points of a register with its CPU."""
        if isinstance(operand, Read):
            return self.place(operand.place)
        found = known(frozenset())
        for before in self.before[operand.thread]:
            if before is not None:
                found = either(found, before.get(operand.name, ZERO))
        return found

    def place(self, place: Place) -> Values:
        """Return what *place* can hold."""
        low, high = (self.halves[place.word, half] for half in (Part.LOW, Part.HIGH))
        if place.part is not Part.WHOLE:
            return low if place.part is Part.LOW else high
        if low.exact is None or high.exact is None:
            return Values(high.most << 32 | (HALF if high.most else low.most))
        return known(frozenset(h << 32 | v for h in high.exact for v in low.exact))

    def pass_through(self, thread: Thread, index: int) -> None:
        """Work out what the operation at *index* makes of what is known before it."""
        before = self.before[thread.name][index]
        if before is None:
            return
        operation, look = thread.code[index].operation, self.at(thread, index)
        self.store(operation, look)
        after = {**before, **self.written(operation, look)}
        for target in targets(operation, index):
            self.arrive(thread, target, {**after, **learned(operation, index, target, look)})

    def arrive(self, thread: Thread, index: int, registers: Registers) -> None:
        """Note that a CPU can come to *index* with *registers*, unless one of them has no value."""
        if any(values.exact == frozenset() for values in registers.values()):
            return
        before = self.before[thread.name][index]
        if before is not None:
            names = before.keys() | registers.keys()
            registers = {
                name: either(before.get(name, ZERO), registers.get(name, ZERO)) for name in names
            }
        if registers != before:
            self.before[thread.name][index] = registers
            self.changed = True

    def written(self, operation: Operation, look: Look) -> Registers:
        """Return what *operation* leaves in the register that it writes."""
        match operation:
            case Assign(register, value):
                return {register: possible(value, look)}
            case Load(str(register), place) | CompareExchange(str(register), place, _, _):
                return {register: self.place(place)}
            case Update(str(register), place, _, _):
                return {register: self.place(place)}
        return {}

    def store(self, operation: Operation, look: Look) -> None:
        """Add what *operation* stores to what its place can hold."""
        for place, value in stored(operation):
            values = possible(value, look)
            wide = place.part is Part.WHOLE and self.program.word[place.word].bits == 64
            first = Part.HIGH if place.part is Part.HIGH else Part.LOW
            self.add(place.word, first, low_half(values))
            if wide:
                self.add(place.word, Part.HIGH, mapped(values, lambda v: v >> 32))

    def add(self, word: str, half: Part, values: Values) -> None:
        """Add *values* to what *half* of *word* can hold."""
        found = either(self.halves[word, half], values)
        if found != self.halves[word, half]:
            self.halves[word, half] = found
            self.changed = True


def initial_halves(program: Program) -> Iterator[tuple[tuple[str, Part], Values]]:
    """Yield each half of each word, and what it holds at first."""
    for word in program.words:
        yield (word.name, Part.LOW), just(word.initial & HALF)
        yield (word.name, Part.HIGH), just(word.initial >> 32)


def low_half(values: Values) -> Values:
    """Return the low 32 bits of *values*."""
    if values.exact is None:
        return Values(min(values.most, HALF))
    return known(frozenset(value & HALF for value in values.exact))


def stored(operation: Operation) -> Iterator[tuple[Place, Expr]]:
    """Yield the places that *operation* writes, and what it writes there."""
    match operation:
        case Store(place, value) | Update(_, place, "=", value):
            yield place, value
        case Update(_, place, name, value):
            yield place, Op(name, (Read(place), value))
        case CompareExchange(_, place, _, new):
            yield place, new
        case Note(ghost, value):
            yield Place(ghost), value
        case Lock(word):
            yield Place(word), Const(1)
        case Unlock(word):
            yield Place(word), Const(0)


def learned(operation: Operation, index: int, target: int, look: Look) -> Registers:
    """Return what a CPU knows of its registers because it went on at *target*."""
    match operation:
        case WaitUntil(condition):
            found = such_that(condition, True, look)
        case JumpUnless(condition, elsewhere) if elsewhere != index + 1:
            found = such_that(condition, target != elsewhere, look)
        case _:
            found = {}
    return {reg.name: values for reg, values in found.items()}
