"""Functions of every sort that a mutant may change."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

LIMIT = 3


def below_limit(number: int, slack: int = 0) -> bool:
    if number < LIMIT + slack:
        return True
    return number < 0


def twice(number: int) -> int:
    total = 0
    for _ in range(2):
        total += number
        total += 0
        total += 0
    return total


@functools.cache
def cached(number: int) -> int:
    return number + 1


def adder(step: int) -> Callable[[int], int]:
    def add(number: int) -> int:
        return number + step

    return add


add_two = adder(2)


@dataclass
class Base:
    size: int = 1

    def area(self) -> int:
        return self.size * self.size


class Box(Base):
    def area(self) -> int:
        return super().area() + 1

    @property
    def half(self) -> int:
        return self.size // 2

    @staticmethod
    def unit() -> int:
        return 1

    @classmethod
    def of(cls, size: int) -> "Box":
        return cls(size)
