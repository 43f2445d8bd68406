"""What a scenario file is refused with."""

import json
from typing import Any


class ScenarioError(Exception):
    """A scenario cannot be read.  ``str()`` of it is one line for its author.

    :param file: the file's name
    :param operation: number of the operation, or ``None`` outside the list of operations
    :param field: path of the field, such as ``config.cr3``; empty for the file as a whole
    :param expected: what should have been there, and perhaps what was
    """

    def __init__(self, file: str, operation: int | None, field: str, expected: str) -> None:
        """Keep the parts; all of them can be shown."""
        super().__init__(file, operation, field, expected)
        self.file = file
        self.operation = operation
        self.field = field
        self.expected = expected

    def __str__(self) -> str:
        """Return ``FILE: operation N: FIELD: expected ...``."""
        where = [self.file]
        if self.operation is not None:
            where.append(f"operation {self.operation}")
        if self.field:
            where.append(self.field)
        return _printable(f"{': '.join(where)}: expected {self.expected}")


def _printable(text: str) -> str:
    """Return *text* with everything escaped that would not print on one line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shown(value: Any) -> str:
    """Return *value* as JSON on one line, shortened to at most 60 characters."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."
