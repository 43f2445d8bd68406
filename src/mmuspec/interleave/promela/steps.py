"""One micro-operation as statements of Promela."""

from mmuspec.interleave.expressions import Expr, Op, Read, Reg, registers
from mmuspec.interleave.liveness import live
from mmuspec.interleave.operations import (
    LOCKED,
    Access,
    Assign,
    Check,
    CompareExchange,
    GiveUp,
    Load,
    Local,
    Lock,
    Note,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.promela.buffers import Buffer
from mmuspec.interleave.promela.halves import Arithmetic, Halves, compared
from mmuspec.interleave.promela.storage import SPARE, Storage, Target, assigned
from mmuspec.interleave.words import HALF, Part, Place, mask

DONE_NOTHING = "true"


class Steps:
    """Writes the operations of one CPU."""

    def __init__(self, program: Program, thread: Thread, storage: Storage, buffer: Buffer) -> None:
        self.program, self.thread, self.storage, self.buffer = program, thread, storage, buffer
        self.live = live(program, thread)

    def statements(self, index: int) -> list[str]:
        """Return what the operation at *index* does; the first statement may have to wait."""
        operation = self.thread.code[index].operation
        return [*self.waited(operation, index), *self.done(operation, index)]

    def arithmetic(self, index: int) -> Arithmetic:
        """Return a writer of expressions at *index*."""
        look = self.storage.analysis.at(self.thread, index)

        def leaf(operand: Reg | Read) -> Halves:
            if isinstance(operand, Read):
                return self.seen(operand.place)
            return self.register(operand.name).halves(look(operand).most)

        source = self.thread.code[index].source
        return Arithmetic(self.storage.names, leaf, look, source)

    def register(self, name: str) -> Target:
        """Return the variables of one of the CPU's registers."""
        return self.storage.register(Reg(name, self.thread.name))

    def seen(self, place: Place) -> Halves:
        """Return what the CPU reads: memory with its own waiting stores laid over it."""
        low, high, most = self.storage.held(Read(place))
        part = Part.HIGH if place.part is Part.HIGH else Part.LOW
        low = self.buffer.see(low, place.word, part) if low != "0" else low
        high = self.buffer.see(high, place.word, Part.HIGH) if high != "0" else high
        return Halves(low, high, most)

    def waited(self, operation: Access | Local, index: int) -> list[str]:
        """Return what *operation* waits for."""
        conditions = []
        if isinstance(operation, LOCKED) and self.buffer.slots:
            conditions.append(f"{self.buffer.count} == 0")
        match operation:
            case Lock(word):
                conditions.append(f"{self.storage.held(Read(Place(word))).low} == 0")
            case WaitUntil(condition):
                conditions.append(self.arithmetic(index).truth(condition))
            case GiveUp():
                conditions.append("false")
        return [f"({' && '.join(conditions)})"] if conditions else []

    def done(self, operation: Access | Local, index: int) -> list[str]:
        """Return what *operation* does once it needs not wait."""
        arithmetic = self.arithmetic(index)
        match operation:
            case Load(register, place):
                return self.kept(register, index, self.seen(place)) or [DONE_NOTHING]
            case Store(place, value):
                return self.stored(place, arithmetic.halves(value)) or [DONE_NOTHING]
            case Unlock(word):
                return self.stored(Place(word), Halves("0", "0", 0))
            case Lock(word):
                return assigned(self.storage.place(Place(word)), Halves("1", "0", 1))
            case Update(register, place, name, value):
                new = value if name == "=" else Op(name, (Read(place), value))
                return self.exchanged(register, place, (value,), index, self.put(place, new, index))
            case CompareExchange(register, place, expected, new):
                put = self.put_if(place, expected, new, index)
                return self.exchanged(register, place, (expected, new), index, put)
            case Assign(register, value):
                return self.kept(register, index, arithmetic.halves(value))
            case Note(ghost, value):
                return assigned(self.storage.place(Place(ghost)), self.cut(ghost, value, index))
            case Check(condition, _):
                return [f"assert({arithmetic.truth(condition)})"]
        return [] if isinstance(operation, WaitUntil | GiveUp) else [DONE_NOTHING]

    def kept(self, register: str | None, index: int, value: Halves) -> list[str]:
        """Return the assignment to *register*; none if nobody ever looks at it."""
        if register is None or register not in self.live[index + 1]:
            return []
        return assigned(self.register(register), value)

    def stored(self, place: Place, value: Halves) -> list[str]:
        """Return a store: into the buffer, or at once if there is none."""
        if self.buffer.slots:
            return self.buffer.put(place, value.low, value.high)
        return assigned(self.storage.place(place), value)

    def put(self, place: Place, value: Expr, index: int) -> list[str]:
        """Return the write of *value* to memory."""
        return assigned(self.storage.place(place), self.arithmetic(index).halves(value))

    def put_if(self, place: Place, expected: Expr, new: Expr, index: int) -> list[str]:
        """Return the write of *new* to memory, if that holds *expected*."""
        arithmetic, whole = self.arithmetic(index), mask(self.program.word[place.word], place.part)
        wanted = arithmetic.halves(expected)
        if place.part is not Part.WHOLE or whole == HALF:
            wanted = Halves(wanted.low, "0", HALF)
        equal = compared("==", self.storage.held(Read(place)), wanted)
        writes = "; ".join(self.put(place, new, index)) or DONE_NOTHING
        return [f"if :: {equal} -> {writes} :: else fi"]

    def exchanged(
        self, register: str | None, place: Place, used: tuple[Expr, ...], index: int, put: list[str]
    ) -> list[str]:
        """Return a locked access: the old value goes to *register*, and *put* is done."""
        old = self.storage.held(Read(place))
        if register not in {reg.name for expr in used for reg in registers(expr)}:
            return [*self.kept(register, index, old), *put]
        keep = self.kept(register, index, SPARE.halves(old.most))
        if not keep:
            return put
        spared = assigned(SPARE if old.high != "0" else Target(SPARE.low), old)
        cleared = [f"{statement.split(' = ')[0]} = 0" for statement in spared]
        return [*spared, *put, *keep, *cleared]

    def cut(self, ghost: str, value: Expr, index: int) -> Halves:
        """Return what a note leaves in *ghost*."""
        return self.arithmetic(index).halves(value)
