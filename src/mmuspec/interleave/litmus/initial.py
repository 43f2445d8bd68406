"""The initial state of a litmus file: ``{ x=0; 0:EAX=5; uint64_t y; 1:RDI=x; int t[2]={1,2}; }``.

The same grammar serves assembly and C.
"""

from dataclasses import dataclass

from mmuspec.interleave.litmus.locations import Location, Register, Shared, location
from mmuspec.interleave.litmus.text import Text, Tokens
from mmuspec.interleave.program import Source

ATOMIC = ("volatile", "_Atomic", "const", "struct", "static")
"""Words before a type that say nothing about its size."""

NOWHERE = Source()

Value = int | Shared
"""A number, or the address of a word."""


@dataclass(frozen=True)
class Entry:
    """What the initial state says of one location.

    :param type: as it is written, ``""`` if it is not; without ``*``
    :param pointer: whether a ``*`` stands before the name
    :param size: how many elements the array has; ``None`` if it is none
    :param values: one, or one of each element; none if it is not said (0, then)
    """

    location: Location
    type: str = ""
    pointer: bool = False
    size: int | None = None
    values: tuple[Value, ...] = ()
    source: Source = NOWHERE


def initial_state(text: Text, start: int, end: int) -> tuple[Entry, ...]:
    """Read the initial state between the indices *start* and *end* of a file, without braces.

    :raises ProgramError: where it is wrong, and what was expected
    """
    tokens = Tokens(text, start, end)
    entries = []
    while not tokens.ended():
        if tokens.takes(";"):
            continue
        entries.append(_entry(tokens))
        if not tokens.ended():
            tokens.expect(";")
    return tuple(entries)


def _entry(tokens: Tokens) -> Entry:
    """Read what stands before one ``;``."""
    first = tokens.peek()
    words, pointer = _type(tokens)
    place = location(tokens)
    size = None
    if (
        isinstance(place, Shared)
        and place.index is not None
        and (words or tokens.peek(1).text == "{")
    ):
        place, size = Shared(place.name), place.index
    values = _values(tokens, size) if tokens.takes("=") or tokens.takes("==") else ()
    source = tokens.text.source(first.at)
    return Entry(place, " ".join(words), pointer, size, values, source)


def _type(tokens: Tokens) -> tuple[list[str], bool]:
    """Read the words of a type, and stars; the name that they belong to stays."""
    words: list[str] = []
    while tokens.peek().kind == "name" and _more(tokens):
        word = tokens.take().text
        words += [word] if word not in ATOMIC else []
    stars = 0
    while tokens.takes("*"):
        stars += 1
    return words, stars > 0


def _more(tokens: Tokens) -> bool:
    """Tell whether the name that comes next is a word of a type: whether a location follows."""
    after, last = tokens.peek(1), tokens.peek(2)
    bracketed = after.text == "[" and last.kind == "name"
    return after.kind in ("name", "number") or after.text == "*" or bracketed


def _values(tokens: Tokens, size: int | None) -> tuple[Value, ...]:
    """Read what stands after ``=``: a value, or as many as an array has."""
    if not tokens.takes("{"):
        return (_value(tokens),)
    opening, values = tokens.peek(-1), [_value(tokens)]
    while tokens.takes(","):
        values.append(_value(tokens))
    tokens.expect("}")
    if len(values) != size:
        raise tokens.text.error(opening.at, f"expected {size} values, found {len(values)}")
    return tuple(values)


def _value(tokens: Tokens) -> Value:
    """Read a number, or the name of a word, whose address it is."""
    if tokens.takes("ATOMIC_INIT", "("):
        value = _value(tokens)
        tokens.expect(")")
        return value
    if tokens.peek().kind == "number" and tokens.peek(1).text != ":":
        return tokens.number()
    tokens.takes("&")
    at = tokens.peek().at
    place = location(tokens)
    if isinstance(place, Register):
        raise tokens.text.not_modelled(at, f"the label or register {place} as a first value")
    return place
