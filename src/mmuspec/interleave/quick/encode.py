"""Packed states of a program."""

from dataclasses import dataclass

from mmuspec.interleave.quick.fields import Field, TooWide, arrange
from mmuspec.interleave.quick.shape import Buffer, Kind, Shape
from mmuspec.interleave.state import Cpu, State
from mmuspec.interleave.words import HALF, SHIFT, Part, Place

ATTEMPTS = ((False, 1), (False, 0), (True, 1), (True, 0))
"""How a layout is looked for: with one number or two, with bits to spare or none."""


@dataclass
class CpuFields:
    """Where things of one CPU stand in a packed state.

    :param at: where in its code it is
    :param registers: by name; those that never matter together may share their bits
    :param buffer: what waits in its store buffer
    """

    kind: Kind
    at: Field[int]
    registers: dict[str, Field[int]]
    buffer: Field[Buffer]

    def __post_init__(self) -> None:
        self.register_mask = 0
        for field in self.registers.values():
            self.register_mask |= field.mask
        self.mask = self.at.mask | self.buffer.mask | self.register_mask

    def get(self, state: int) -> Cpu:
        """Unpack this CPU."""
        at = self.at.get(state)
        alive = sorted(self.kind.alive[at])
        values = tuple((name, self.registers[name].get(state)) for name in alive)
        return Cpu(at, values, self.buffer.get(state))

    def put(self, cpu: Cpu) -> int:
        """Pack this CPU."""
        state = self.at.put(cpu.at) | self.buffer.put(cpu.buffer)
        for name, value in cpu.registers:
            state |= self.registers[name].put(value)
        return state


class Encoding:
    """How the states of a program are packed.

    :param wide: whether with two numbers
    :param spare: bits that a field has to spare if not all its values are known
    :param blocks: whether the bits of each CPU stand together, so that CPUs can be exchanged
    :raises TooWide: if there is not enough room
    """

    def __init__(self, shape: Shape, wide: bool, spare: int, blocks: bool) -> None:
        self.shape, self.wide, self.blocks = shape, wide, blocks
        slots = [share(kind, spare) for kind in shape.kinds]
        sizes = [
            [kind.stops.bits(0), *map(max, map(dict.values, rows)), kind.buffers.bits(spare)]
            for kind, rows in zip(shape.kinds, slots, strict=True)
        ]
        words = [codes.bits(spare) for codes in shape.words.values()]
        shifts, rest = (together if blocks else apart)(sizes, words, wide)
        self.cpus = [
            cpu_fields(*one) for one in zip(shape.kinds, slots, sizes, shifts, strict=True)
        ]
        self.words = {
            place: Field(shape.words[place], shift, size)
            for place, shift, size in zip(shape.words, rest, words, strict=True)
        }

    def put(self, state: State) -> int:
        """Pack *state*."""
        packed = 0
        for fields, cpu in zip(self.cpus, state.cpus, strict=True):
            packed |= fields.put(cpu)
        for word, value in zip(self.shape.program.words, state.memory, strict=True):
            packed |= self.put_place(Place(word.name), value)
        return packed

    def get(self, packed: int) -> State:
        """Unpack a state."""
        cpus = tuple(fields.get(packed) for fields in self.cpus)
        words = self.shape.program.words
        return State(cpus, tuple(self.get_place(Place(word.name), packed) for word in words))

    def put_place(self, place: Place, value: int) -> int:
        """Return the bits of the fields of *place* when it holds *value*.

        :raises TooNarrow: if there is no room for the number of the value
        """
        field = self.words.get(place)
        if field is not None:
            return field.put(value)
        low, high = (self.words[part] for part in self.shape.fields(place))
        return low.put(value & HALF) | high.put(value >> SHIFT[Part.HIGH])

    def get_place(self, place: Place, packed: int) -> int:
        """Return what the fields of *place* hold."""
        field = self.words.get(place)
        if field is not None:
            return field.get(packed)
        low, high = (self.words[part] for part in self.shape.fields(place))
        return low.get(packed) | high.get(packed) << SHIFT[Part.HIGH]

    def place_mask(self, place: Place) -> int:
        """Return the bits of the fields that make up *place*, or hold it."""
        mask = 0
        for part in self.shape.fields(place):
            mask |= self.words[part].mask
        return mask


def encoding(shape: Shape) -> Encoding:
    """Return the best way to pack the states of a program.

    :raises TooWide: if there is none
    """
    for wide, spare in ATTEMPTS:
        for blocks in (True, False):
            try:
                return Encoding(shape, wide, spare, blocks)
            except TooWide:
                continue
    raise TooWide


def share(kind: Kind, spare: int) -> list[dict[str, int]]:
    """Divide the registers of a CPU into groups of which at most one matters at a time.

    :returns: the groups, each with the sizes of its members
    """
    alive = [kind.alive[at] for at in kind.stops.values]
    sizes = {name: kind.registers[name].bits(spare) for name in kind.kept}
    groups: list[dict[str, int]] = []
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        beside = set().union(*(names for names in alive if name in names))
        group = next((one for one in groups if not beside & one.keys()), None)
        if group is None:
            groups.append({name: sizes[name]})
        else:
            group[name] = sizes[name]
    return groups


def together(
    sizes: list[list[int]], words: list[int], wide: bool
) -> tuple[list[list[int]], list[int]]:
    """Find places with the bits of each CPU beside each other."""
    shifts = arrange([sum(one) for one in sizes], words, wide)
    cpus = [
        [first + sum(one[:number]) for number in range(len(one))]
        for first, one in zip(shifts, sizes, strict=False)
    ]
    return cpus, shifts[len(sizes) :]


def apart(
    sizes: list[list[int]], words: list[int], wide: bool
) -> tuple[list[list[int]], list[int]]:
    """Find places for all fields one by one, those that say where CPUs are in the first half."""
    rest = [size for one in sizes for size in one[1:]]
    shifts = iter(arrange([one[0] for one in sizes], rest + words, wide))
    firsts = [next(shifts) for _ in sizes]
    cpus = [
        [first, *(next(shifts) for _ in one[1:])] for first, one in zip(firsts, sizes, strict=True)
    ]
    return cpus, list(shifts)


def cpu_fields(
    kind: Kind, groups: list[dict[str, int]], sizes: list[int], shifts: list[int]
) -> CpuFields:
    """Return the fields of one CPU, whose places are known."""
    registers = {
        name: Field(kind.registers[name], shift, size)
        for group, size, shift in zip(groups, sizes[1:-1], shifts[1:-1], strict=True)
        for name in group
    }
    at = Field(kind.stops, shifts[0], sizes[0])
    return CpuFields(kind, at, registers, Field(kind.buffers, shifts[-1], sizes[-1]))
