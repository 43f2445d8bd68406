"""Who answers what a step does: the plain `Run`, for a CPU that holds what decides.

So the fast explorer cannot drift from the meaning of programs. What a step does not
look at is not there while it is asked for; a wrong footprint shows at once.
"""

from collections.abc import Callable

from mmuspec.fast.explorer.context import ALONE, EAGER, NEVER, QUIT, VIEW
from mmuspec.fast.explorer.model import Entry, Group
from mmuspec.interleave.operations import LOCKED, Operation, Store, Unlock
from mmuspec.interleave.program import Memory
from mmuspec.interleave.quick.encode import CpuFields, Encoding
from mmuspec.interleave.quick.footprint import Footprint, footprint, gives_up, goes_on
from mmuspec.interleave.quick.independent import Independence
from mmuspec.interleave.quick.shape import Buffer
from mmuspec.interleave.run import Run
from mmuspec.interleave.state import Cpu, Values
from mmuspec.interleave.words import Place, cut, extract, insert

ALL = (1 << 128) - 1


class Words(dict[str, int]):
    """Memory that remembers which words were written."""

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self.written: set[str] = set()

    def __setitem__(self, name: str, value: int) -> None:
        self.written.add(name)
        super().__setitem__(name, value)


class Oracle:
    """Answers for one program with one encoding.

    :param claims: what is looked at in every state: invariants, then whether CPUs gave up
    :param independence: if steps may be taken alone
    """

    def __init__(
        self,
        encoding: Encoding,
        claims: list[Callable[[int], bool]],
        independence: Independence | None = None,
    ) -> None:
        self.encoding, self.claims, shape = encoding, claims, encoding.shape
        self.independence = independence
        self.program, self.buffered = shape.program, shape.memory is Memory.TSO
        self.known: dict[tuple[int, int, int, int], tuple[int, Entry | None]] = {}
        self.footprints: dict[tuple[int, int], Footprint] = {}
        self.effects: list[list[tuple[Entry, Entry]]] = [[] for _ in shape.kinds]
        for cpu, kind in enumerate(shape.kinds):
            for number, at in enumerate(kind.stops.values):
                if goes_on(kind.thread, at):
                    self.footprints[cpu, number] = footprint(self.program, kind.thread, at)

    def group(self, cpu: int, number: int) -> Group:
        """Describe access *number* of a CPU."""
        fields = self.encoding.cpus[cpu]
        thread, at = fields.kind.thread, fields.kind.stops.values[number]
        if not goes_on(thread, at):
            return Group(NEVER | QUIT * gives_up(thread, at))
        operation, seen = thread.code[at].operation, self.footprints[cpu, number]
        mask, mode = fields.buffer.mask * self.pushes(operation), 0
        for name in seen.registers:
            mask |= fields.registers[name].mask
        for place in seen.places:
            mask |= self.encoding.place_mask(place)
        if fields.buffer.bits:
            mode = ALONE if isinstance(operation, LOCKED) else VIEW * bool(seen.places)
        conflicts = self.independence and self.independence.conflicts(cpu, at)
        return Group(mode | EAGER * (conflicts is not None), mask, conflicts or ())

    def pushes(self, operation: Operation) -> bool:
        """Tell whether *operation* puts something into a store buffer."""
        return self.buffered and isinstance(operation, Store | Unlock)

    def entry(self, cpu: int, number: int, key: int) -> Entry | None:
        """Return what an access does if the fields that decide are *key*; ``None`` if it waits.

        What CPUs of the same kind do differs only in where their bits stand.
        """
        fields = self.encoding.cpus[cpu]
        if not self.encoding.blocks:
            return self.answer(cpu, number, key)
        own = (key & fields.mask) >> fields.at.shift
        question = (id(fields.kind), number, own, key & ~fields.mask)
        if question not in self.known:
            self.known[question] = cpu, self.answer(cpu, number, key)
        other, entry = self.known[question]
        return entry and moved(entry, self.encoding.cpus[other], fields)

    def answer(self, cpu: int, number: int, key: int) -> Entry | None:
        """Return what an access does, from the meaning of the program."""
        fields, seen = self.encoding.cpus[cpu], self.footprints[cpu, number]
        at = fields.kind.stops.values[number]
        values = tuple((name, fields.registers[name].get(key)) for name in seen.registers)
        pushes = self.pushes(fields.kind.thread.code[at].operation)
        before = Cpu(at, values, fields.buffer.get(key) if pushes else ())
        words = self.words(seen, key)
        run = Run(self.program, self.program.threads[cpu], before, words, self.buffered)
        if not run.access():
            return None
        run.compute()
        keep, put = self.memory_after(seen, words, pushes)
        keep, put = self.cpu_after(fields, before, run, keep, put)
        return Entry(keep, put, bool(run.broken))

    def words(self, seen: Footprint, key: int) -> Words:
        """Return memory with only what a step looks at, or may write."""
        found: Values = {}
        for place in seen.places:
            for part in self.encoding.shape.fields(place):
                value = self.encoding.words[part].get(key)
                word = self.program.word[part.word]
                found[part.word] = insert(found.get(part.word, 0), word, part.part, value)
        if seen.target is not None:
            found.setdefault(seen.target.word, 0)
        for ghost in seen.ghosts:
            found.setdefault(ghost, 0)
        return Words(found)

    def memory_after(self, seen: Footprint, words: Words, pushes: bool) -> tuple[int, int]:
        """Return what of memory a step keeps, and what it sets."""
        keep, put = ALL, 0
        places = {Place(ghost) for ghost in seen.ghosts & words.written}
        if seen.target is not None and not pushes:
            places.add(seen.target)
        for place in places:
            value = extract(words[place.word], self.program.word[place.word], place.part)
            keep &= ~self.encoding.place_mask(place)
            put |= self.encoding.put_place(place, value)
        return keep, put

    def cpu_after(
        self, fields: CpuFields, before: Cpu, run: Run, keep: int, put: int
    ) -> tuple[int, int]:
        """Return what a step keeps and sets when what the CPU itself holds is added."""
        keep &= ~(fields.at.mask | fields.register_mask)
        put |= fields.at.put(run.at)
        for name in fields.kind.alive[run.at]:
            if name in run.registers:
                put |= fields.registers[name].put(run.registers[name])
            elif name in fields.kind.alive[before.at]:
                keep |= fields.registers[name].mask
        if run.buffer != before.buffer:
            fields.kind.buffer(run.buffer)
            keep &= ~fields.buffer.mask
            put |= fields.buffer.put(run.buffer)
        return keep, put

    def buffers(self, cpu: int) -> list[tuple[Entry, Entry]]:
        """Return what waiting stores do: the oldest when it drains, and all to what is seen."""
        effects, codes = self.effects[cpu], self.encoding.cpus[cpu].kind.buffers
        while len(effects) < len(codes.values):
            effects.append(self.effect(self.encoding.cpus[cpu], codes.values[len(effects)]))
        return effects

    def effect(self, fields: CpuFields, waiting: Buffer) -> tuple[Entry, Entry]:
        """Return what *waiting* does."""
        fields.buffer.put(waiting)
        seen = Entry(ALL, 0)
        for place, value in waiting:
            seen = self.over(seen, place, value)
        if not waiting:
            return seen, seen
        drained = Entry(ALL & ~fields.buffer.mask, fields.buffer.put(waiting[1:]))
        return self.over(drained, *waiting[0]), seen

    def over(self, entry: Entry, place: Place, value: int) -> Entry:
        """Return *entry* with a store after it."""
        mask = self.encoding.place_mask(place)
        value = cut(value, self.program.word[place.word], place.part)
        put = entry.put & ~mask | self.encoding.put_place(place, value)
        return Entry(entry.keep & ~mask, put)

    def holds(self, claim: int, key: int) -> bool:
        """Tell whether a claim is true of the states in which the fields that decide are *key*."""
        return self.claims[claim](key)


def moved(entry: Entry, source: CpuFields, target: CpuFields) -> Entry:
    """Return what *entry*, a step of one CPU, is for another of the same kind."""
    keep = (entry.keep & source.mask) >> source.at.shift << target.at.shift
    put = (entry.put & source.mask) >> source.at.shift << target.at.shift
    keep |= (entry.keep | source.mask) & ~target.mask
    return Entry(keep, put | entry.put & ~source.mask, entry.broken)
