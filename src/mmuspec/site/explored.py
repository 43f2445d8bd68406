"""Explorations that a page asks for, kept in the build folder from one build to the next."""

import hashlib
import os
import pickle
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mmuspec.interleave import protocols as book
from mmuspec.interleave.answer import Answer
from mmuspec.interleave.catalogue import ParameterError, built, find, weakened
from mmuspec.interleave.decide import decide
from mmuspec.interleave.guards import Verdict, examine
from mmuspec.interleave.program import Memory, Program
from mmuspec.rules import places
from mmuspec.rules.evidence import digest_of_sources

WORTH_KEEPING = 1.0
"""Seconds; what takes less is computed again."""

BOTH = (Memory.SC, Memory.TSO)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Question:
    """What the argument of a directive asks.

    :param name: ``module:function``
    :param settings: the parameters of the protocol, as they are written
    :param memory: the memory model
    :param without: the guards that are left out
    """

    name: str
    settings: tuple[tuple[str, str], ...]
    memory: Memory
    without: tuple[str, ...]

    def program(self) -> Program:
        """Return the protocol.

        :raises UnknownProtocolError, ParameterError, ProgramError, UnknownGuardError:
            if there is none
        """
        return weakened(built(find(self.name), dict(self.settings)), self.without)

    def command(self) -> str:
        """Return the command that asks the same."""
        module, _, function = self.name.partition(":")
        known = module.startswith(f"{book.__name__}.")
        words = ["mmuspec why", function.replace("_", "-") if known else self.name]
        words += [f"-p {name}={value}" for name, value in self.settings]
        words += [f"--without {name}" for name in self.without]
        words += ["--model sc"] if self.memory is Memory.SC else []
        return " ".join(words)


def question(text: str) -> Question:
    """Read ``module:function key=value ... model=sc without=GUARD``.

    :raises ParameterError: if something is no ``key=value``, or the model is none
    """
    name, *rest = text.split()
    memory, without, settings = Memory.TSO, [], []
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals:
            raise ParameterError(f"{word}: expected key=value")
        if key == "model":
            memory = model(value)
        elif key == "without":
            without.append(value)
        else:
            settings.append((key, value))
    return Question(name, tuple(settings), memory, tuple(without))


def model(name: str) -> Memory:
    """Return the memory model of that name.

    :raises ParameterError: if there is none
    """
    try:
        return Memory(name)
    except ValueError:
        raise ParameterError(f"model={name}: expected sc or tso") from None


def answered(program: Program, memory: Memory) -> Answer:
    """Return what every interleaving of *program* comes to, without the final states."""

    def look() -> Answer:
        return replace(decide(program, memory, reduction=False), finals=frozenset())

    return kept(f"answer {memory.value} {program!r}", look)


def examined(program: Program) -> tuple[Verdict, ...]:
    """Return what every guard of *program* is good for, under both memory models."""

    def look() -> tuple[Verdict, ...]:
        return tuple(
            replace(each, answers=tuple(a and replace(a, finals=frozenset()) for a in each.answers))
            for each in examine(program, BOTH)
        )

    return kept(f"guards {program!r}", look)


def kept(what: str, compute: Callable[[], Result]) -> Result:
    """Return what *compute* returns, or returned in an earlier build with the same sources.

    :param what: tells it from everything else that is kept
    """
    root = places.checkout()
    key = hashlib.sha256(f"{digest_of_sources()} {what}".encode()).hexdigest()
    file = root / "build" / "interleave" / key if root else None
    if file is not None:
        with suppress(OSError, pickle.UnpicklingError, EOFError, AttributeError):
            found: Result = pickle.loads(file.read_bytes())
            return found
    started = time.monotonic()
    result = compute()
    if file is not None and time.monotonic() - started > WORTH_KEEPING:
        keep(file, result)
    return result


def keep(file: Path, result: object) -> None:
    """Write *result* to *file*, which another process may be reading or writing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_bytes(pickle.dumps(result))
    new.replace(file)
