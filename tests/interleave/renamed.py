"""A protocol under other names, or with its CPUs in another order: the same protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from mmuspec.interleave.operations import Lock, Note, Unlock
from mmuspec.interleave.program import Program
from mmuspec.interleave.words import Place, Word


def renamed(thing: Any, names: Mapping[str, str]) -> Any:
    """Return *thing*, a program or a piece of one, with its words called by other *names*."""
    match thing:
        case Word() as word:
            return replace(word, name=names[word.name])
        case Place() | Lock() | Unlock():
            return replace(thing, word=names[thing.word])
        case Note(ghost, value):
            return Note(names[ghost], renamed(value, names))
        case tuple():
            return tuple(renamed(part, names) for part in thing)
        case _ if is_dataclass(thing) and not isinstance(thing, type):
            each = {f.name: renamed(getattr(thing, f.name), names) for f in fields(thing)}
            return replace(thing, **each)
        case _:
            return thing


def permuted(program: Program, order: Sequence[int]) -> Program:
    """Return *program* with its CPUs in another *order*."""
    return replace(program, threads=tuple(program.threads[number] for number in order))
