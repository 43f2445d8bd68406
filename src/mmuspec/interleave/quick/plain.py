"""The plain explorer with the bound and the reports of the fast one."""

import os
from typing import overload

from mmuspec.interleave.answer import Answer, TooManyStates
from mmuspec.interleave.explore import Search
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.report import Report
from mmuspec.interleave.semantics import Semantics

STATE = 2000
"""Bytes that a state takes here, about: Python's objects are large."""

SHARE = 0.5
"""How much of the machine's memory the states may take if nothing else is said."""


def memory_share() -> int:
    """Return how many bytes the states may take if nothing else is said."""
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


@overload
def explore_plainly(
    program: Program, memory: Memory, all_states: bool, bound: int | None, report: Report
) -> Answer: ...


@overload
def explore_plainly(
    program: Program,
    memory: Memory,
    all_states: bool,
    bound: int | None,
    report: Report,
    most: int,
) -> Answer | None: ...


def explore_plainly(
    program: Program,
    memory: Memory,
    all_states: bool,
    bound: int | None,
    report: Report,
    most: int | None = None,
) -> Answer | None:
    """Answer as `mmuspec.interleave.explore.explore` does.

    :param bound: how many bytes the states may take; half of the memory if not given
    :param most: how many states are worth it; ``None`` is returned if there are more, and the
        bound, which holds more states elsewhere, is not asked about
    :raises TooManyStates: if the bound was reached
    """
    search, bound = Search(Semantics(program, memory)), bound or memory_share()
    while search.level and (all_states or not search.found):
        states = len(search.arrivals)
        if most is not None and states > most:
            return None
        if most is None and states * STATE > bound:
            raise TooManyStates(states, bound)
        found = search.next_level()
        search.found = search.found or found
        report(len(search.arrivals), len(search.level))
    return search.answer()
