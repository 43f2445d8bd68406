"""A JSON value that knows where in the file it stands.

Reading a scenario is asking nodes for what they should hold; a node that
holds something else raises the error that names the place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from .error import ScenarioError, shown

U32 = 2**32 - 1


@dataclass(frozen=True)
class Node:
    """A value of a scenario file and its place.

    :param value: the JSON value
    :param file: name of the file
    :param operation: number of the operation it belongs to, if any
    :param field: path from the operation, or from the top of the file
    """

    value: Any
    file: str
    operation: int | None = None
    field: str = ""

    def refuse(self, expected: str) -> NoReturn:
        """Raise that *expected* should have been here instead of the value."""
        self.fail(f"{expected}, found {shown(self.value)}")

    def fail(self, expected: str) -> NoReturn:
        """Raise that *expected* was not met at this place."""
        raise ScenarioError(self.file, self.operation, self.field, expected)

    def below(self, key: str, value: Any) -> "Node":
        """Return the node of *value*, found under *key* of this one."""
        dot = "." if self.field and not key.startswith("[") else ""
        return replace(self, value=value, field=f"{self.field}{dot}{key}")

    def __getitem__(self, key: str) -> "Node":
        """Return the required member *key* of an object."""
        node = self.get(key)
        if node is None:
            self.below(key, None).fail("this field, which is missing")
        return node

    def get(self, key: str) -> "Node | None":
        """Return the member *key* of an object, or ``None`` when it is left out."""
        members = self.object()
        return self.below(key, members[key]) if key in members else None

    def object(self) -> dict[str, Any]:
        """Return the value, which must be an object."""
        if not isinstance(self.value, dict):
            self.refuse("an object")
        return self.value

    def members(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the name and the node of every member of an object."""
        return ((key, self.below(key, value)) for key, value in self.object().items())

    def items(self) -> list["Node"]:
        """Return the nodes of a list."""
        if not isinstance(self.value, list):
            self.refuse("a list")
        return [self.below(f"[{i}]", value) for i, value in enumerate(self.value)]

    def text(self) -> str:
        """Return the value, which must be a string."""
        if not isinstance(self.value, str):
            self.refuse("a string")
        return self.value

    def word(self, *words: str) -> str:
        """Return the value, which must be one of *words*."""
        if self.value not in words or not isinstance(self.value, str):
            self.refuse(f"one of {', '.join(words)}")
        return self.value

    def truth(self) -> bool:
        """Return the value, which must be true or false."""
        if not isinstance(self.value, bool):
            self.refuse("true or false")
        return self.value

    def number(self, low: int = 0, high: int = U32) -> int:
        """Return the value, which must be a whole number in a range."""
        good = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not good or not low <= self.value <= high:
            self.refuse(f"a whole number from {low} to {high}")
        return int(self.value)

    def hex(self, bits: int = 64) -> int:
        """Return the number that a string such as ``0x1000`` spells."""
        if not isinstance(self.value, str) or not re.fullmatch("0x[0-9a-fA-F]+", self.value):
            self.refuse('a hexadecimal string such as "0x1000"')
        number = int(self.value, 16)
        if number >> bits:
            self.refuse(f"at most {bits} bits")
        return number

    def aligned(self, multiple: int, bits: int = 64) -> int:
        """Return a hexadecimal number that is a multiple of *multiple*."""
        number = self.hex(bits)
        if number % multiple:
            self.refuse(f"a multiple of {multiple:#x}")
        return number
