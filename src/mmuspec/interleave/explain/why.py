"""Why something cannot happen, as far as that can be told."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.decide import decide
from mmuspec.interleave.explain.drawn import Drawn, as_drawn, furthest
from mmuspec.interleave.explain.guards import Search, Without, needed, ordered
from mmuspec.interleave.guards import Guard
from mmuspec.interleave.program import Memory

MOST_STATES = 200_000
"""No guard is taken out of a protocol with more states: that would take many times as long."""


@dataclass(frozen=True)
class Explanation:
    """What keeps something from happening.

    :param drawn: how far the rows of a table get; of a litmus test, how far it gets with the
        values that are asked for
    :param without: the guards that are needed, the plainest first
    :param ordered: whether these are neighbours whose order is needed, for want of a guard
    :param under_tso: whether it can happen under x86-TSO, when SC was asked about
    :param too_large: whether there were too many states to look for guards
    :param unknown: guards without which there are too many states
    """

    drawn: Drawn | None = None
    without: tuple[Without, ...] = ()
    ordered: bool = False
    under_tso: bool = False
    too_large: bool = False
    unknown: tuple[Guard, ...] = ()


def explained(answer: Answer, order: Sequence[tuple[int, int]] | None = None) -> Explanation:
    """Return what keeps from happening what *answer* did not find.

    :param order: the order in which the rows of a table are drawn
    """
    program, memory = answer.program, answer.memory
    drawn = as_drawn(program, memory, order) if order is not None else None
    if answer.states > MOST_STATES:
        return Explanation(drawn, too_large=True)
    if drawn is None and len(program.finals) == 1:
        drawn = furthest(program, memory)
    search = needed(program, memory)
    blocked = drawn is not None and drawn.text
    neighbours = Search() if search.found or blocked else ordered(program, memory)
    under_tso = memory is Memory.SC and decide(program, Memory.TSO).found is not None
    return Explanation(
        drawn,
        search.found or neighbours.found,
        bool(neighbours.found),
        under_tso,
        unknown=(*search.unknown, *neighbours.unknown),
    )
