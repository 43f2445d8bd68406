"""One CPU in the middle of a step.

A CPU reads memory with its own waiting stores laid over it, half by half. A locked
access waits until the CPU's buffer is empty.
"""

from mmuspec.interleave.expressions import OPERATORS, WIDE, Expr, evaluate
from mmuspec.interleave.liveness import live
from mmuspec.interleave.operations import (
    ACCESSES,
    LOCKED,
    Access,
    Assign,
    Check,
    CompareExchange,
    GiveUp,
    Jump,
    JumpUnless,
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
from mmuspec.interleave.state import Cpu, Values
from mmuspec.interleave.words import Place, cut, extract, insert


class Run:
    """A CPU that may go on.

    :param words: the memory; the run changes it
    :param buffered: whether stores wait in a buffer (x86-TSO)
    """

    def __init__(
        self, program: Program, thread: Thread, cpu: Cpu, words: Values, buffered: bool
    ) -> None:
        self.program, self.thread = program, thread
        self.at, self.registers, self.buffer = cpu.at, dict(cpu.registers), cpu.buffer
        self.words, self.buffered = words, buffered
        self.broken: list[str] = []

    def cpu(self) -> Cpu:
        """Return the CPU as it stands, without the registers that no longer matter."""
        alive = sorted(live(self.program, self.thread)[self.at])
        return Cpu(
            self.at, tuple((name, self.registers.get(name, 0)) for name in alive), self.buffer
        )

    def access(self) -> bool:
        """Do the access that is next; return False, and do nothing, if it has to wait."""
        if self.at == len(self.thread.code):
            return False
        operation = self.thread.code[self.at].operation
        if self.must_wait(operation):
            return False
        match operation:
            case Load(register, place):
                self.registers[register] = self.see(place)
            case Store(place, value):
                self.store(place, self.value(value))
            case Unlock(word):
                self.store(Place(word), 0)
            case Lock(word):
                self.exchange(None, Place(word), 1)
            case Update(register, place, name, value):
                old, operand = self.see(place), self.value(value)
                self.exchange(
                    register, place, operand if name == "=" else OPERATORS[name](old, operand)
                )
            case CompareExchange(register, place, expected, new):
                old, wanted = self.see(place), self.cut(place, self.value(expected))
                self.exchange(register, place, self.value(new) if old == wanted else old)
        self.at += 1
        return True

    def must_wait(self, operation: Access | Local) -> bool:
        """Tell whether *operation* cannot happen yet (or, after giving up, ever)."""
        if isinstance(operation, LOCKED) and self.buffer:
            return True
        match operation:
            case Lock(word):
                return self.see(Place(word)) != 0
            case WaitUntil(condition):
                return not self.value(condition)
            case _:
                return isinstance(operation, GiveUp)

    def compute(self) -> "Run":
        """Do everything up to the next access."""
        code = self.thread.code
        while self.at < len(code):
            operation = code[self.at].operation
            if isinstance(operation, ACCESSES):
                break
            self.at += 1
            match operation:
                case Assign(register, value):
                    self.registers[register] = self.value(value)
                case Note(ghost, value):
                    self.write(Place(ghost), self.value(value))
                case Jump(target):
                    self.at = target
                case JumpUnless(condition, target) if not self.value(condition):
                    self.at = target
                case Check(condition, text) if not self.value(condition):
                    self.broken.append(text)
        return self

    def drain(self) -> None:
        """Make the oldest waiting store visible."""
        (place, value), *rest = self.buffer
        self.write(place, value)
        self.buffer = tuple(rest)

    def value(self, expr: Expr) -> int:
        """Compute *expr*; shared places are seen as this CPU sees them."""
        return evaluate(expr, lambda reg: self.registers.get(reg.name, 0), self.see)

    def see(self, place: Place) -> int:
        """Read *place* with this CPU's waiting stores laid over memory."""
        word = self.program.word[place.word]
        seen = self.words[place.word]
        for waiting, value in self.buffer:
            if waiting.word == place.word:
                seen = insert(seen, word, waiting.part, value)
        return extract(seen, word, place.part)

    def store(self, place: Place, value: int) -> None:
        """Store *value*: into the buffer, or at once if there is none."""
        if self.buffered:
            self.buffer = (*self.buffer, (place, self.cut(place, value)))
        else:
            self.write(place, value)

    def exchange(self, register: str | None, place: Place, new: int) -> None:
        """Finish a locked access: the old value to *register*, *new* to memory."""
        if register is not None:
            self.registers[register] = self.see(place)
        self.write(place, new & WIDE)

    def write(self, place: Place, value: int) -> None:
        """Put *value* into memory."""
        word = self.program.word[place.word]
        self.words[place.word] = insert(self.words[place.word], word, place.part, value)

    def cut(self, place: Place, value: int) -> int:
        """Return *value* without the bits for which *place* has no room."""
        return cut(value, self.program.word[place.word], place.part)
