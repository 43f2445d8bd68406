"""What an instruction of x86 is in micro-operations, once its place in memory is known.

A write to the lower half of a 64-bit register clears the upper one; writes to 8 or 16 bits
leave the rest (Intel SDM volume 1, "General-Purpose Registers in 64-Bit Mode"). XCHG with
memory is always locked; any other instruction that reads and writes memory is a load and
a store unless LOCK stands before it (volume 3, "Bus Locking"). A CMPXCHG without LOCK that
finds another value stores nothing here.
"""

from dataclasses import dataclass

from mmuspec.interleave.expressions import WIDE, Const, Expr, Op, Reg
from mmuspec.interleave.litmus.emitter import END, Emitter
from mmuspec.interleave.litmus.mnemonics import ARITHMETIC, flags
from mmuspec.interleave.litmus.registers import View
from mmuspec.interleave.litmus.statements import Immediate, Memory, Operand, Statement, Target
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    CompareExchange,
    Fence,
    Jump,
    JumpUnless,
    Load,
    Store,
    Update,
)
from mmuspec.interleave.words import Place

ONE = Immediate(1)

OLD, NEW, EXPECTED = "old", "new", "expected"
"""Registers that only the translation uses; none of x86 has such a name."""

NO_ORDER = ("sfence", "lfence", "pause")
"""They order nothing that x86-TSO leaves open (between accesses to memory of the usual type)."""


@dataclass(frozen=True)
class Known:
    """What the rest of the code tells about an instruction.

    :param bits: how wide it is
    :param place: its operand in memory
    :param address: that of its operand in memory
    :param flags: whether anybody looks at the flags
    :param accumulator: the register that CMPXCHG compares with
    """

    bits: int
    place: Place | None
    address: Expr
    flags: bool
    accumulator: str


class Meaning:
    """One instruction under translation."""

    def __init__(self, code: Emitter, statement: Statement, known: Known) -> None:
        self.code, self.statement, self.known = code, statement, known
        self.name, self.bits = statement.mnemonic.name, known.bits

    def emit(self) -> None:
        """Add what the instruction does to the code."""
        match self.name:
            case "mov":
                self.move(*self.statement.operands)
            case "lea":
                self.put(self.statement.operands[0], self.cut(self.known.address))
            case "xchg":
                self.exchange(*self.statement.operands)
            case "xadd":
                self.exchange_and_add(*self.statement.operands)
            case "cmpxchg":
                self.compare_and_exchange(*self.statement.operands)
            case "cmp" | "test":
                left, right = (self.get(each) for each in self.statement.operands)
                operator = "-" if self.name == "cmp" else "&"
                self.set_flags(left, right, self.cut(Op(operator, (left, right))))
            case "j" | "jmp" | "ret" | "set" | "cmov":
                self.conditional()
            case "mfence":
                self.code.emit(Fence())
            case name if name in NO_ORDER:
                self.code.emit(Barrier(name))
            case "nop" | "endbr64":
                pass
            case _:
                self.combine(*self.statement.operands)

    # --- operands -----------------------------------------------------------------------

    def cut(self, value: Expr) -> Expr:
        """Return *value* without the bits that the instruction is not wide enough for."""
        return value if self.bits == 64 else Op("&", (value, Const((1 << self.bits) - 1)))

    def place(self) -> Place:
        """Return the operand in memory."""
        assert self.known.place is not None
        return self.known.place

    def get(self, operand: Operand) -> Expr:
        """Return the value of *operand*; one in memory is loaded first."""
        match operand:
            case Immediate(int(number)):
                return Const(number & WIDE & ((1 << self.bits) - 1))
            case Immediate():
                return self.cut(self.known.address)
            case View(register, _, shift):
                value: Expr = Reg(register)
                if shift:
                    value = Op(">>", (value, Const(shift)))
                whole = operand.bits == self.bits == 64 or (register.isupper() and self.bits == 32)
                return value if whole else self.cut(value)
            case _:
                self.code.emit(Load(OLD, self.place()))
                return Reg(OLD)

    def put(self, operand: Operand, value: Expr) -> None:
        """Write *value*, cut already, to *operand*."""
        if isinstance(operand, Memory):
            self.code.emit(Store(self.place(), value))
        elif isinstance(operand, View):
            if self.bits < 32:
                kept = WIDE & ~(((1 << self.bits) - 1) << operand.shift)
                rest = Op("&", (Reg(operand.register), Const(kept)))
                value = Op("|", (rest, Op("<<", (value, Const(operand.shift)))))
            self.code.emit(Assign(operand.register, value))

    def set_flags(self, left: Expr, right: Expr, result: Expr) -> None:
        """Set the flags, if anybody looks at them."""
        if self.known.flags:
            found = flags(self.name, left, right, result, self.bits)
            for name, value in found.items():
                self.code.emit(Assign(name, value))

    # --- instructions -------------------------------------------------------------------

    def move(self, target: Operand, source: Operand) -> None:
        """MOV."""
        if isinstance(source, Memory) and isinstance(target, View) and self.bits >= 32:
            self.code.emit(Load(target.register, self.place()))
        else:
            self.put(target, self.get(source))

    def combine(self, target: Operand, source: Operand = ONE) -> None:
        """ADD and its like, INC and DEC, NOT and NEG, SHL and SHR."""
        right = self.get(source)
        if self.statement.locked:
            left: Expr = Reg(OLD)
            register = OLD if self.known.flags else None
            operator = "^" if self.name == "not" else ARITHMETIC[self.name]
            ones = Const((1 << self.bits) - 1)
            operand = ones if self.name == "not" else right
            self.code.emit(Update(register, self.place(), operator, operand))
        else:
            left = self.get(target)
        result = self.cut(self.combined(left, right))
        if self.name == "neg":
            self.set_flags(Const(0), left, result)
        elif self.name != "not":
            self.set_flags(left, right, result)
        if not self.statement.locked:
            self.put(target, result)

    def combined(self, left: Expr, right: Expr) -> Expr:
        """Return what *left* and *right* become."""
        if self.name == "not":
            return Op("~", (left,))
        if self.name == "neg":
            return Op("-", (Const(0), left))
        if self.name in ("shl", "shr"):
            count = Op("&", (right, Const(63 if self.bits == 64 else 31)))
            return Op("<<" if self.name == "shl" else ">>", (left, count))
        return Op(ARITHMETIC[self.name], (left, right))

    def exchange(self, target: Operand, source: Operand) -> None:
        """XCHG."""
        if not isinstance(target, Memory):
            old = self.get(target)
            self.code.emit(Assign(OLD, old))
            self.put(target, self.get(source))
            self.put(source, Reg(OLD))
        elif isinstance(source, View) and self.bits >= 32:
            self.code.emit(Update(source.register, self.place(), "=", self.get(source)))
        else:
            self.code.emit(Update(OLD, self.place(), "=", self.get(source)))
            self.put(source, Reg(OLD))

    def exchange_and_add(self, target: Operand, source: Operand) -> None:
        """XADD: the source receives what the target held."""
        right = self.get(source)
        if self.statement.locked:
            self.code.emit(Update(OLD, self.place(), "+", right))
        elif not isinstance(target, Memory):
            self.code.emit(Assign(OLD, self.get(target)))
        else:
            self.get(target)
        total = self.cut(Op("+", (Reg(OLD), right)))
        self.code.emit(Assign(NEW, total))
        self.set_flags(Reg(OLD), right, Reg(NEW))
        self.put(source, Reg(OLD))
        if not self.statement.locked:
            self.put(target, Reg(NEW))

    def compare_and_exchange(self, target: Operand, source: Operand) -> None:
        """CMPXCHG: the accumulator receives what the target held."""
        accumulator = View(self.known.accumulator, self.bits)
        self.code.emit(Assign(EXPECTED, self.get(accumulator)))
        expected, new = Reg(EXPECTED), self.get(source)
        if self.statement.locked:
            self.code.emit(CompareExchange(OLD, self.place(), expected, new))
        else:
            self.code.emit(Assign(OLD, self.get(target)))
        self.set_flags(expected, Reg(OLD), self.cut(Op("-", (expected, Reg(OLD)))))
        if not self.statement.locked:
            differs = self.code.emit(JumpUnless(Op("==", (Reg(OLD), expected)), 0))
            self.put(target, new)
            self.code.land(differs)
        different = Op("!=", (Reg(OLD), expected))
        equal = self.code.emit(JumpUnless(different, 0))
        self.put(accumulator, Reg(OLD))
        self.code.land(equal)

    def conditional(self) -> None:
        """Jumps, SETcc and CMOVcc."""
        condition, operands = self.statement.mnemonic.condition, self.statement.operands
        label = operands[0].label if operands and isinstance(operands[0], Target) else END
        if condition is None:
            self.code.jump(Jump(0), label)
        elif self.name == "j":
            self.code.jump(JumpUnless(Op("not", (condition,)), 0), label)
        elif self.name == "set":
            self.put(operands[0], Op("!=", (condition, Const(0))))
        else:
            old, new = self.get(operands[0]), self.get(operands[1])
            otherwise = Op("*", (Op("==", (condition, Const(0))), old))
            chosen = Op("*", (Op("!=", (condition, Const(0))), new))
            self.put(operands[0], Op("+", (chosen, otherwise)))
