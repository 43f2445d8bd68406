"""The code of one CPU as assembly of x86-64.

herd has the destination of CMPXCHG first, whatever the order of operands is otherwise.
"""

from mmuspec.interleave.expressions import Const, Expr
from mmuspec.interleave.litmus.compute import (
    BINARY,
    OPPOSITE,
    RAX,
    Arithmetic,
    signed,
    unwritable,
)
from mmuspec.interleave.liveness import targets
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    CompareExchange,
    Fence,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Operation,
    Store,
    Unlock,
    Update,
)
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.words import Place


class Column(Arithmetic):
    """The code of *thread* as lines of assembly.

    :raises NotModelledError: for what cannot be said in assembly
    """

    def __init__(self, program: Program, thread: Thread) -> None:
        super().__init__(program, thread)
        aims = {
            target
            for index, instruction in enumerate(thread.code)
            for target in targets(instruction.operation, index)
            if target != index + 1
        }
        for index, instruction in enumerate(thread.code):
            if index in aims:
                self.lines.append(f"{self.label(index)}:")
            self.source = instruction.source
            self.operation(instruction.operation)
        if len(thread.code) in aims:
            self.lines.append(f"{self.label(len(thread.code))}:")

    def operation(self, operation: Operation) -> None:
        """Add the instructions of one operation."""
        match operation:
            case Load(register, place):
                self.emit("mov", self.bits(place), self.memory(place), self.names[register])
            case Store(place, value):
                self.store(place, value)
            case Unlock(word):
                self.store(Place(word), Const(0))
            case Lock(word):
                self.lock(Place(word))
            case Update():
                self.update(operation)
            case CompareExchange(register, place, expected, new):
                self.compare_exchange(place, expected, new)
                if register is not None:
                    # Clears the upper half, which RAX may still have of what was expected.
                    self.emit("mov", self.bits(place), RAX, self.names[register])
            case Fence():
                self.lines.append("mfence")
            case Barrier(name):
                self.lines += [name] if name in ("sfence", "lfence") else []
            case Assign(register, value):
                found = self.operand(value)
                self.emit("mov", 64, found, self.names[register])
                self.release(found)
            case Jump(target):
                self.lines.append(f"jmp {self.label(target)}")
            case JumpUnless(condition, target):
                self.lines.append(f"j{OPPOSITE[self.compare(condition)]} {self.label(target)}")
            case _:
                raise unwritable(type(operation).__name__, self.source)

    def store(self, place: Place, value: Expr) -> None:
        """MOV to memory."""
        bits = self.bits(place)
        if bits == 32 and isinstance(value, Const):
            found = f"${signed(value.value, 32)}"
        else:
            found = self.operand(value)
        self.emit("mov", bits, found, self.memory(place))
        self.release(found)

    def lock(self, place: Place) -> None:
        """A loop of CMPXCHG that waits until the word is 0."""
        again = self.new_label()
        self.lines.append(f"{again}:")
        self.compare_exchange(place, Const(0), Const(1))
        self.lines.append(f"jne {again}")

    def label(self, index: int) -> str:
        """Return the label of the code at *index*; no other CPU has one of that name."""
        return f"L{self.number}_{index}"

    def new_label(self) -> str:
        """Return a label of which there is no index."""
        self.loops += 1
        return f"A{self.number}_{self.loops}"

    def compare_exchange(self, place: Place, expected: Expr, new: Expr) -> None:
        """LOCK CMPXCHG; RAX holds what was found."""
        wanted, value = self.operand(expected), self.compute(new)
        self.emit("mov", 64, wanted, RAX)
        self.emit("lock cmpxchg", self.bits(place), self.memory(place), value)
        self.release(wanted, value)

    def update(self, update: Update) -> None:
        """LOCK and an instruction; a loop of CMPXCHG if the old value is wanted and none has it."""
        place, register, bits = update.place, update.register, self.bits(update.place)
        memory = self.memory(place)
        if update.operator not in ("=", "+") and register is not None:
            self.retry(update, register)
            return
        value = self.compute(update.value)
        if update.operator == "=":
            self.emit("xchg", bits, value, memory)
        elif register is None:
            self.emit(f"lock {BINARY[update.operator]}", bits, value, memory)
        else:
            self.emit("lock xadd", bits, value, memory)
        if register is not None:
            self.emit("mov", bits, value, self.names[register])
        self.release(value)

    def retry(self, update: Update, register: str) -> None:
        """Load, combine and LOCK CMPXCHG, until nobody came between."""
        bits, memory, again = self.bits(update.place), self.memory(update.place), self.new_label()
        value, new = self.compute(update.value), self.scratch()
        self.emit("mov", bits, memory, RAX)
        self.lines.append(f"{again}:")
        self.emit("mov", 64, RAX, new)
        self.emit(BINARY[update.operator], 64, value, new)
        self.emit("lock cmpxchg", bits, memory, new)
        self.lines.append(f"jne {again}")
        self.emit("mov", bits, RAX, self.names[register])
        self.release(value, new)
