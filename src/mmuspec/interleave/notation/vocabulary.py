"""The words of the notation.

Declarations run when a protocol is read. The operations do not: they are here so that a
chapter can import them, and to say what each of them becomes.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from mmuspec.interleave.notation.declared import Shared


def word32(initial: int = 0) -> Any:
    """Declare a shared word of 32 bits."""
    return Shared(32, int(initial))


def word64(initial: int = 0, *, high: int = 0, low: int = 0) -> Any:
    """Declare a shared word of 64 bits, by its value or by its halves."""
    return Shared(64, initial | high << 32 | low)


def ghost(initial: int = 0) -> Any:
    """Declare a word of the proof, which no CPU pays for and all see at once."""
    return Shared(64, int(initial), ghost=True)


def record(**fields: Any) -> Any:
    """Declare words that belong together: ``vcpu = record(mode=word32())``."""
    return SimpleNamespace(**fields)


def unread(name: str) -> TypeError:
    """Return what to raise when an operation of the notation is run as Python."""
    return TypeError(f"{name} stands for a step of a CPU: it is read by @protocol, not run")


class Cpus:
    """What a marked function is to a type checker: a CPU, or several, with their registers."""

    def __call__(self, function: Callable[..., None], /) -> Any:
        """Mark several."""

    def __getattr__(self, register: str) -> Any:
        """Return a register."""


def cpu(copies: Any, /) -> Cpus:
    """Mark a function of a protocol as the code of a CPU; ``@cpu(3)``, of three.

    If the function has a parameter, it is the number of the CPU, from 0.
    """
    raise unread("cpu")


def inline(function: Any) -> Any:
    """Mark a function as written out wherever a protocol calls it."""
    function.is_inline = True
    return function


def READ_ONCE(place: Any) -> Any:
    """Load."""
    raise unread("READ_ONCE")


def WRITE_ONCE(place: Any, value: Any) -> Any:
    """Store."""
    raise unread("WRITE_ONCE")


def xchg(place: Any, value: Any) -> Any:
    """XCHG, which is locked: store, and return the old value."""
    raise unread("xchg")


def cmpxchg(place: Any, expected: Any, new: Any) -> Any:
    """LOCK CMPXCHG: store *new* if *expected* is there; return the old value."""
    raise unread("cmpxchg")


def xadd(place: Any, value: Any) -> Any:
    """LOCK XADD: add, and return the old value."""
    raise unread("xadd")


def fetch_or(place: Any, value: Any) -> Any:
    """LOCK OR (``set_bit()`` is one): set bits, and return the old value."""
    raise unread("fetch_or")


def fetch_and(place: Any, value: Any) -> Any:
    """LOCK AND: keep bits, and return the old value."""
    raise unread("fetch_and")


def smp_mb() -> Any:
    """Full barrier: on x86 the CPU waits until its own stores are visible."""
    raise unread("smp_mb")


def smp_wmb() -> Any:
    """Write barrier: no instruction on x86; keeps the compiler from moving stores."""
    raise unread("smp_wmb")


def smp_rmb() -> Any:
    """Read barrier: no instruction on x86; keeps the compiler from moving loads."""
    raise unread("smp_rmb")


def barrier() -> Any:
    """Compiler barrier."""
    raise unread("barrier")


def lock(word: Any) -> Any:
    """Take a spinlock; ``with lock(word):`` drops it at the end."""
    raise unread("lock")


def unlock(word: Any) -> Any:
    """Drop a spinlock."""
    raise unread("unlock")


def wait_until(condition: Any) -> Any:
    """Stay here until *condition* holds; it may look at shared words."""
    raise unread("wait_until")


def note(word: Any, value: Any) -> Any:
    """Write a ghost word."""
    raise unread("note")


def retries(bound: int) -> Any:
    """Bound a loop, ``for attempt in retries(6):``; a CPU that needs more gives up."""
    raise unread("retries")


def give_up() -> Any:
    """End this CPU here, without final questions."""
    raise unread("give_up")


def always(condition: Any, text: str) -> Any:
    """Claim that *condition* holds in every state."""
    raise unread("always")


def at_end(condition: Any, text: str) -> Any:
    """Claim that *condition* holds whenever every CPU has ended."""
    raise unread("at_end")


def possible(condition: Any, text: str) -> Any:
    """Ask whether the CPUs can end with *condition*."""
    raise unread("possible")
