"""Protocols from CPU0/CPU1 tables, as people draw them in mails and in ``locking.rst``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Expr, Read, Reg
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.notation.declared import Operand, Scope, Shared
from mmuspec.interleave.program import Always, Final, Instruction, Program, Source, Thread
from mmuspec.interleave.readers.c_ast import Code, statements
from mmuspec.interleave.readers.c_body import CBody
from mmuspec.interleave.readers.c_condition import claims, token_pattern
from mmuspec.interleave.readers.c_grace import grace_words
from mmuspec.interleave.readers.c_names import assigned
from mmuspec.interleave.readers.c_values import Addresses, named
from mmuspec.interleave.readers.table_head import Head, read_head
from mmuspec.interleave.readers.table_lines import Lines, split
from mmuspec.interleave.readers.table_prose import code, without_comments
from mmuspec.interleave.readers.table_words import REGISTER, base, shared, uses
from mmuspec.interleave.validate import validate

LABEL = re.compile(r"(?:/\*|//|#)\s*([A-Z][A-Z0-9_]*-?[0-9]+[a-z]?)(?![\w-])")
"""The name of a line: ``/* LW3: ... */``."""


@dataclass(frozen=True)
class Table:
    """A table that was read.

    :param drawn_order: number of the CPU and index of the instruction, from the top down
    """

    program: Program
    drawn_order: tuple[tuple[int, int], ...]


def read_table(text: str, file: str = "<text>") -> Table:
    """Read a table.

    :raises ProgramError: where it is wrong, and what was expected
    :raises NotModelledError: for C that nothing here stands for
    """
    return Reading(text, file).table()


class Reading:
    """A table being read."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.lines: Lines = split(text, file)
        self.names = self.lines.names
        self.tokens = token_pattern(self.names)
        self.head: Head = read_head(
            without_comments("\n".join(self.lines.lines[: self.lines.header])).split("\n"), file
        )
        self.codes = [statements(code(page, file), Source(file, 1, 1)) for page in self.lines.pages]
        self.tail = Text(file, without_comments("\n".join(self.lines.lines)))
        self.begin = sum(len(line) + 1 for line in self.lines.lines[: self.lines.claims])
        self.words = self.all_words()
        self.pointers = Addresses(self.words, self.head.pointers)
        self.set_pointers()
        self.grace = grace_words(
            {name: code.body for name, code in zip(self.names, self.codes, strict=True)}
        )

    def set_pointers(self) -> None:
        """Give the words that are declared as pointers their first values."""
        for name, target in self.head.pointers.items():
            if target not in self.words:
                source = Source(self.file, 1, 1)
                raise ProgramError(source, f"{name} points to {target}, which is not declared")
            self.words[name].initial = self.pointers.of(target)

    def all_words(self) -> dict[str, Shared]:
        """Return the shared words: those declared, or those that the rows share."""
        found = dict(self.head.words)
        if not self.head.typed:
            for name in shared(self.codes, self.mentioned(), self.head.constants):
                found.setdefault(name, Shared(64, name=name))
        return found

    def mentioned(self) -> list[str]:
        """Return the names in the conditions that no CPU is named with."""
        tokens = self.tokens.finditer(self.tail.text, min(self.begin, len(self.tail.text)))
        return [base(token["name"].replace("->", ".")) for token in tokens if token["name"]]

    def table(self) -> Table:
        """Write out everything."""
        threads = self.threads()
        while self.pointers.followed and self.pointers.taken != self.pointers.pointed:
            self.pointers.pointed = set(self.pointers.taken)
            threads = self.threads()
        end = len(self.tail.text)
        asked = claims(self.tail, self.begin, end, self.tokens, self.lookup)
        program = Program(
            self.head.name or self.stem(),
            tuple(word.word() for word in (*self.words.values(), *self.grace)),
            threads,
            tuple(claim for claim in asked if isinstance(claim, Final)),
            tuple(claim for claim in asked if isinstance(claim, Always)),
        )
        return Table(validate(program), drawn_order(program))

    def stem(self) -> str:
        """Return a name after that of the file."""
        return self.file.rpartition("/")[2].partition(".")[0] or "table"

    def threads(self) -> tuple[Thread, ...]:
        """Write out the code of all CPUs."""
        first: list[dict[str, int]] = [{} for _ in self.names]
        for (cpu, name), number in self.head.registers.items():
            first[self.cpu(cpu, Source(self.file, 1, 1))][name] = number
        return tuple(
            Thread(name, self.code(name, code, values), tuple(values.items()))
            for name, code, values in zip(self.names, self.codes, first, strict=True)
        )

    def code(self, name: str, code: Code, values: Mapping[str, int]) -> tuple[Instruction, ...]:
        """Write out the code of one CPU."""
        page = self.lines.pages[self.names.index(name)]
        found = {number: LABEL.search(line) for number, line in enumerate(page, 1)}
        labels = {number: match[1] for number, match in found.items() if match}
        names: dict[str, object] = dict(self.head.constants)
        names |= {f"&{word}": word_ for word, word_ in self.words.items()}
        names |= {**self.words, **{word.name: word for word in self.grace}}
        registers = self.registers(code) | values.keys() | self.observed(name)
        scope = Scope(names, registers - names.keys(), self.file, labels)
        return CBody(name, self.pointers).code(code, scope)

    def registers(self, code: Code) -> set[str]:
        """Return the registers that *code* uses."""
        plain = {name for name in uses(code) if REGISTER.match(name)}
        return assigned(code.body) | code.declared.keys() | plain

    def observed(self, cpu: str) -> set[str]:
        """Return the registers of *cpu* that conditions name."""
        tokens = self.tokens.finditer(self.tail.text, min(self.begin, len(self.tail.text)))
        found = [token["register"].rpartition(":") for token in tokens if token["register"]]
        return {name for of, _, name in found if self.number(of) == self.names.index(cpu)}

    def number(self, cpu: str) -> int | None:
        """Return the number of the CPU that *cpu* names."""
        wanted = "".join(cpu.split()).lower()
        names = ["".join(name.split()).lower() for name in self.names]
        if wanted in names:
            return names.index(wanted)
        digits = wanted.removeprefix("p")
        return int(digits) if digits.isdigit() and int(digits) < len(names) else None

    def cpu(self, cpu: str, source: Source) -> int:
        """Return the number of the CPU that *cpu* names.

        :raises ProgramError: if there is none
        """
        found = self.number(cpu)
        if found is None:
            raise ProgramError(source, f"no CPU {cpu}; the CPUs are: {', '.join(self.names)}")
        return found

    def lookup(self, cpu: str, name: str) -> Expr | None:
        """Return what a name in a condition stands for."""
        if cpu:
            number = self.number(cpu)
            return Reg(name, self.names[number]) if number is not None else None
        found = named(name, self.words)
        if isinstance(found, Operand):
            return Read(found.place)
        cpus = zip(self.names, self.codes, strict=True)
        users = [cpu for cpu, code in cpus if name in self.registers(code)]
        return Reg(name, users[0]) if len(users) == 1 else None


def drawn_order(program: Program) -> tuple[tuple[int, int], ...]:
    """Return all instructions from the top of the table down; those of a row from the left."""
    places = [
        (instruction.source.line, number, index)
        for number, thread in enumerate(program.threads)
        for index, instruction in enumerate(thread.code)
    ]
    return tuple((number, index) for _, number, index in sorted(places))
