"""A protocol as a litmus file in assembly of x86-64, for herd and its like."""

import re

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.litmus.claims import TRUE, Claim, Equals, Every, Not, Some, shown
from mmuspec.interleave.litmus.compile import Column
from mmuspec.interleave.litmus.compute import signed, unwritable
from mmuspec.interleave.litmus.litmus import OBSERVED
from mmuspec.interleave.litmus.locations import Register, Shared
from mmuspec.interleave.litmus.registers import X86_64
from mmuspec.interleave.program import Final, Program, Quantifier
from mmuspec.interleave.words import Part

NAME = re.compile(r"[A-Za-z_]\w*$")

TITLE = re.compile(r"[^\w.+-]+")


def write_litmus(program: Program) -> str:
    """Return *program* as a litmus file for ``X86_64``; the first final question goes with it.

    Read back, it ends in the same final states; registers may have got other names. Locks and
    some updates become loops of CMPXCHG. Barriers that are no instruction are left out.

    :raises NotModelledError: for what assembly cannot say: ghosts, claims on the way, waits,
        retry bounds, multiplication, comparisons in questions but of a place with a number
    """
    check(program)
    columns = [Column(program, thread) for thread in program.threads]
    finals = [final for final in program.finals if final.text != OBSERVED]
    final = finals[0] if finals else None
    lines = [f"X86_64 {TITLE.sub('-', program.name).strip('-') or 'unnamed'}"]
    lines += initial(program, columns)
    lines += table([f"P{number}" for number in range(len(columns))], columns)
    lines += questions(program, columns, final)
    return "\n".join(lines) + "\n"


def check(program: Program) -> None:
    """Complain about what no column can say."""
    for word in program.words:
        if word.ghost:
            raise unwritable(f"the ghost {word.name}")
        if not NAME.match(word.name) or word.name.lower() in X86_64:
            raise unwritable(f"a word of the name {word.name!r}")
    if program.always:
        raise unwritable("a claim about every state")


def initial(program: Program, columns: list[Column]) -> list[str]:
    """Return the initial state: all words, and the registers that begin with something."""
    lines = ["{"]
    for word in program.words:
        lines.append(f" uint{word.bits}_t {word.name}={word.initial};")
    for number, column in enumerate(columns):
        first = {column.names[name]: value for name, value in column.thread.registers}
        for register in sorted({*column.names.values()}):
            value = f"={signed(first[register])}" if register in first else ""
            lines.append(f" uint64_t {number}:{register}{value};")
        lines += [f" {number}:{name}={word};" for word, name in column.pointers.items()]
    return [*lines, "}"]


def table(names: list[str], columns: list[Column]) -> list[str]:
    """Return the rows of code."""
    height = max((len(column.lines) for column in columns), default=0)
    padded = [
        [name, *column.lines, *[""] * (height - len(column.lines))]
        for name, column in zip(names, columns, strict=True)
    ]
    widths = [max(map(len, cells)) for cells in padded]
    return [
        " " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " ;"
        for row in zip(*padded, strict=True)
    ]


def questions(program: Program, columns: list[Column], final: Final | None) -> list[str]:
    """Return what is asked: at least to show all words and registers."""
    places: list[Register | Shared] = [Shared(word.name) for word in program.words]
    for number, column in enumerate(columns):
        places += [Register(number, name) for name in sorted({*column.names.values()})]
    names = "".join(f" {place.name if isinstance(place, Shared) else place};" for place in places)
    quantifier = final.quantifier if final else Quantifier.FORALL
    claim = Questions(program, columns).claim(final.condition) if final else TRUE
    return [f"locations [{names} ]", f"{quantifier.value} ({shown(claim)})"]


class Questions:
    """The conditions of final questions as claims."""

    def __init__(self, program: Program, columns: list[Column]) -> None:
        self.columns = {
            thread.name: (number, column)
            for number, (thread, column) in enumerate(zip(program.threads, columns, strict=True))
        }

    def claim(self, condition: Expr) -> Claim:
        """Return *condition* as a claim.

        :raises NotModelledError: if litmus files have no words for it
        """
        match condition:
            case Const(value):
                return TRUE if value else Some(())
            case Op("not", (inner,)):
                return Not(self.claim(inner))
            case Op("and", operands):
                return Every(tuple(map(self.claim, operands)))
            case Op("or", operands):
                return Some(tuple(map(self.claim, operands)))
            case Op("==", (place, Const(value))):
                return Equals(self.place(place), value)
            case Op("!=", (place, Const(value))):
                return Not(Equals(self.place(place), value))
            case Reg() | Read():
                return Not(Equals(self.place(condition), 0))
            case _:
                raise unwritable("a question but for the value of a place")

    def place(self, expr: Expr) -> Register | Shared:
        """Return the place that *expr* is."""
        match expr:
            case Reg(name, thread):
                number, column = self.columns[thread]
                return Register(number, column.names[name])
            case Read(place) if place.part is Part.WHOLE:
                return Shared(place.word)
            case _:
                raise unwritable("a question but for the value of a place")
