"""The answer to a question about a protocol, by the fastest way there is."""

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.plain import explore_plainly
from mmuspec.interleave.quick.report import Progress, Report

BOUND = 4 << 30
"""Bytes that the states may take if nothing else is said."""


def decide(
    program: Program,
    memory: Memory = Memory.TSO,
    *,
    all_states: bool = False,
    reduction: bool = True,
    bound: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Look at every interleaving of *program*.

    :param all_states: go on after something was found
    :param reduction: leave out interleavings that cannot make a difference
    :param bound: how many bytes the states may take
    :param progress: is called now and then in a long run
    :raises TooManyStates: when the memory given does not hold them
    """
    # The plain explorer has nothing to reduce.
    return explore_plainly(program, memory, all_states, bound or BOUND, Report(progress))
