"""What a CPU computes, as assembly of x86-64: AT&T's order of operands, as herd reads it.

Registers of the protocol keep their name if x86 has it, and get one otherwise. RAX is left to
CMPXCHG; what is free besides serves to compute in.
"""

from collections.abc import Iterator

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.expressions import Const, Expr, Op, Reg, registers
from mmuspec.interleave.litmus.registers import NUMBERS, X86_64
from mmuspec.interleave.liveness import expressions, named, written
from mmuspec.interleave.program import Program, Source, Thread
from mmuspec.interleave.words import Part, Place

USABLE = ("rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *NUMBERS)

BINARY = {"+": "add", "-": "sub", "&": "and", "|": "or", "^": "xor"}
SHIFTS = {"<<": "shl", ">>": "shr"}
COMPARISONS = {"==": "e", "!=": "ne", "<": "b", "<=": "be", ">": "a", ">=": "ae"}
OPPOSITE = {"e": "ne", "ne": "e", "b": "ae", "ae": "b", "be": "a", "a": "be"}

RAX = "rax"


def unwritable(what: str, source: Source | None = None) -> NotModelledError:
    """Return the error for *what* cannot be said in assembly."""
    return NotModelledError(source or Source(), f"{what}, as x86-64 assembly")


class Arithmetic:
    """Lines of assembly for *thread*, and the registers that they use.

    :raises NotModelledError: for what cannot be said in assembly
    """

    def __init__(self, program: Program, thread: Thread) -> None:
        self.program, self.thread = program, thread
        self.number = program.threads.index(thread)
        self.lines: list[str] = []
        self.names = allocate(program, thread)
        self.free = [name for name in USABLE if name not in self.names.values()]
        self.pointers: dict[str, str] = {}
        self.loops = 0
        self.source = Source()
        for word in sorted(set(high_halves(thread))):
            self.pointers[word] = self.scratch()

    # --- registers ----------------------------------------------------------------------

    def scratch(self) -> str:
        """Return a register that nothing else needs."""
        if not self.free:
            raise unwritable(f"more values at once than registers in {self.thread.name}")
        return self.free.pop()

    def part(self, register: str, bits: int) -> str:
        """Return how the lower *bits* of *register* are written."""
        found = next(
            name
            for name, view in X86_64.items()
            if (view.register, view.bits, view.shift) == (register, bits, 0)
        )
        return f"%{found}"

    def memory(self, place: Place) -> str:
        """Return how *place* is written."""
        high = place.part is Part.HIGH
        return f"4(%{self.pointers[place.word]})" if high else f"({place.word})"

    def bits(self, place: Place) -> int:
        """Return how many bits *place* has."""
        return 32 if place.part is not Part.WHOLE else self.program.word[place.word].bits

    def emit(self, name: str, bits: int, *operands: str) -> None:
        """Add an instruction; registers among its operands are written as wide as it is."""
        letter = {8: "b", 32: "l", 64: "q"}[bits]
        shown = [
            self.part(each, bits) if each in USABLE or each == RAX else each for each in operands
        ]
        self.lines.append(f"{name}{letter} {','.join(shown)}")

    # --- expressions --------------------------------------------------------------------

    def leaf(self, expr: Expr) -> str | None:
        """Return *expr* as an operand, if it is a register or a number of 32 bits."""
        if isinstance(expr, Reg):
            return self.names[expr.name]
        if isinstance(expr, Const):
            value = signed(expr.value)
            return f"${value}" if value == signed(value, 32) else None
        return None

    def operand(self, expr: Expr) -> str:
        """Return where *expr* is, after computing it if need be; to be given back to `free`."""
        return self.leaf(expr) or self.compute(expr)

    def compute(self, expr: Expr) -> str:
        """Compute *expr* into a register of its own, and return that."""
        match expr:
            case Const(value):
                register = self.scratch()
                self.emit("mov", 64, f"${signed(value)}", register)
            case Reg(name):
                register = self.scratch()
                self.emit("mov", 64, self.names[name], register)
            case Op("~", (inner,)):
                register = self.compute(inner)
                self.emit("not", 64, register)
            case Op(name, (left, right)) if name in BINARY:
                register = self.compute(left)
                other = self.operand(right)
                self.emit(BINARY[name], 64, other, register)
                self.release(other)
            case Op(name, (left, Const(count))) if name in SHIFTS and count < 64:
                register = self.compute(left)
                self.emit(SHIFTS[name], 64, f"${count}", register)
            case Op(name) if name in COMPARISONS or name in ("and", "or", "not"):
                register = self.truth(expr)
            case Op(name):
                raise unwritable(f"the operator {name}", self.source)
            case _:
                raise unwritable("a shared place within an expression", self.source)
        return register

    def truth(self, expr: Expr) -> str:
        """Compute 0 or 1 into a register of its own."""
        match expr:
            case Op("and" | "or" as name, (left, right)):
                register, other = self.truth(left), self.truth(right)
                self.emit(name, 64, other, register)
                self.release(other)
                return register
            case _:
                condition = self.compare(expr)
                register = self.scratch()
                self.emit("mov", 64, "$0", register)
                self.lines.append(f"set{condition} {self.part(register, 8)}")
                return register

    def compare(self, expr: Expr) -> str:
        """Set the flags by *expr*, and return the condition under which it is true."""
        match expr:
            case Op("not", (inner,)):
                return OPPOSITE[self.compare(inner)]
            case Op(name, (left, right)) if name in COMPARISONS:
                first, second = self.compute(left), self.operand(right)
                self.emit("cmp", 64, second, first)
                self.release(first, second)
                return COMPARISONS[name]
            case _:
                register = self.compute(expr)
                self.emit("cmp", 64, "$0", register)
                self.release(register)
                return "ne"

    def release(self, *registers: str) -> None:
        """Give registers back that were only computed in."""
        taken = {*self.names.values(), *self.pointers.values(), *self.free}
        self.free += [each for each in registers if each in USABLE and each not in taken]


def allocate(program: Program, thread: Thread) -> dict[str, str]:
    """Return a register of x86 for each one of *thread*, and for those that are asked about.

    :raises NotModelledError: if there are too many
    """
    names = dict.fromkeys(name for name, _ in thread.registers)
    for instruction in thread.code:
        operation = instruction.operation
        names |= dict.fromkeys(
            reg.name for expr in expressions(operation) for reg in registers(expr)
        )
        register = written(operation)
        names |= {} if register is None else {register: None}
    names |= dict.fromkeys(sorted(named(thread, (each.condition for each in program.finals))))
    kept = {name: name for name in names if name in USABLE}
    free = iter(name for name in USABLE if name not in kept)
    try:
        return {name: kept.get(name) or next(free) for name in names}
    except StopIteration:
        raise unwritable(f"the {len(names)} registers of {thread.name}") from None


def high_halves(thread: Thread) -> Iterator[str]:
    """Yield the words whose upper half *thread* accesses: no name says that, but an address."""
    for instruction in thread.code:
        place = getattr(instruction.operation, "place", None)
        if isinstance(place, Place) and place.part is Part.HIGH:
            yield place.word


def signed(value: int, bits: int = 64) -> int:
    """Return what the lower *bits* of *value* mean as a signed number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
