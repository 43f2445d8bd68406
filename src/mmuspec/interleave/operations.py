"""The micro-operations: all that a CPU does in a protocol.

Those of `ACCESSES` are steps of their own, which other CPUs' steps may come between.
The rest touch nothing that another CPU sees, and happen in the same step as the
access before them.
"""

from dataclasses import dataclass

from mmuspec.interleave.expressions import Expr
from mmuspec.interleave.words import Place


@dataclass(frozen=True)
class Load:
    """Read *place* into *register*; a half or a 32-bit word is extended with zeros."""

    register: str
    place: Place


@dataclass(frozen=True)
class Store:
    """Write *value* to *place*; on x86 it waits in the CPU's store buffer first."""

    place: Place
    value: Expr


@dataclass(frozen=True)
class Update:
    """Read, combine and write *place* in one indivisible, locked step.

    :param register: receives the old value; ``None`` if nobody wants it
    :param operator: ``"="`` (XCHG), or one of ``+ - & | ^`` (LOCK XADD, LOCK AND, ...)
    """

    register: str | None
    place: Place
    operator: str
    value: Expr


@dataclass(frozen=True)
class CompareExchange:
    """LOCK CMPXCHG: write *new* if *place* holds *expected*; *register* receives what it held."""

    register: str | None
    place: Place
    expected: Expr
    new: Expr


@dataclass(frozen=True)
class Fence:
    """MFENCE, which is what ``smp_mb()`` is on x86: wait for one's own stores."""


@dataclass(frozen=True)
class Lock:
    """Take a spinlock: a locked read-modify-write, once the word is 0."""

    word: str


@dataclass(frozen=True)
class Unlock:
    """Drop a spinlock: on x86 a plain store of 0, through the store buffer."""

    word: str


@dataclass(frozen=True)
class WaitUntil:
    """Go on only when *condition* holds (a loop of loads that saw it, or an interrupt's answer)."""

    condition: Expr


@dataclass(frozen=True)
class GiveUp:
    """The bound of a retry loop is reached: this CPU is not followed further."""


@dataclass(frozen=True)
class Barrier:
    """A barrier that is no instruction on x86: it only keeps the compiler from reordering.

    :param name: ``smp_wmb``, ``smp_rmb``, ``barrier``, ...
    """

    name: str


@dataclass(frozen=True)
class Assign:
    """Compute into a register."""

    register: str
    value: Expr


@dataclass(frozen=True)
class Note:
    """Write a ghost word: at once, for all to see."""

    ghost: str
    value: Expr


@dataclass(frozen=True)
class Jump:
    """Go on at index *target* of the CPU's code."""

    target: int


@dataclass(frozen=True)
class JumpUnless:
    """Go on at index *target* if *condition* is 0."""

    condition: Expr
    target: int


@dataclass(frozen=True)
class Check:
    """Claim that *condition* holds here.

    :param text: what is claimed; it begins with the id of a rule if there is one
    """

    condition: Expr
    text: str


Access = Load | Store | Update | CompareExchange | Fence | Lock | Unlock | WaitUntil | GiveUp
Local = Barrier | Assign | Note | Jump | JumpUnless | Check
Operation = Access | Local

ACCESSES = (Load, Store, Update, CompareExchange, Fence, Lock, Unlock, WaitUntil, GiveUp)
LOCKED = (Update, CompareExchange, Fence, Lock)
"""Operations that wait until the CPU's own store buffer is empty."""
