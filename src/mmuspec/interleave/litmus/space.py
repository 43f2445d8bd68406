"""The shared words of an assembly test: their types, how they are accessed, their addresses.

A test has few words, so an address is only a number that tells them apart. How many bits a
word has is what its type says, or more if an instruction reaches more of it (herd does not
look at sizes unless it is told to, and many files do not give them).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.litmus.initial import Entry, Value
from mmuspec.interleave.litmus.locations import INT, POINTER, TYPES, Shared, Type
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.words import Part, Place, Word

FIRST, APART = 0x4000_0000, 0x1_0000
"""The address of the first word, and how far apart the words are (arrays need room)."""

LONGEST = APART // 8
"""How many elements an array may have."""


@dataclass
class Cell:
    """A word, as far as it is known yet.

    :param bits: as many as instructions reach, or its type has
    :param narrow: 8 or 16 if all instructions reach only so many of its bits
    """

    name: str
    type: Type
    address: int
    initial: Value = 0
    bits: int = 32
    element: bool = False
    widths: set[tuple[int, int]] = field(default_factory=set)

    @property
    def narrow(self) -> int | None:
        """8 or 16 if that is all that instructions reach of it."""
        widths = {bits for _, bits in self.widths}
        return min(widths) if widths and max(widths) < 32 else None


class Space:
    """The words by name, in the order in which they were first mentioned."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.cells: dict[str, Cell] = {}
        self.arrays: dict[str, int] = {}
        self.pointed: set[str] = set()
        self.next = FIRST

    def declare(self, entry: Entry, place: Shared) -> None:
        """Make the word, or the elements of the array, of which the initial state speaks.

        :raises ProgramError: if it is there already, or its type is none of C's
        """
        if place.cell in self.cells or place.name in self.arrays:
            raise ProgramError(entry.source, f"{place.cell} has a first value already")
        type = typed(entry)
        if type is None:
            raise ProgramError(
                entry.source, f"no type {entry.type!r}; expected one such as uint64_t"
            )
        if entry.size is None:
            self.make(place.cell, type, self.next, entry.values[0] if entry.values else 0)
        elif not 0 < entry.size <= LONGEST:
            raise ProgramError(entry.source, f"expected from 1 to {LONGEST} elements")
        else:
            self.arrays[place.name] = entry.size
            for index, value in enumerate(entry.values or (0,) * entry.size):
                at = self.next + index * type.bits // 8
                self.make(f"{place.name}[{index}]", type, at, value).element = True
        self.next += APART

    def make(self, name: str, type: Type, address: int, initial: Value) -> Cell:
        """Make one word."""
        cell = Cell(name, type, address, initial, max(type.bits, 32))
        self.cells[name] = cell
        return cell

    def mention(self, name: str) -> None:
        """Make an int of that *name* if there is none; nobody has to declare words."""
        if name not in self.cells and name not in self.arrays:
            self.make(name, INT, self.next, 0)
            self.next += APART

    def address(self, place: Shared, at: int) -> int:
        """Return the address of *place*, and remember that somebody has it."""
        if place.index is None:
            self.mention(place.name)
        first = f"{place.name}[0]" if place.name in self.arrays else place.name
        cell = self.cells.get(first if place.index is None else place.cell)
        if cell is None:
            raise self.text.error(at, f"there is no {place.cell}")
        self.pointed |= set(self.of_array(place.name))
        return cell.address

    def of_array(self, name: str) -> Iterable[str]:
        """Return the names of the elements of an array, or of a word."""
        size = self.arrays.get(name)
        return [name] if size is None else [f"{name}[{index}]" for index in range(size)]

    def find(self, address: int) -> tuple[Cell, int] | None:
        """Return the word at *address*, and how many bytes into it that is."""
        for cell in self.cells.values():
            bits = cell.type.bits if cell.element else 64
            if 0 <= address - cell.address < bits // 8:
                return cell, address - cell.address
        return None

    def access(self, cell: Cell, offset: int, bits: int, at: int) -> None:
        """Note that an instruction reaches *bits* of *cell*, from its byte *offset*.

        :raises NotModelledError: if that goes beyond an element of an array, or tears a word
        """
        room = cell.type.bits if cell.element else 64
        if offset * 8 + bits > room or offset * 8 % bits:
            raise self.text.not_modelled(at, f"an access across the end of {cell.name}")
        cell.widths.add((offset, bits))
        cell.bits = max(cell.bits, offset * 8 + bits)
        if min(width for _, width in cell.widths) < 32 and len(cell.widths) > 1:
            raise self.text.not_modelled(at, f"accesses to bytes of {cell.name}, and to others")
        if bits < 32 and offset:
            raise self.text.not_modelled(at, f"an access to a byte within {cell.name}")

    def place(self, cell: Cell, offset: int, bits: int) -> Place:
        """Return what an instruction that reaches *bits* from byte *offset* has as its operand."""
        if cell.bits == 64 and bits == 32:
            return Place(cell.name, Part.HIGH if offset else Part.LOW)
        return Place(cell.name)

    def words(self) -> tuple[Word, ...]:
        """Return the words of the protocol."""
        return tuple(Word(cell.name, cell.bits, self.initial(cell)) for cell in self.cells.values())

    def initial(self, cell: Cell) -> int:
        """Return the first value of *cell*."""
        value = cell.initial
        if isinstance(value, Shared):
            value = self.address(value, 0)
        return cell.type.cut(value) & ((1 << cell.bits) - 1)


def typed(entry: Entry) -> Type | None:
    """Return the type that *entry* gives its location; ``None`` for a name that is no type."""
    if entry.pointer:
        return POINTER
    return TYPES.get(entry.type) if entry.type else INT
