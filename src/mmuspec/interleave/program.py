"""A protocol: a few CPUs, what they share, and what is claimed of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from mmuspec.interleave.expressions import Expr
from mmuspec.interleave.operations import Operation
from mmuspec.interleave.words import Word


@dataclass(frozen=True)
class Source:
    """Where an instruction was written.

    :param file: the file, or ``<text>``
    :param line: from 1; 0 if nobody wrote it
    :param column: from 1
    :param label: the name by which a chapter speaks of it, such as ``LW3``
    """

    file: str = ""
    line: int = 0
    column: int = 0
    label: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Instruction:
    """One micro-operation; where it was written does not make it another one."""

    operation: Operation
    source: Source = field(default=Source(), compare=False)


@dataclass(frozen=True)
class Thread:
    """What one CPU does, from index 0 until it runs off the end.

    :param registers: those that do not begin as 0
    """

    name: str
    code: tuple[Instruction, ...]
    registers: tuple[tuple[str, int], ...] = ()


class Quantifier(Enum):
    """What is asked about the final states, in the words of litmus files."""

    EXISTS = "exists"
    NOT_EXISTS = "~exists"
    FORALL = "forall"


@dataclass(frozen=True)
class Final:
    """A question about the states in which every CPU has ended and every store is visible.

    :param text: what is claimed; it begins with the id of a rule if there is one
    """

    quantifier: Quantifier
    condition: Expr
    text: str = ""


@dataclass(frozen=True)
class Always:
    """A claim about every state."""

    condition: Expr
    text: str


@dataclass(frozen=True)
class Program:
    """A whole protocol.

    :param words: everything that is shared, ghosts and locks too
    :param finals: questions about the end
    :param always: invariants
    """

    name: str
    words: tuple[Word, ...]
    threads: tuple[Thread, ...]
    finals: tuple[Final, ...] = ()
    always: tuple[Always, ...] = ()

    @cached_property
    def word(self) -> Mapping[str, Word]:
        """The shared words by name."""
        return {word.name: word for word in self.words}

    @cached_property
    def thread(self) -> Mapping[str, Thread]:
        """The CPUs by name."""
        return {thread.name: thread for thread in self.threads}

    @cached_property
    def alive(self) -> dict[str, tuple[frozenset[str], ...]]:
        """What `mmuspec.interleave.liveness.live` found out, by CPU: it is asked at every step."""
        return {}


class Memory(Enum):
    """What order a CPU's accesses become visible in."""

    SC = "sc"
    """Sequential consistency: in program order."""

    TSO = "tso"
    """x86-TSO: a store may wait in its CPU's buffer while later loads go ahead."""
