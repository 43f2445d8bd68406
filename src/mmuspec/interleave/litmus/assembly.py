"""The code of an assembly litmus file: a table of instructions, a column for each CPU.

The first row names the CPUs, ``P0 | P1 ;``. Intel's order of operands (destination first) is
that of files for ``X86``, AT&T's (source first) that of files for ``X86_64``; either way the
destination is the first operand here. Both spellings of memory are read: ``[x]``, ``(%rax)``,
``8(%rax,%rbx,4)``.
"""

from collections.abc import Mapping
from dataclasses import replace

from mmuspec.interleave.litmus.locations import CPU
from mmuspec.interleave.litmus.mnemonics import LOCKABLE, Mnemonic, mnemonic
from mmuspec.interleave.litmus.registers import View
from mmuspec.interleave.litmus.statements import (
    NOTHING,
    Immediate,
    Memory,
    Operand,
    Statement,
    Target,
)
from mmuspec.interleave.litmus.text import Text, Tokens


class Table:
    """A reading of the table of code.

    :param registers: the parts of registers by name, in lower case
    :param source_first: AT&T's order of operands
    """

    def __init__(
        self, text: Text, span: tuple[int, int], registers: Mapping[str, View], source_first: bool
    ) -> None:
        self.tokens = Tokens(text, *span)
        self.registers, self.source_first = registers, source_first

    def read(self) -> list[list[Statement]]:
        """Return the instructions of each CPU.

        :raises ProgramError: where it is wrong, and what was expected
        """
        tokens = self.tokens
        tokens.takes(";")
        columns: list[list[Statement]] = [[] for _ in range(self.header())]
        while not tokens.ended():
            for number, column in enumerate(columns):
                column.append(self.cell())
                if number + 1 < len(columns):
                    if not tokens.sees("|"):
                        raise tokens.wrong(f"'|' ({len(columns)} columns, this is {number + 1})")
                    tokens.take()
            tokens.expect(";")
        return columns

    def header(self) -> int:
        """Read ``P0 | P1 ;`` and return how many CPUs there are."""
        count, more = 0, True
        while more:
            found = CPU.match(self.tokens.peek().text)
            if not found or int(found[1]) != count:
                raise self.tokens.wrong(f"P{count}, the name of a CPU")
            self.tokens.take()
            count, more = count + 1, self.tokens.takes("|")
        self.tokens.expect(";")
        return count

    def cell(self) -> Statement:
        """Read labels and an instruction; either may be missing."""
        labels = []
        while self.tokens.peek().kind == "name" and self.tokens.peek(1).text == ":":
            labels.append(self.tokens.take().text)
            self.tokens.take()
        if self.tokens.peek().text in ("|", ";"):
            return Statement(self.tokens.peek().at, NOTHING, labels=tuple(labels))
        return replace(self.instruction(), labels=tuple(labels))

    def instruction(self) -> Statement:
        """Read an instruction."""
        token = self.tokens.kind("name", "an instruction, '|' or ';'")
        locked = token.text.lower() == "lock"
        if locked:
            self.tokens.takes(";")
        name = self.tokens.kind("name", "an instruction") if locked else token
        found = mnemonic(name.text)
        if not found:
            raise self.tokens.text.not_modelled(name.at, f"the instruction {name.text}")
        operands = tuple(self.operands(found))
        statement = Statement(token.at, found, self.ordered(found, operands), locked)
        self.check(statement)
        return statement

    def operands(self, found: Mnemonic) -> list[Operand]:
        """Read the operands of *found*."""
        if found.name == "nop" and self.tokens.peek().text not in ("|", ";"):
            self.operand(jump=False)  # NOPL names a place that it does not touch
            return []
        operands: list[Operand] = []
        for number in range(found.operands):
            if number:
                self.tokens.expect(",")
            operands.append(self.operand(jump=found.name in ("j", "jmp")))
        return operands

    def ordered(self, found: Mnemonic, operands: tuple[Operand, ...]) -> tuple[Operand, ...]:
        """Return *operands* with the destination first."""
        if found.name in ("xchg", "xadd", "cmpxchg"):
            # herd has the destination of CMPXCHG first in either syntax; memory is always it.
            memory_last = isinstance(operands[1], Memory)
            att = self.source_first and found.name == "xadd" and not isinstance(operands[0], Memory)
            return operands[::-1] if memory_last or att else operands
        if found.name == "cmov" and isinstance(operands[1], Memory):
            return operands  # herd has the destination of CMOVcc first in either syntax, too
        return operands[::-1] if self.source_first else operands

    def check(self, statement: Statement) -> None:
        """Complain about operands that no such instruction has."""
        text, at, operands = self.tokens.text, statement.at, statement.operands
        if sum(isinstance(each, Memory) for each in operands) > 1:
            raise text.error(at, "expected at most one operand in memory")
        if operands and isinstance(operands[0], Immediate) and len(operands) == 2:
            order = "the source" if self.source_first else "the destination"
            raise text.error(at, f"expected {order} first: a number cannot be written to")
        name = statement.mnemonic.name
        if statement.locked and (name not in LOCKABLE or not isinstance(operands[0], Memory)):
            raise text.error(at, "expected after LOCK: an instruction that reads and writes memory")
        if name in ("xchg", "xadd", "cmpxchg") and not isinstance(operands[1], View):
            raise text.error(at, f"expected a register as an operand of {name.upper()}")
        if name == "lea" and not (
            isinstance(operands[0], View) and isinstance(operands[1], Memory)
        ):
            raise text.error(at, "expected an address and a register as operands of LEA")

    def operand(self, jump: bool) -> Operand:
        """Read an operand."""
        tokens = self.tokens
        if tokens.takes("$"):
            if tokens.peek().kind == "name":
                return Immediate(tokens.take().text)
            return Immediate(tokens.number("a number or the name of a word"))
        if tokens.takes("["):
            return self.bracketed()
        if tokens.peek().text == "(":
            return self.based(0)
        if tokens.peek().kind == "number":
            return self.numbered()
        if tokens.peek().kind == "name" or tokens.peek().text == "%":
            return self.named(jump)
        raise tokens.wrong("a register, $ and a number, or memory such as [x]")

    def numbered(self) -> Operand:
        """Read a number, or an address that begins with one."""
        number = self.tokens.number()
        if self.tokens.peek().text == "(":
            return self.based(number)
        if self.tokens.takes("["):
            return replace(self.bracketed(), offset=number)
        return Immediate(number)

    def named(self, jump: bool) -> Operand:
        """Read a register, a label, or ``x(%rip)``."""
        tokens, token = self.tokens, self.tokens.peek()
        if token.text == "%" or token.text.lower() in self.registers:
            view = self.register()
            return self.operand(jump) if tokens.takes(":") else view  # a segment comes first
        tokens.take()
        if jump:
            return Target(token.text)
        if tokens.takes("(", "%", "rip", ")"):
            return Memory(token.text)
        raise tokens.text.error(token.at, f"no register {token.text}; memory is written [x]")

    def register(self) -> View:
        """Read a register."""
        self.tokens.takes("%")
        token = self.tokens.kind("name", "the name of a register")
        view = self.registers.get(token.text.lower())
        if view is None:
            raise self.tokens.text.error(token.at, f"no register {token.text}")
        return view

    def bracketed(self) -> Memory:
        """Read what stands in ``[ ]``: a word or a register, and perhaps an offset."""
        tokens = self.tokens
        if tokens.peek().kind == "number":
            raise tokens.text.not_modelled(tokens.peek().at, "an address that is a number")
        if tokens.peek().text == "%" or tokens.peek().text.lower() in self.registers:
            memory = Memory(base=self.register())
        else:
            memory = Memory(tokens.kind("name", "the name of a word, or a register").text)
        if tokens.takes("+"):
            memory = replace(memory, offset=tokens.number())
        tokens.expect("]")
        return memory

    def based(self, offset: int) -> Memory:
        """Read ``(%rax)``, ``(%rax,%rbx,4)`` or ``(x)``."""
        tokens = self.tokens
        tokens.expect("(")
        name = tokens.peek().text
        if tokens.peek().kind == "name" and name.lower() not in self.registers:
            tokens.take()
            memory = Memory(name, offset=offset)
        else:
            memory = Memory(base=self.register(), offset=offset)
        if tokens.takes(","):
            memory = replace(memory, index=self.register())
            if tokens.takes(","):
                memory = replace(memory, scale=tokens.number("1, 2, 4 or 8"))
        tokens.expect(")")
        return memory
