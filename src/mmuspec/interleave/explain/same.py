"""Which accesses of a weakened protocol are the same as in the real one."""

from collections.abc import Iterator, Sequence

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.explain.order import Wanted, read
from mmuspec.interleave.operations import CompareExchange, Load, Store, Update
from mmuspec.interleave.program import Instruction, Thread
from mmuspec.interleave.schedule.order import in_order
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import Step


class Images:
    """Which accesses of a CPU are the same in a weakened protocol and in the real one."""

    def __init__(self, weak: Thread, real: Thread) -> None:
        self.weak, self.real = weak, real
        places = {id(instruction): at for at, instruction in enumerate(real.code)}
        self.same = {at: places.get(id(each)) for at, each in enumerate(weak.code)}
        known = {at for at in self.same.values() if at is not None}
        for at, each in enumerate(weak.code):
            if self.same[at] is None and isinstance(each.operation, Load | Store):
                self.same[at] = self.divided(each, known)

    def divided(self, part: Instruction, known: set[int]) -> int | None:
        """Return the locked access of which *part* is what is left."""
        for at, each in enumerate(self.real.code):
            locked = isinstance(each.operation, Update | CompareExchange)
            if at not in known and locked and each.source == part.source:
                return at
        return None

    def is_extra(self, at: int) -> bool:
        """Tell whether the weakened protocol has nothing for the access at *at*."""
        return at not in self.same.values()


def accesses(answer: Answer, images: Sequence[Images]) -> Iterator[tuple[Wanted, int]]:
    """Yield the accesses of a weakened protocol's schedule as the real one's, with their steps.

    A locked access that is now a load and a store happens where the store did, and reads what
    the load read.
    """
    semantics = Semantics(answer.program, answer.memory)
    state, steps = semantics.initial().state, in_order(answer)
    loaded: dict[int, int | None] = {}
    for index, step in enumerate(steps):
        if step.cpu is not None and step.at is not None:
            real = images[step.cpu].same[step.at]
            value = read(semantics, state, Wanted(step.cpu, step.at))
            if real is not None and real == following(steps[index + 1 :], step.cpu, images):
                loaded[step.cpu] = value
            elif real is not None:
                yield Wanted(step.cpu, real, loaded.pop(step.cpu, value)), index
        state = step.state


def following(steps: Sequence[Step], cpu: int, images: Sequence[Images]) -> int | None:
    """Return the real access that is the next of a CPU in *steps*."""
    found = (step.at for step in steps if step.cpu == cpu and step.at is not None)
    at = next(found, None)
    return images[cpu].same[at] if at is not None else None
