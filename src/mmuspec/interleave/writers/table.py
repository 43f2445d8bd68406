"""A protocol as a CPU0/CPU1 table, which `read_table` reads back as the same protocol."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Reg as Register
from mmuspec.interleave.expressions import leaves
from mmuspec.interleave.liveness import expressions, targets, written
from mmuspec.interleave.notation.assemble import reachable
from mmuspec.interleave.operations import Jump, JumpUnless
from mmuspec.interleave.program import Always, Final, Program, Source, Thread
from mmuspec.interleave.words import Word
from mmuspec.interleave.writers.statements import expression, label, number, quoted, statement
from mmuspec.interleave.writers.wrap import least_width, wrapped

WIDTH = 78
"""No line is longer, unless a name is."""

BETWEEN = " | "

C_WORD = re.compile(
    r"(?:auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if"
    r"|inline|int|long|register|return|short|signed|sizeof|static|struct|switch|typedef|union"
    r"|unsigned|void|volatile|while|bool|true|false|NULL|exists|forall|final|always)$"
)
"""What no name in a table can be."""

NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*$")
CPU = re.compile(r"[A-Za-z][\w#-]*(?: [\w#-]+)*$")


def write_table(program: Program) -> str:
    """Return *program* as a table.

    :raises ProgramError: if a name in it is none that a table can have
    """
    check_names(program)
    parts = [[f"name: {program.name}"], list(declarations(program)), list(rows(program))]
    parts.append([line for final in program.finals for line in claimed(final)])
    parts[-1] += [line for always in program.always for line in claimed(always)]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def check_names(program: Program) -> None:
    """Demand that all names can be read back.

    :raises ProgramError: otherwise
    """
    words, registers = set(program.word), set[str]()
    for thread in program.threads:
        registers |= set(registers_of(thread))
        if reachable(thread) != set(range(len(thread.code))):
            raise unwritable(f"code of {thread.name} that is never reached")
        if not CPU.match(thread.name):
            raise unwritable(f"a CPU named {thread.name!r}")
    for name in (*words, *registers):
        base, _, part = name.rpartition(".")
        half = part in ("low", "high") and (name in words or base in words)
        if not NAME.match(name) or half or any(map(C_WORD.match, name.split("."))):
            raise unwritable(f"the name {name!r}")
    for name in words & registers:
        raise unwritable(f"both a word and a register named {name}")
    if len({name.replace(" ", "").lower() for name in program.thread}) < len(program.threads):
        raise unwritable("CPUs with nearly the same name")
    if program.name != " ".join(program.name.split()) or not program.name:
        raise unwritable(f"the name {program.name!r}")


def unwritable(what: str) -> ProgramError:
    """Return the error for a program that no table can stand for."""
    return ProgramError(Source(), f"{what} cannot stand in a table")


def registers_of(thread: Thread) -> Iterator[str]:
    """Yield the names of the registers of *thread*."""
    yield from (name for name, _ in thread.registers)
    for instruction in thread.code:
        if (name := written(instruction.operation)) is not None:
            yield name
        for expr in expressions(instruction.operation):
            yield from (leaf.name for leaf in leaves(expr) if isinstance(leaf, Register))


def declarations(program: Program) -> Iterator[str]:
    """Yield the lines that declare the words, and the first values of registers."""
    for word in program.words:
        yield declaration(word)
    for thread in program.threads:
        for name, value in thread.registers:
            yield f"{thread.name}:{name} = {number(value)};"


def declaration(word: Word) -> str:
    """Return the declaration of *word*."""
    ghost = "ghost " if word.ghost else ""
    value = f" = {number(word.initial)}" if word.initial else ""
    return f"{ghost}u{word.bits} {word.name}{value};"


def rows(program: Program) -> Iterator[str]:
    """Yield the names of the CPUs, a rule, and the rows."""
    names = [thread.name for thread in program.threads]
    cells = [list(statements(thread, program)) for thread in program.threads]
    widths = column_widths(names, cells)
    yield row(names, widths)
    yield "-+-".join("-" * width for width in widths)
    columns = [
        [line for text in column for line in wrapped(text, width)]
        for column, width in zip(cells, widths, strict=True)
    ]
    for cells_of_row in zip_longest(*columns, fillvalue=""):
        yield row(list(cells_of_row), widths)


def row(cells: list[str], widths: list[int]) -> str:
    """Return one row."""
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return BETWEEN.join(padded).rstrip(" ")


def statements(thread: Thread, program: Program) -> Iterator[str]:
    """Yield the code of *thread* as C statements, with labels where jumps lead.

    Registers that nothing gives a value are declared, or they would be taken for words.
    """
    given = {written(instruction.operation) for instruction in thread.code}
    given |= {name for name, _ in thread.registers}
    for name in sorted(set(registers_of(thread)) - given):
        yield f"u64 {name};"
    wanted = {
        target
        for index, instruction in enumerate(thread.code)
        if isinstance(instruction.operation, Jump | JumpUnless)
        for target in targets(instruction.operation, index)[-1:]
    }
    for index, instruction in enumerate(thread.code):
        if index in wanted:
            yield f"{label(index)}:"
        yield statement(instruction.operation, program)
    if len(thread.code) in wanted:
        yield f"{label(len(thread.code))}: ;"


def column_widths(names: list[str], cells: list[list[str]]) -> list[int]:
    """Return how wide each column is: as its longest statement, unless the table gets too wide."""
    columns = zip(names, cells, strict=True)
    widths = [max(len(text) for text in (name, *column)) for name, column in columns]
    room = WIDTH - len(BETWEEN) * (len(widths) - 1)
    least = [max(map(least_width, column), default=0) for column in cells]
    while sum(widths) > room:
        spare = [(width, n) for n, width in enumerate(widths) if width > least[n]]
        if not spare:
            break
        widths[max(spare)[1]] -= 1
    return widths


def claimed(claim: Final | Always) -> list[str]:
    """Return a claim on lines that are not too long."""
    keyword = claim.quantifier.value if isinstance(claim, Final) else "always"
    condition = f"{keyword} ({expression(claim.condition)})"
    if claim.text != condition:
        condition = f"{condition[:-1]}, {quoted(claim.text)})"
    return wrapped(condition, WIDTH)
