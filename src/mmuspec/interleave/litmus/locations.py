"""The places that litmus files name, and the types that they give them."""

import re
from dataclasses import dataclass

from mmuspec.interleave.litmus.text import Tokens


@dataclass(frozen=True)
class Register:
    """``0:EAX``, ``P0:EAX`` or ``0:r1``.

    :param cpu: the number of the CPU, from 0
    """

    cpu: int
    name: str

    def __str__(self) -> str:
        return f"{self.cpu}:{self.name}"


@dataclass(frozen=True)
class Shared:
    """``x`` or ``[x]``; or ``t[1]``, an element of an array."""

    name: str
    index: int | None = None

    @property
    def cell(self) -> str:
        """The name of the word."""
        return self.name if self.index is None else f"{self.name}[{self.index}]"

    def __str__(self) -> str:
        return f"[{self.name}]" if self.index is None else self.cell


Location = Register | Shared

CPU = re.compile(r"P(\d{1,6})$", re.ASCII)


@dataclass(frozen=True)
class Type:
    """How many bits a location shows, and whether the highest is a sign."""

    bits: int
    signed: bool = True

    @property
    def mask(self) -> int:
        """The bits that it has."""
        return (1 << self.bits) - 1

    def cut(self, value: int) -> int:
        """Return *value* as it is held: unsigned, without the bits too many."""
        return value & self.mask

    def shown(self, value: int) -> int:
        """Return what a held *value* means."""
        value = self.cut(value)
        negative = self.signed and value >> (self.bits - 1)
        return value - (1 << self.bits) if negative else value


INT = Type(32)
"""What a location is of which nothing is said, as for herd."""

POINTER = Type(64, signed=False)

BASES = {"char": 8, "short": 16, "int": 32, "long": 64, "ptr": 64, "max": 64}

TYPES: dict[str, Type] = {
    "unsigned": Type(32, signed=False),
    "bool": Type(8, signed=False),
    "_Bool": Type(8, signed=False),
    "size_t": Type(64, signed=False),
    **{name: Type(bits) for name, bits in BASES.items() if name not in ("ptr", "max")},
    **{f"unsigned {name}": Type(bits, signed=False) for name, bits in BASES.items()},
    **{f"int{bits}_t": Type(bits) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}_t": Type(bits, signed=False) for bits in (8, 16, 32, 64)},
    **{f"{sign}int{name}_t": Type(64, not sign) for sign in ("", "u") for name in ("ptr", "max")},
    **{f"s{bits}": Type(bits) for bits in (8, 16, 32, 64)},
    **{f"u{bits}": Type(bits, signed=False) for bits in (8, 16, 32, 64)},
}
"""The types by the names that C gives them on x86-64."""


def starts_location(tokens: Tokens) -> bool:
    """Tell whether a register or the name of a word comes next."""
    token = tokens.peek()
    return (
        token.kind == "name"
        or token.text == "["
        or (token.kind == "number" and tokens.peek(1).text == ":")
    )


def location(tokens: Tokens) -> Location:
    """Read a register or a shared place.

    :raises ProgramError: if none comes next
    """
    if tokens.takes("["):
        name = tokens.kind("name", "the name of a word").text
        tokens.expect("]")
        return Shared(name)
    cpu = CPU.match(tokens.peek().text)
    if tokens.peek(1).text == ":" and (cpu or tokens.peek().kind == "number"):
        which = int(cpu[1]) if cpu else tokens.number()
        tokens.next += bool(cpu)
        tokens.expect(":")
        tokens.takes("%")
        return Register(which, tokens.kind("name", "the name of a register").text)
    name = tokens.kind("name", "a register such as 0:EAX, or a shared word").text
    if tokens.sees("[") and tokens.peek(1).kind == "number" and tokens.peek(2).text == "]":
        tokens.take()
        index = tokens.number()
        tokens.expect("]")
        return Shared(name, index)
    return Shared(name)
