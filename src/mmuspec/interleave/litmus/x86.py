"""herd's litmus files in assembly: ``X86`` (32 bits, Intel's order) and ``X86_64`` (AT&T's)."""

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.litmus.addresses import Addresses, taken
from mmuspec.interleave.litmus.assembly import Table
from mmuspec.interleave.litmus.conditions import questions
from mmuspec.interleave.litmus.initial import Entry, initial_state
from mmuspec.interleave.litmus.litmus import Litmus, build
from mmuspec.interleave.litmus.locations import INT, Location, Register, Shared, Type
from mmuspec.interleave.litmus.registers import NAMES, X86, X86_64, View
from mmuspec.interleave.litmus.sections import Sections, sections
from mmuspec.interleave.litmus.space import Space, typed
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.litmus.translate import Translation
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.validate import validate
from mmuspec.interleave.words import Place

VIEWS = {"X86": X86, "X86_64": X86_64}
"""The parts of registers, by the first word of a file."""

Values = dict[str, int]


def read_x86(text: str, file: str = "<text>") -> Litmus:
    """Read a litmus file in assembly.

    :raises ProgramError: where it is wrong, and what was expected
    :raises NotModelledError: for an instruction, or another architecture, that is not modelled
    """
    parts = sections(Text(file, text))
    if parts.arch not in VIEWS:
        at = text.index(parts.arch)
        raise parts.text.not_modelled(at, f"the architecture {parts.arch}")
    return Reading(parts).litmus()


class Reading:
    """A file being read.

    It also tells what locations are (`Naming`): a register is the whole one, by its name in
    herd's output, whatever part of it is named.
    """

    def __init__(self, parts: Sections) -> None:
        self.parts, self.text = parts, parts.text
        self.views = VIEWS[parts.arch]
        self.space = Space(parts.text)
        self.types: dict[Location, Type] = {}
        table = Table(parts.text, parts.program, self.views, parts.arch == "X86_64")
        self.columns = table.read()

    def litmus(self) -> Litmus:
        """Read what is left, and put everything together."""
        entries = initial_state(self.text, *self.parts.initial)
        self.declare(entries)
        first = self.first(entries)
        wide = 64 if self.parts.arch == "X86_64" else 32
        accumulator = self.views["eax"].register
        codes = [
            Translation(Addresses(self.space, code, values, wide), code, accumulator)
            for code, values in zip(self.columns, first, strict=True)
        ]
        for code in codes:
            code.survey()
        asked = questions(self.text, *self.parts.questions, self.known)
        threads = tuple(
            Thread(f"P{cpu}", code.instructions(), tuple(sorted(first[cpu].items())))
            for cpu, code in enumerate(codes)
        )
        program = Program(self.parts.name, self.space.words(), threads)
        found = build(self.parts, asked, program, self)
        validate(found.program)
        return found

    def declare(self, entries: tuple[Entry, ...]) -> None:
        """Make the words that the initial state declares, then those whose addresses are taken."""
        for entry in entries:
            if isinstance(entry.location, Shared):
                self.space.declare(entry, entry.location)
        for entry in entries:
            for value in entry.values:
                if isinstance(value, Shared):
                    at = self.text.text.index(value.name, self.parts.initial[0])
                    self.space.address(value, at)
        for code in self.columns:
            for place, at in taken(code):
                self.space.address(place, at)

    def first(self, entries: tuple[Entry, ...]) -> list[Values]:
        """Return the first values of each CPU's registers, and note their types."""
        found: list[Values] = [{} for _ in self.columns]
        for entry in entries:
            if isinstance(entry.location, Register):
                self.register(entry, entry.location, found)
        return found

    def register(self, entry: Entry, place: Register, found: list[Values]) -> None:
        """Read what the initial state says of one register."""
        known = self.known(place)
        type = typed(entry)
        if not isinstance(known, Register):
            raise ProgramError(entry.source, f"the test has no {place}")
        if type is None or entry.size is not None:
            raise ProgramError(entry.source, "expected a type such as uint64_t")
        if known.name in found[known.cpu]:
            raise ProgramError(entry.source, f"{known} has a first value already")
        self.types[known] = type
        for value in entry.values:
            number = self.space.address(value, 0) if isinstance(value, Shared) else value
            view = self.views[place.name.lower()]
            found[known.cpu][known.name] = number & ((1 << view.whole) - 1)

    def known(self, place: Location) -> Location | None:
        """Return *place* as it is shown, or ``None`` if there is no such register."""
        if isinstance(place, Shared):
            if place.index is None:
                self.space.mention(place.name)
            return place if place.cell in self.space.cells else None
        view = self.views.get(place.name.lower())
        if view is None or place.cpu >= len(self.columns):
            return None
        return Register(place.cpu, view.register)

    # --- naming -------------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[tuple[int, str], ...]:
        """The addresses that values can be."""
        cells = self.space.cells
        return tuple((cells[name].address, name) for name in sorted(self.space.pointed))

    def type(self, place: Location) -> Type:
        """Return how the last value of *place* is shown."""
        if isinstance(place, Shared):
            return self.space.cells[place.cell].type
        return self.types.get(place, INT)

    def rank(self, register: str) -> tuple[int, str]:
        """Return where *register* stands among those of its CPU."""
        return NAMES.index(register), register

    def read(self, place: Location) -> Expr:
        """Return the value of *place*, as many bits of it as its type has."""
        if isinstance(place, Shared):
            value: Expr = Read(Place(place.cell))
            bits = self.space.cells[place.cell].bits
        else:
            value = Reg(place.name, f"P{place.cpu}")
            bits = View(place.name, 0).whole
        type = self.type(place)
        return value if type.bits >= bits else Op("&", (value, Const(type.mask)))

    def constant(self, place: Location, value: int | Shared) -> int:
        """Return *value*, or the address of a word, cut to what the type of *place* holds."""
        number = self.space.address(value, 0) if isinstance(value, Shared) else value
        return self.type(place).cut(number)
