"""Instructions of x86 as they are read, before it is known what they mean here."""

from dataclasses import dataclass

from mmuspec.interleave.litmus.mnemonics import Mnemonic
from mmuspec.interleave.litmus.registers import View


@dataclass(frozen=True)
class Immediate:
    """A number, or the address of a word (``$x``)."""

    value: int | str


@dataclass(frozen=True)
class Memory:
    """What an address is made of: ``offset + word + base + index * scale``."""

    word: str | None = None
    base: View | None = None
    index: View | None = None
    scale: int = 1
    offset: int = 0


@dataclass(frozen=True)
class Target:
    """A label to jump to."""

    label: str


Operand = Immediate | Memory | View | Target


@dataclass(frozen=True)
class Statement:
    """One instruction, or nothing but labels.

    :param at: index of its first character in the file
    :param operands: the destination first
    """

    at: int
    mnemonic: Mnemonic
    operands: tuple[Operand, ...] = ()
    locked: bool = False
    labels: tuple[str, ...] = ()

    @property
    def bits(self) -> int | None:
        """How wide the operation is, if its name or a register says so."""
        if self.mnemonic.bits:
            return self.mnemonic.bits
        return next((each.bits for each in self.operands if isinstance(each, View)), None)


NOTHING = Mnemonic("nop")
