"""Shared words, and the parts of them that one instruction touches."""

from dataclasses import dataclass
from enum import Enum


class Part(Enum):
    """Which bits of a word an instruction touches."""

    WHOLE = ""
    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True)
class Word:
    """A named location that all CPUs share.

    :param name: as programs write it
    :param bits: 32 or 64; only a 64-bit word has halves
    :param initial: its value before the first step
    :param ghost: a word of the proof: no CPU pays for it, every CPU sees it at once
    """

    name: str
    bits: int = 64
    initial: int = 0
    ghost: bool = False


@dataclass(frozen=True)
class Place:
    """A word, or a 32-bit half of it, as the operand of one instruction."""

    word: str
    part: Part = Part.WHOLE

    def __str__(self) -> str:
        return f"{self.word}.{self.part.value}" if self.part.value else self.word


HALF = 0xFFFF_FFFF
"""The bits of a 32-bit word, and of a half."""

SHIFT = {Part.WHOLE: 0, Part.LOW: 0, Part.HIGH: 32}


def mask(word: Word, part: Part = Part.WHOLE) -> int:
    """Return the bits of *word* that *part* of it covers, where they stand in the word."""
    if part is not Part.WHOLE:
        return HALF << SHIFT[part]
    return (1 << word.bits) - 1


def extract(value: int, word: Word, part: Part) -> int:
    """Return *part* of *word*, when the word holds *value*."""
    return (value & mask(word, part)) >> SHIFT[part]


def insert(value: int, word: Word, part: Part, new: int) -> int:
    """Return what *word* holds once *new* is in *part* of it; bits too many are cut off."""
    bits = mask(word, part)
    return (value & ~bits) | ((new << SHIFT[part]) & bits)


def cut(value: int, word: Word, part: Part) -> int:
    """Return *value* without the bits for which *part* of *word* has no room."""
    return value & (mask(word, part) >> SHIFT[part])
