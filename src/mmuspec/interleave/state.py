"""Where a run of a protocol stands, and one step of it."""

from typing import NamedTuple

from mmuspec.interleave.words import Place

Values = dict[str, int]
"""The words, or one CPU's registers, by name."""


class Cpu(NamedTuple):
    """One CPU between two steps.

    :param at: index of its next access; the length of its code if it has ended
    :param registers: names and values of those that still matter, in the order of names
    :param buffer: stores that no other CPU sees yet, oldest first
    """

    at: int
    registers: tuple[tuple[str, int], ...] = ()
    buffer: tuple[tuple[Place, int], ...] = ()


class State(NamedTuple):
    """All that decides how things go on; the words stand in the order of the program."""

    cpus: tuple[Cpu, ...]
    memory: tuple[int, ...]


class Step(NamedTuple):
    """One step.

    :param cpu: the number of the CPU; ``None`` for how things begin
    :param at: index of the access; ``None`` when a waiting store became visible
    :param state: the state that it leads to
    :param broken: texts of the claims that failed on the way
    """

    cpu: int | None
    at: int | None
    state: State
    broken: tuple[str, ...] = ()
