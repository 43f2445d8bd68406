"""Steps that depend on nothing that other CPUs may still do.

If such a step is taken alone, nothing that can be found is missed (P. Godefroid,
"Partial-order methods for the verification of concurrent systems", 1996: a persistent
set of one step), as long as

* it goes forward in the code, so that not all steps of a loop are such steps;
* it changes nothing that an invariant looks at.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mmuspec.interleave.expressions import reads, registers
from mmuspec.interleave.operations import LOCKED, Store, Unlock
from mmuspec.interleave.program import Memory
from mmuspec.interleave.quick.footprint import Footprint, footprint, goes_on
from mmuspec.interleave.quick.shape import Kind, Shape
from mmuspec.interleave.words import Place

MOST = 64
"""So many places in a CPU's code the kernel can tell apart here."""


@dataclass
class Reach:
    """What a CPU may read and write from some place in its code on, waiting stores included."""

    reads: set[Place] = field(default_factory=set)
    writes: set[Place] = field(default_factory=set)


class Independence:
    """Which steps of a program are independent of what others may still do."""

    def __init__(self, shape: Shape) -> None:
        self.shape, self.buffered = shape, shape.memory is Memory.TSO
        self.reach = {id(kind): self.reaches(kind) for kind in shape.kinds}
        self.small = all(len(kind.stops.values) <= MOST for kind in shape.kinds)
        looked_at = [place for claim in shape.program.always for place in reads(claim.condition)]
        self.visible = self.parts(looked_at)

    def conflicts(self, cpu: int, at: int) -> tuple[int, ...] | None:
        """Return from which places in others' code on something may depend on a step.

        :returns: by CPU, a set of numbers of places as bits; ``None`` if the step is never
            to be taken alone
        """
        kind = self.shape.kinds[cpu]
        step = footprint(self.shape.program, kind.thread, at)
        seen, written = self.effect(kind, at, step)
        forward = all(after > at for after in step.after)
        name = self.shape.program.threads[cpu].name
        if not self.small or not forward or written & self.visible or name in self.always_named():
            return None
        return tuple(
            0 if other == cpu else self.depending(one, seen, written)
            for other, one in enumerate(self.shape.kinds)
        )

    def effect(self, kind: Kind, at: int, step: Footprint) -> tuple[set[Place], set[Place]]:
        """Return the parts of memory that a step looks at, and those that it changes at once."""
        waits = self.buffered and isinstance(kind.thread.code[at].operation, Store | Unlock)
        return self.parts(step.places), self.changed(step, not waits)

    def changed(self, step: Footprint, target: bool) -> set[Place]:
        """Return the parts of memory that a step changes, with or without its *target*."""
        places = {Place(ghost) for ghost in step.ghosts}
        if target and step.target is not None:
            places.add(step.target)
        return self.parts(places)

    def parts(self, places: Iterable[Place]) -> set[Place]:
        """Return the parts of memory that *places* are made of."""
        return {part for place in places for part in self.shape.fields(place)}

    def always_named(self) -> set[str]:
        """Return the CPUs whose registers an invariant looks at."""
        claims = self.shape.program.always
        return {reg.thread for claim in claims for reg in registers(claim.condition)}

    def depending(self, kind: Kind, seen: set[Place], written: set[Place]) -> int:
        """Return the places in the code of *kind* from which on something may depend on a step."""
        numbers = 0
        for number, at in enumerate(kind.stops.values):
            later = self.reach[id(kind)][at]
            if later.writes & (seen | written) or later.reads & written:
                numbers |= 1 << number
        return numbers

    def reaches(self, kind: Kind) -> dict[int, Reach]:
        """Return what a CPU may do, by where it is."""
        found = {at: Reach() for at in kind.stops.values}
        steps = {
            at: footprint(self.shape.program, kind.thread, at)
            for at in found
            if goes_on(kind.thread, at)
        }
        for at, step in steps.items():
            found[at].reads |= self.parts(step.places)
            found[at].writes |= self.changed(step, target=True)
        for at, places in self.waiting(kind, steps).items():
            found[at].writes |= places
        size = -1
        while size != (size := sum(len(one.reads) + len(one.writes) for one in found.values())):
            for at, step in steps.items():
                for after in step.after:
                    found[at].reads |= found[after].reads
                    found[at].writes |= found[after].writes
        return found

    def waiting(self, kind: Kind, steps: dict[int, Footprint]) -> dict[int, set[Place]]:
        """Return what may wait in the store buffer of a CPU, by where it is."""
        found: dict[int, set[Place]] = {at: set() for at in kind.stops.values}
        size = -1
        while self.buffered and size != (size := sum(map(len, found.values()))):
            for at, step in steps.items():
                operation = kind.thread.code[at].operation
                if isinstance(operation, LOCKED):
                    continue
                places = set(found[at])
                if isinstance(operation, Store | Unlock) and step.target is not None:
                    places |= self.parts([step.target])
                for after in step.after:
                    found[after] |= places
        return found
