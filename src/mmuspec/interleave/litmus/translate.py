"""The code of one CPU: from instructions of x86 to micro-operations."""

from mmuspec.interleave.expressions import Const, Expr, Op
from mmuspec.interleave.litmus.addresses import Addresses, Choice
from mmuspec.interleave.litmus.emitter import Emitter
from mmuspec.interleave.litmus.locations import Shared
from mmuspec.interleave.litmus.meaning import Known, Meaning
from mmuspec.interleave.litmus.space import Cell
from mmuspec.interleave.litmus.statements import Immediate, Memory, Statement
from mmuspec.interleave.operations import GiveUp, Jump, JumpUnless
from mmuspec.interleave.program import Instruction

UNEXPECTED = 32
"""How wide an instruction is that does not say it, as for herd."""

SUMS = ("add", "sub", "inc", "dec", "xadd")
"""What could carry beyond a byte, into bits that the word here has and the byte has not."""


class Translation:
    """The code of one CPU.

    :param accumulator: the register that CMPXCHG compares with
    """

    def __init__(self, addresses: Addresses, code: list[Statement], accumulator: str) -> None:
        self.addresses, self.space = addresses, addresses.space
        self.code, self.accumulator = code, accumulator
        self.flags = any(each.mnemonic.condition for each in code)
        self.emitter = Emitter(self.space.text)

    def survey(self) -> None:
        """Tell the shared words how the code accesses them; to be done for all CPUs first.

        :raises ProgramError: for an address where nothing is
        """
        for statement in self.code:
            memory = in_memory(statement)
            if memory:
                for _, cell, offset in self.addresses.choices(statement, memory):
                    self.space.access(cell, offset, width(statement, cell), statement.at)

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the micro-operations."""
        for statement in self.code:
            self.emitter.at = statement.at
            for label in statement.labels:
                self.emitter.label(label)
            memory = in_memory(statement)
            if memory:
                self.access(statement, memory)
            else:
                self.meaning(statement, None)
        return self.emitter.instructions()

    def access(self, statement: Statement, memory: Memory) -> None:
        """Translate an instruction that accesses memory, for each place that it can reach.

        The places are tried one by one; where nothing is, this CPU ends.
        """
        emitter = self.emitter
        choices = self.addresses.choices(statement, memory)
        if len(choices) == 1:
            self.meaning(statement, choices[0])
            return
        address, ends = self.addresses.expression(memory, statement.at), []
        for choice in choices:
            other = emitter.emit(JumpUnless(Op("==", (address, Const(choice[0]))), 0))
            self.meaning(statement, choice)
            ends.append(emitter.emit(Jump(0)))
            emitter.land(other)
        emitter.emit(GiveUp())
        for end in ends:
            emitter.land(end)

    def meaning(self, statement: Statement, choice: Choice | None) -> None:
        """Translate an instruction whose place in memory, if it has one, is known."""
        bits = width(statement, choice[1] if choice else None)
        sums = statement.locked and statement.mnemonic.name in SUMS
        if choice and bits < UNEXPECTED and sums:
            raise self.space.text.not_modelled(statement.at, f"a locked sum of {bits} bits")
        known = Known(
            bits=bits,
            place=self.space.place(choice[1], choice[2], bits) if choice else None,
            address=self.address(statement),
            flags=self.flags,
            accumulator=self.accumulator,
        )
        Meaning(self.emitter, statement, known).emit()

    def address(self, statement: Statement) -> Expr:
        """Return the address that *statement* computes or is given, or 0."""
        for each in statement.operands:
            if isinstance(each, Immediate) and isinstance(each.value, str):
                return Const(self.space.address(Shared(each.value), statement.at))
            if isinstance(each, Memory) and statement.mnemonic.name == "lea":
                return self.addresses.expression(each, statement.at)
        return Const(0)


def in_memory(statement: Statement) -> Memory | None:
    """Return the operand that *statement* accesses in memory."""
    if statement.mnemonic.name == "lea":
        return None
    return next((each for each in statement.operands if isinstance(each, Memory)), None)


def width(statement: Statement, cell: Cell | None) -> int:
    """Return how many bits *statement* works on."""
    return statement.bits or (cell.type.bits if cell else UNEXPECTED)
