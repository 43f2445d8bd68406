"""The fields that a program needs, and the values that they are known to hold."""

from dataclasses import dataclass, field

from mmuspec.interleave.liveness import live, written
from mmuspec.interleave.operations import Store, Unlock
from mmuspec.interleave.program import Memory, Program, Thread
from mmuspec.interleave.quick.fields import Codes
from mmuspec.interleave.quick.footprint import boundaries, written_place
from mmuspec.interleave.words import Part, Place, extract

Buffer = tuple[tuple[Place, int], ...]
"""What waits in a store buffer, oldest first."""


@dataclass
class Kind:
    """What CPUs with the same code have in common.

    :param alive: by index, the registers that matter there
    :param stops: the indices at which such a CPU can stand between two steps
    :param registers: the values of its registers
    :param buffers: what may wait in its store buffer
    """

    thread: Thread
    alive: tuple[frozenset[str], ...]
    stops: Codes[int]
    registers: dict[str, Codes[int]]
    buffers: Codes[Buffer] = field(default_factory=lambda: Codes([()]))

    @property
    def kept(self) -> list[str]:
        """The registers that matter somewhere between two steps."""
        return sorted(set().union(*(self.alive[at] for at in self.stops.values)))

    def buffer(self, waiting: Buffer) -> int:
        """Return the number of *waiting*; what it becomes when it drains gets numbers, too."""
        for first in reversed(range(1, len(waiting))):
            self.buffers.number(waiting[first:])
        return self.buffers.number(waiting)


class Shape:
    """The fields of a program and the values that they are known to hold."""

    def __init__(self, program: Program, memory: Memory) -> None:
        self.program, self.memory = program, memory
        self.split = split(program)
        self.words = {place: Codes([initial(program, place)]) for place in self.places()}
        kinds: dict[tuple[object, ...], Kind] = {}
        self.kinds = [self.kind(thread, kinds) for thread in program.threads]

    def kind(self, thread: Thread, kinds: dict[tuple[object, ...], Kind]) -> Kind:
        """Return what *thread* has in common with others."""
        alive = live(self.program, thread)
        key = (thread.code, thread.registers, alive)
        if key not in kinds:
            names = {written(instruction.operation) for instruction in thread.code} - {None}
            names |= set().union(*alive)
            codes = {str(name): Codes([0]) for name in names}
            for name, value in thread.registers:
                codes.setdefault(name, Codes([0])).number(value)
            kinds[key] = Kind(thread, alive, Codes(boundaries(thread)), codes)
            kinds[key].buffers.sure = self.memory is Memory.SC or not buffers(thread)
        return kinds[key]

    def places(self) -> list[Place]:
        """Return the parts of memory that have a field of their own."""
        whole = [Place(word.name) for word in self.program.words]
        return [field for place in whole for field in self.fields(place)]

    def fields(self, place: Place) -> list[Place]:
        """Return the parts of memory that have fields and make up *place*, or hold it."""
        if place.word not in self.split:
            return [Place(place.word)]
        if place.part is not Part.WHOLE:
            return [place]
        return [Place(place.word, Part.LOW), Place(place.word, Part.HIGH)]

    def note(self, place: Place, value: int) -> None:
        """Note that *value* was written to *place*, or seen in it."""
        word = self.program.word[place.word]
        for part in self.fields(place):
            if place.part is Part.WHOLE:
                self.words[part].number(extract(value, word, part.part))
            else:
                self.words[part].number(value)


def buffers(thread: Thread) -> bool:
    """Tell whether *thread* has stores that may wait."""
    return any(isinstance(one.operation, Store | Unlock) for one in thread.code)


def split(program: Program) -> frozenset[str]:
    """Return the words of which some instruction writes only a half."""
    targets = [
        written_place(instruction.operation)
        for thread in program.threads
        for instruction in thread.code
    ]
    return frozenset(place.word for place in targets if place and place.part is not Part.WHOLE)


def initial(program: Program, place: Place) -> int:
    """Return what *place* holds at first."""
    word = program.word[place.word]
    return extract(word.initial, word, place.part)
