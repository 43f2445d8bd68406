"""Addresses that a kernel chose, matched one to one with those that a model chose.

Where the kernel puts a shadow page's table, and which frame backs a guest
page, is no part of what is specified; that two mentions of one address are
one in both witnesses is.
"""

from dataclasses import dataclass, field
from enum import Enum, auto


class Match(Enum):
    """How an address of the model and one of the recording go together."""

    SAME = auto()
    """They are equal, or were matched before."""
    NEW = auto()
    """Neither was met before."""
    REUSED = auto()
    """One of them belonged to another, which may have been freed since."""
    CONFLICT = auto()
    """One of them belongs to another."""


@dataclass
class _Pair:
    model: int
    recorded: int
    last_met: int


@dataclass
class AddressMap:
    """A one-to-one map of page numbers, built while events are compared."""

    _by_model: dict[int, _Pair] = field(default_factory=dict)
    _by_recorded: dict[int, _Pair] = field(default_factory=dict)
    _now: int = 0
    _released: int = -1

    def release(self) -> None:
        """Note that pages may have been freed: each may come back as something else."""
        self._released = self._now

    def match(self, model: int, recorded: int) -> Match:
        """Match two page numbers, and remember them as a pair."""
        self._now += 1
        old = [
            pair
            for pair in (self._by_model.get(model), self._by_recorded.get(recorded))
            if pair is not None
        ]
        if old and all((pair.model, pair.recorded) == (model, recorded) for pair in old):
            old[0].last_met = self._now
            return Match.SAME
        self._pair(model, recorded, old)
        if not old:
            return Match.NEW
        freed = all(pair.last_met <= self._released for pair in old)
        return Match.REUSED if freed else Match.CONFLICT

    def _pair(self, model: int, recorded: int, old: list[_Pair]) -> None:
        for pair in old:
            self._by_model.pop(pair.model, None)
            self._by_recorded.pop(pair.recorded, None)
        pair = _Pair(model, recorded, self._now)
        self._by_model[model] = self._by_recorded[recorded] = pair
