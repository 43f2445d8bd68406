"""What the clauses of an epoch mean, in words, and where epochs differ.

The meaning of a clause is the docstring below its field in
:mod:`mmuspec.epochs.clauses`; it is written nowhere else.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from ..x86 import controls
from ..x86.pferr import Pferr
from .clauses import TOPICS
from .epoch import Epoch
from .layouts import GenerationLayout


class Clause(NamedTuple):
    """A field of an epoch, with its topic and its meaning, in a sentence."""

    name: str
    topic: str
    meaning: str


class Row(NamedTuple):
    """A clause, and its value in each of some epochs."""

    clause: Clause
    values: tuple[Any, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The values as a reader sees them."""
        return tuple(in_words(self.clause.name, value) for value in self.values)


@cache
def clauses() -> tuple[Clause, ...]:
    """Return every clause, topic by topic."""
    return tuple(clause for topic in TOPICS for clause in _clauses_of(topic))


def rows(epochs: Sequence[Epoch], *, everything: bool = False) -> list[Row]:
    """Return the clauses in which *epochs* differ.

    :param everything: return the others too
    """
    found = [Row(clause, tuple(getattr(e, clause.name) for e in epochs)) for clause in clauses()]
    return [row for row in found if everything or any(v != row.values[0] for v in row.values)]


def by_topic(found: Sequence[Row]) -> dict[str, list[Row]]:
    """Return rows by their topic, in order."""
    topics: dict[str, list[Row]] = {}
    for row in found:
        topics.setdefault(row.clause.topic, []).append(row)
    return topics


def in_words(name: str, value: Any) -> str:
    """Return the value of clause *name* as a reader sees it.

    ```python
    assert in_words("cr4_resets", 0x30) == "PSE PAE"
    ```
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in _FLAGS:
        return " ".join(flag for flag, bit in _FLAGS[name].items() if value & bit) or "none"
    if isinstance(value, GenerationLayout):
        return ", ".join(_runs(value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{field} {_span(low, width)}" for field, (low, width) in value.items())
    if isinstance(value, Enum):
        return str(value.value)
    return "as its context" if value is None else str(value)


def for_machines(value: Any) -> Any:
    """Return the value of a clause as JSON has it."""
    if isinstance(value, GenerationLayout):
        return value.__dict__
    if isinstance(value, Mapping):
        return {field: list(place) for field, place in value.items()}
    return value.name if isinstance(value, Enum) else value


def _clauses_of(topic: type) -> Iterator[Clause]:
    """Yield the clauses of a topic, each with the docstring below its field."""
    (definition,) = ast.parse(inspect.getsource(topic)).body
    assert isinstance(definition, ast.ClassDef)
    title = (topic.__doc__ or "").rstrip(".")
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(below, ast.Expr), f"{field.target.id} has no docstring"
            assert isinstance(below.value, ast.Constant), f"{field.target.id} has no docstring"
            yield Clause(field.target.id, title, str(below.value.value))


def _named_bits(prefix: str) -> dict[str, int]:
    bits = {name: bit for name, bit in vars(controls).items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): bit for name, bit in bits.items()}


_FLAGS: dict[str, Mapping[str, int]] = {
    "cr0_resets": _named_bits("CR0_"),
    "cr4_resets": _named_bits("CR4_"),
    "walk_ignores": Pferr.__members__,
}
"""The bits of a clause that is a mask, by name."""


def _runs(layout: GenerationLayout) -> Iterator[str]:
    """Yield, for each run of generation bits, where it is stored."""
    first = layout.dropped
    for count, shift in (
        (layout.low_count, layout.low_shift),
        (layout.high_count, layout.high_shift),
    ):
        if count:
            yield f"bits {_span(first, count)} at {_span(shift, count)}"
        first += count


def _span(low: int, width: int) -> str:
    return str(low) if width == 1 else f"{low}-{low + width - 1}"
