"""CPUs that may change places without anybody noticing."""

from collections.abc import Iterator
from itertools import permutations, product

from mmuspec.fast.explorer.model import Alike
from mmuspec.interleave.expressions import registers
from mmuspec.interleave.program import Program
from mmuspec.interleave.quick.encode import Encoding
from mmuspec.interleave.quick.shape import Shape
from mmuspec.interleave.state import State


def classes(shape: Shape) -> list[list[int]]:
    """Return the CPUs that are alike, by number.

    They have the same code and begin with the same registers, and no property names one
    of them. (Code cannot name a CPU.)
    """
    named = names(shape.program)
    found: dict[int, list[int]] = {}
    for number, (kind, thread) in enumerate(zip(shape.kinds, shape.program.threads, strict=True)):
        if thread.name not in named:
            found.setdefault(id(kind), []).append(number)
    return [numbers for numbers in found.values() if len(numbers) > 1]


def names(program: Program) -> set[str]:
    """Return the names of the CPUs that properties look at."""
    conditions = [claim.condition for claim in program.always]
    conditions += [final.condition for final in program.finals]
    return {reg.thread for condition in conditions for reg in registers(condition)}


def alike(encoding: Encoding) -> tuple[Alike, ...]:
    """Return what the kernel is told of them; nothing if their bits do not stand together."""
    if not encoding.blocks:
        return ()
    found = []
    for numbers in classes(encoding.shape):
        fields = [encoding.cpus[number] for number in numbers]
        shifts = tuple(one.at.shift for one in fields)
        found.append(Alike(fields[0].mask >> shifts[0], shifts))
    return tuple(found)


def exchanged(shape: Shape, state: State) -> Iterator[State]:
    """Yield *state* with alike CPUs in every order."""
    groups = classes(shape)
    for orders in product(*(permutations(numbers) for numbers in groups)):
        cpus = list(state.cpus)
        for numbers, order in zip(groups, orders, strict=True):
            for number, other in zip(numbers, order, strict=True):
                cpus[number] = state.cpus[other]
        yield State(tuple(cpus), state.memory)
