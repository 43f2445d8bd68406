"""What the explorer is told of a program: numbers only, and whom to ask for the rest.

A state is one number of up to 126 bits, in two halves: bits 0 to 61, and if it is wide
also bits 64 to 125. Fields do not cross between them.
"""

from dataclasses import dataclass
from typing import Protocol

HALF_BITS = 62
SECOND = 64
"""The bit at which the second half begins."""


@dataclass(frozen=True)
class Entry:
    """What a step does, for given values of the fields that decide.

    :param keep: the bits that it leaves as they are
    :param put: the bits that it sets
    :param broken: whether a claim fails on the way
    """

    keep: int
    put: int
    broken: bool = False


@dataclass(frozen=True)
class Group:
    """The next access of a CPU at one place of its code.

    :param mode: of those in `mmuspec.fast.explorer.context`
    :param mask: the fields that decide what it does
    :param conflicts: by CPU, a set of the numbers of its accesses, from which on it may
        do something that depends on this one
    """

    mode: int
    mask: int = 0
    conflicts: tuple[int, ...] = ()


@dataclass(frozen=True)
class CpuModel:
    """One CPU.

    :param pc_shift: where the number of its next access stands, in the first half
    :param pc_bits: how wide it is
    :param groups: its accesses by number
    :param buffer_shift: where the number of what waits in its store buffer stands
    :param buffer_bits: how wide it is
    """

    pc_shift: int
    pc_bits: int
    groups: tuple[Group, ...]
    buffer_shift: int = 0
    buffer_bits: int = 0

    @property
    def buffer(self) -> int:
        """The bits that say what waits in the store buffer."""
        return ((1 << self.buffer_bits) - 1) << self.buffer_shift


@dataclass(frozen=True)
class Alike:
    """CPUs that may change places: equal fields, all in the first half.

    :param mask: the fields of one of them, shifted down
    :param shifts: where those of each begin
    """

    mask: int
    shifts: tuple[int, ...]


class Oracle(Protocol):
    """The program's own side, which knows what a step means."""

    def entry(self, cpu: int, number: int, key: int) -> Entry | None:
        """Return what access *number* of *cpu* does if the fields that decide are *key*.

        :returns: ``None`` if it has to wait
        """

    def holds(self, claim: int, key: int) -> bool:
        """Tell whether a claim is true if the fields that decide are *key*."""

    def buffers(self, cpu: int) -> list[tuple[Entry, Entry]]:
        """Return what stores that wait in the buffer of *cpu* do, by the number for them.

        :returns: what the oldest does when it becomes visible; and what the CPU sees
            in place of memory. The list grows while `entry` is asked; number 0 is no store
        """


@dataclass(frozen=True)
class Model:
    """A program under a memory model.

    :param initial: the state in which it begins
    :param claims: of each claim about all states, the fields that decide
    :param end_mask: the fields that tell whether everybody has ended
    :param end_value: their values then
    :param divide: fields that divide the states between two threads, better if few steps
        change them; in the first half
    :param alike: CPUs that may change places; only if that is wanted
    :param reduce: whether one independent step may stand for all
    """

    wide: bool
    initial: int
    cpus: tuple[CpuModel, ...]
    oracle: Oracle
    claims: tuple[int, ...] = ()
    end_mask: int = 0
    end_value: int = 0
    divide: int = 0
    alike: tuple[Alike, ...] = ()
    reduce: bool = False


class OutOfMemory(Exception):
    """The bound was reached."""

    def __init__(self, states: int) -> None:
        super().__init__(f"no room after {states:,} states")
        self.states = states
