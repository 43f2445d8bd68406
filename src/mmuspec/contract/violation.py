"""What a broken clause of the contract looks like."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ContractViolation:
    """A clause that does not hold.

    :param clause: ``C1`` to ``C6``
    :param operation: what was going on
    """

    clause: str
    operation: str
    expected: str
    got: str

    def __str__(self) -> str:
        """Put it on one line."""
        return f"{self.clause}: {self.operation}: expected {self.expected}, got {self.got}"


class ContractBroken(AssertionError):
    """The model broke the contract; the message lists how."""

    def __init__(self, violations: Iterable[ContractViolation]) -> None:
        self.violations = list(violations)
        super().__init__("\n".join(map(str, self.violations)))
