"""Which words an instruction can reach: by name, through a register that never changes, or any.

The representation has no addresses that are computed while it runs. A register that keeps
its first value names its word as well as ``[x]`` does; for one that is written, the words
whose address somebody has are tried one by one.
"""

from collections.abc import Iterable, Iterator, Mapping

from mmuspec.interleave.expressions import WIDE, Const, Expr, Op, Reg, evaluate, registers
from mmuspec.interleave.litmus.locations import Shared
from mmuspec.interleave.litmus.registers import View
from mmuspec.interleave.litmus.space import Cell, Space
from mmuspec.interleave.litmus.statements import Immediate, Memory, Statement

Choice = tuple[int, Cell, int]
"""An address, the word that is there, and how many bytes into the word it is."""


class Addresses:
    """The addresses in the code of one CPU.

    :param first: the first values of its registers
    :param wide: the bits of an address: 64, or 32 on 32-bit x86
    """

    def __init__(
        self, space: Space, code: Iterable[Statement], first: Mapping[str, int], wide: int
    ) -> None:
        self.space, self.wide = space, wide
        changing = {name for statement in code for name in written(statement)}
        self.first = {name: value for name, value in first.items() if name not in changing}
        self.changing = changing

    def expression(self, memory: Memory, at: int) -> Expr:
        """Return how the address of *memory* is computed."""
        total: Expr = Const(memory.offset & WIDE)
        if memory.word is not None:
            total = Op("+", (total, Const(self.space.address(Shared(memory.word), at))))
        if memory.base:
            total = Op("+", (total, self.part(memory.base)))
        if memory.index:
            scaled = Op("*", (self.part(memory.index), Const(memory.scale)))
            total = Op("+", (total, scaled))
        return total

    def part(self, view: View) -> Expr:
        """Return the value of a register, as an address or an index needs it."""
        return Op("&", (Op(">>", (Reg(view.register), Const(view.shift))), Const(view.mask)))

    def fixed(self, memory: Memory, at: int) -> int | None:
        """Return the address of *memory* if it is always the same."""
        expression = self.expression(memory, at)
        if any(reg.name in self.changing for reg in registers(expression)):
            return None
        return evaluate(expression, lambda reg: self.first.get(reg.name, 0), lambda place: 0)

    def choices(self, statement: Statement, memory: Memory) -> list[Choice]:
        """Return the places that *memory* can be.

        :raises ProgramError: if there is nothing at the address
        """
        text, at = self.space.text, statement.at
        if memory.word is not None and memory.base is None and memory.index is None:
            self.space.mention(memory.word)
        address = self.fixed(memory, at)
        if address is not None:
            found = self.space.find(address)
            if not found:
                raise text.error(at, f"no word is at the address that is used here ({address:#x})")
            return [(address, *found)]
        pointed = [self.space.cells[name] for name in sorted(self.space.pointed)]
        if not pointed:
            raise text.error(at, "no register or word holds an address that could be used here")
        return [(cell.address, cell, 0) for cell in pointed]


def written(statement: Statement) -> Iterator[str]:
    """Yield the registers that *statement* may write."""
    name, operands = statement.mnemonic.name, statement.operands
    changed = operands if name in ("xchg", "xadd") else operands[:1]
    if name not in ("cmp", "test", "j", "jmp"):
        yield from (each.register for each in changed if isinstance(each, View))
    if name == "cmpxchg":
        yield from ("rax", "EAX")


def taken(code: Iterable[Statement]) -> Iterator[tuple[Shared, int]]:
    """Yield the words whose addresses *code* takes (``$x`` and LEA), and where."""
    for statement in code:
        for each in statement.operands:
            if isinstance(each, Immediate) and isinstance(each.value, str):
                yield Shared(each.value), statement.at
            if isinstance(each, Memory) and each.word and (each.base or each.index):
                yield Shared(each.word), statement.at
            if isinstance(each, Memory) and each.word and statement.mnemonic.name == "lea":
                yield Shared(each.word), statement.at
