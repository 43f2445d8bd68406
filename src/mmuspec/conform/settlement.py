"""Deciding which address each page has, from all that was said about it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from ..scenario.stage import FIRST_MADE_UP_PFN
from ..trace.printed import Printed

FOREVER = 1 << 62


class Space(Enum):
    """What kind of number an address is."""

    TABLE = auto()
    """Physical page of a table of sptes."""
    POINTER = auto()
    """Virtual page, perhaps hashed, of such a table."""
    FRAME = auto()
    """Host frame behind guest memory."""


@dataclass(frozen=True, eq=False)
class Mention:
    """An event spoke of a chosen page: *model* is the model's number, *recorded* the kernel's.

    :param printed: the model's event, as printed
    :param key: its field
    """

    operation: int
    space: Space
    model: int
    recorded: int
    printed: Printed
    key: str


@dataclass(frozen=True)
class Clash:
    """A mention that cannot be right.

    :param expected: the page number that the other mentions agree on; None if nothing decides
    :param others: operations that mention the same page otherwise, or another page as the same
    """

    mention: Mention
    expected: int | None
    others: tuple[int, ...]


Page = tuple[Space, int]
"""A page of the model, or of the kernel."""


class Settlement:
    """Which address each page of the model has, and the mentions that say otherwise.

    :param told: see {py:class}`AddressBook`
    :param freed: see {py:class}`AddressBook`
    """

    def __init__(
        self, mentions: Iterable[Mention], told: Mapping[int, int], freed: Mapping[int, int]
    ) -> None:
        """Take the votes."""
        self._told, self._freed = told, freed
        self._votes: dict[Page, dict[int, list[Mention]]] = defaultdict(lambda: defaultdict(list))
        self._holders: dict[Page, dict[int, list[Mention]]] = defaultdict(lambda: defaultdict(list))
        for mention in mentions:
            self._votes[mention.space, mention.model][mention.recorded].append(mention)
            self._holders[mention.space, mention.recorded][mention.model].append(mention)
        self.address = {page: self._choose(page) for page in self._votes}

    @property
    def accepted(self) -> list[Mention]:
        """The mentions that agree with the address of their page."""
        return [m for m in self._all() if self.address[m.space, m.model] == m.recorded]

    def reused(self) -> int:
        """Return how many times an address came back as that of another page."""
        return sum(len(self._owners(space, at)) - 1 for space, at in self._chosen())

    def clashes(self) -> Iterator[Clash]:
        """Yield the mentions that cannot be right."""
        for space, model in self._votes:
            at = self.address[space, model]
            if space is Space.TABLE and at is not None and not is_physical(at):
                yield from (Clash(m, None, ()) for m in self._votes[space, model][at])
        for page, values in self._votes.items():
            chosen = self.address[page]
            for recorded, mentions in values.items():
                if recorded != chosen:
                    rest = [m for v, each in values.items() if v != recorded for m in each]
                    yield from (Clash(m, chosen, _operations(rest)) for m in mentions)
        for space, recorded in self._chosen():
            yield from self._shared(space, recorded)

    def _all(self) -> Iterator[Mention]:
        for values in self._votes.values():
            for mentions in values.values():
                yield from mentions

    def _chosen(self) -> set[Page]:
        return {(space, at) for (space, _), at in self.address.items() if at is not None}

    def _owners(self, space: Space, recorded: int) -> dict[int, list[Mention]]:
        """Return the mentions by page of the model whose address is *recorded*."""
        held = self._holders[space, recorded].items()
        return {page: seen for page, seen in held if self.address[space, page] == recorded}

    def _choose(self, page: Page) -> int | None:
        """Return the address of *page*: what was told, or what most mentions say."""
        space, model = page
        if space is Space.FRAME and model in self._told:
            return self._told[model]
        values = self._votes[page]
        most = max(map(len, values.values()))
        best = [value for value, mentions in values.items() if len(mentions) == most]
        free = [value for value in best if not self._taken(page, value, most)]
        if len(best) == 1:
            return best[0]
        return free[0] if len(free) == 1 else None

    def _taken(self, page: Page, value: int, count: int) -> bool:
        """Whether *value* cannot be: it is no memory, or another page has a better claim to it."""
        space, model = page
        if space is Space.TABLE and not is_physical(value):
            return True
        rivals = self._holders[space, value].items()
        return any(
            other != model and len(seen) > count and self._together(space, model, other)
            for other, seen in rivals
        )

    def _shared(self, space: Space, recorded: int) -> Iterator[Clash]:
        """Yield the mentions of pages that have an address which another page has at the time."""
        owners = self._owners(space, recorded)
        for model, seen in owners.items():
            rivals = [m for m in owners if m != model and self._together(space, model, m)]
            if any(len(owners[rival]) >= len(seen) for rival in rivals):
                others = _operations([m for rival in rivals for m in owners[rival]])
                yield from (Clash(mention, None, others) for mention in seen)

    def _together(self, space: Space, first: int, second: int) -> bool:
        """Whether two pages of the model exist at the same time."""
        (born, died), (born_too, died_too) = self._life(space, first), self._life(space, second)
        if space is Space.FRAME:
            return max(born, born_too) <= min(died, died_too)
        return max(born, born_too) < min(died, died_too)

    def _life(self, space: Space, model: int) -> tuple[int, int]:
        """Return the first and the last operation of a page."""
        seen = [m.operation for each in self._votes[space, model].values() for m in each]
        if space is Space.FRAME:
            return min(seen), max(seen)
        return min(seen), self._freed.get(model, FOREVER)


def is_physical(page: int) -> bool:
    """Whether the recorded machine may have memory at *page*."""
    return 0 < page < FIRST_MADE_UP_PFN


def _operations(mentions: Iterable[Mention]) -> tuple[int, ...]:
    return tuple(sorted({mention.operation for mention in mentions}))
