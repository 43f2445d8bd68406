"""The kernel's C litmus files, judged as what their C is on x86.

They are the files of ``tools/memory-model/litmus-tests``: herd's form, with C functions for
code. What the Linux kernel memory model allows is more: it speaks for all architectures.
"""

import re
from collections.abc import Callable, Mapping

from mmuspec.interleave.expressions import WIDE, Expr, Read, Reg
from mmuspec.interleave.litmus.conditions import questions
from mmuspec.interleave.litmus.initial import Entry, initial_state
from mmuspec.interleave.litmus.litmus import Litmus, build
from mmuspec.interleave.litmus.locations import INT, POINTER, Location, Register, Type
from mmuspec.interleave.litmus.locations import Shared as SharedLocation
from mmuspec.interleave.litmus.sections import Sections, sections
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.notation.declared import Scope, Shared
from mmuspec.interleave.program import Instruction, Program, Thread
from mmuspec.interleave.readers.c_body import CBody
from mmuspec.interleave.readers.c_grace import grace_words
from mmuspec.interleave.readers.c_litmus import Function, functions, without_comments
from mmuspec.interleave.readers.c_names import assigned
from mmuspec.interleave.readers.c_types import type_of
from mmuspec.interleave.readers.c_values import Addresses, Pointer
from mmuspec.interleave.validate import validate
from mmuspec.interleave.words import Place

NUMBER = re.compile(r"(\d+)")


def is_kernel_litmus(text: str) -> bool:
    """Tell whether *text* looks like a litmus file in C."""
    return re.match(r"\s*C\s+\S", text) is not None


def read_kernel_litmus(text: str, file: str = "<text>") -> Litmus:
    """Read a litmus file in C.

    :raises ProgramError: where it is wrong, and what was expected
    :raises NotModelledError: for C that nothing here stands for
    """
    parts = sections(Text(file, text))
    if parts.arch != "C":
        raise parts.text.error(0, f"expected a litmus file in C, found one for {parts.arch}")
    return Reading(parts).litmus()


def bits(type: Type) -> int:
    """Return how wide a word is that holds values of *type*.

    A signed number needs 64 bits, as many as registers have, which keep its sign.
    """
    return 32 if type.bits <= 32 and not type.signed else 64


class Reading:
    """A file being read; it also tells what locations are (`Naming`).

    :raises ProgramError: where the file is wrong
    """

    def __init__(self, parts: Sections) -> None:
        self.parts = parts
        self.text = without_comments(parts.text, parts.initial, parts.program)
        self.functions = functions(self.text, *parts.program)
        if not self.functions:
            raise self.text.error(parts.program[0], "expected code, 'P0(int *x) {'")
        self.entries = initial_state(self.text, *parts.initial)
        self.types: dict[str, Type] = {}
        self.declare()
        self.asked = questions(parts.text, *parts.questions, self.known)
        self.words = {name: Shared(bits(of), name=name) for name, of in self.types.items()}
        self.pointers = Addresses(self.words)
        self.set_first_values()

    def declare(self) -> None:
        """Find the words: in the initial state, and those that parameters point to."""
        for entry in self.entries:
            if isinstance(entry.location, SharedLocation):
                of = POINTER if entry.pointer else (type_of(entry.type) or INT)
                self.types |= dict.fromkeys(cells(entry), of)
        for function in self.functions:
            for name, kind in function.parameters.items():
                self.types.setdefault(name, type_of(kind) or INT)
        for entry in self.entries:
            for value in entry.values:
                if isinstance(value, SharedLocation):
                    self.types.setdefault(value.cell, INT)

    def known(self, place: Location) -> Location | None:
        """Return *place*, or ``None`` if there is no such thing; any name can be a word."""
        if isinstance(place, Register):
            return place if place.cpu < len(self.functions) else None
        self.types.setdefault(place.cell, INT)
        return place

    def set_first_values(self) -> None:
        """Give the words their first values."""
        for entry in self.entries:
            if isinstance(entry.location, SharedLocation):
                for name, value in zip(cells(entry), entry.values, strict=False):
                    word = self.words[name]
                    word.initial = self.number(value) & ((1 << word.bits) - 1)

    def number(self, value: int | SharedLocation) -> int:
        """Return a value of the file: a number, or the address of a word."""
        return self.pointers.of(value.cell) if isinstance(value, SharedLocation) else value & WIDE

    def litmus(self) -> Litmus:
        """Write out the code, and put everything together."""
        threads = self.settled(self.threads)
        grace = grace_words({each.cpu: each.code.body for each in self.functions})
        words = tuple(shared.word() for shared in (*self.words.values(), *grace))
        found = build(self.parts, self.asked, Program(self.parts.name, words, threads), self)
        validate(found.program)
        return found

    def settled(self, write: Callable[[], tuple[Thread, ...]]) -> tuple[Thread, ...]:
        """Write out the code again until it is known which words a pointer may point to."""
        threads = write()
        while self.pointers.followed and self.pointers.taken != self.pointers.pointed:
            self.pointers.pointed = set(self.pointers.taken)
            threads = write()
        return threads

    def threads(self) -> tuple[Thread, ...]:
        """Write out the code of all CPUs."""
        return tuple(
            Thread(function.cpu, self.code(function), self.first(number))
            for number, function in enumerate(self.functions)
        )

    def code(self, function: Function) -> tuple[Instruction, ...]:
        """Write out the code of one CPU."""
        body, declared = function.code.body, function.code.declared
        grace = grace_words({each.cpu: each.code.body for each in self.functions})
        names: dict[str, object] = {f"&{name}": word for name, word in self.words.items()}
        names |= {name: Pointer(self.words[name]) for name in function.parameters}
        names |= {shared.name: shared for shared in grace}
        first = {name for name, _ in self.first(int(function.cpu[1:]))}
        registers = (assigned(body) | declared.keys() | first) - names.keys()
        scope = Scope(names, registers, self.text.file)
        return CBody(function.cpu, self.pointers, signed=True).code(function.code, scope)

    def first(self, cpu: int) -> tuple[tuple[str, int], ...]:
        """Return the registers of a CPU to which the initial state gives a value."""
        found: Mapping[str, int] = {
            entry.location.name: self.number(value)
            for entry in self.entries
            for value in entry.values[:1]
            if isinstance(entry.location, Register) and entry.location.cpu == cpu
        }
        return tuple(sorted(found.items()))

    # --- naming -------------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[tuple[int, str], ...]:
        """The addresses that values can be."""
        return tuple((self.pointers.number[name], name) for name in sorted(self.pointers.taken))

    def read(self, place: Location) -> Expr:
        """Return the value of *place*."""
        if isinstance(place, Register):
            return Reg(place.name, f"P{place.cpu}")
        return Read(Place(place.cell))

    def constant(self, place: Location, value: int | SharedLocation) -> int:
        """Return *value* as *place* holds it."""
        number = self.number(value)
        if isinstance(place, SharedLocation):
            number &= (1 << self.words[place.cell].bits) - 1
        return number

    def type(self, place: Location) -> Type:
        """Return how the last value of *place* is shown."""
        if isinstance(place, SharedLocation):
            return self.types[place.cell]
        declared = self.functions[place.cpu].code.declared.get(place.name, "int")
        return type_of(declared) or INT

    def rank(self, register: str) -> tuple[int, str]:
        """Return where *register* stands among those of its CPU: ``r2`` before ``r10``."""
        found = NUMBER.search(register)
        return (int(found[0]) if found else 0), register


def cells(entry: Entry) -> list[str]:
    """Return the names of the words of which *entry* speaks."""
    assert isinstance(entry.location, SharedLocation)
    if entry.size is None:
        return [entry.location.cell]
    return [f"{entry.location.name}[{index}]" for index in range(entry.size)]
