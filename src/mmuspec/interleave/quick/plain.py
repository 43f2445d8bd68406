"""Where the fast explorer cannot go: the plain one, with the same bound and the same reports."""

from mmuspec.interleave.answer import Answer, TooManyStates
from mmuspec.interleave.explore import Search
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.report import Report
from mmuspec.interleave.semantics import Semantics

STATE = 2000
"""Bytes that a state takes here, about: Python's objects are large."""


def explore_plainly(
    program: Program, memory: Memory, all_states: bool, bound: int, report: Report
) -> Answer:
    """Answer as `mmuspec.interleave.explore.explore` does.

    :raises TooManyStates: if the bound was reached
    """
    search = Search(Semantics(program, memory))
    while search.level and (all_states or not search.found):
        if len(search.arrivals) * STATE > bound:
            raise TooManyStates(len(search.arrivals), bound)
        found = search.next_level()
        search.found = search.found or found
        report(len(search.arrivals), len(search.level))
    return search.answer()
