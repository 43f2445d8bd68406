"""The answer to a question about a protocol, by the fastest way there is.

The plain explorer begins: it has answered most questions before machine code is even loaded.
What turns out to be larger is left to the fast one, which gives the same answers.
"""

from importlib.util import find_spec

from mmuspec.interleave.answer import Answer, Progress
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.plain import explore_plainly
from mmuspec.interleave.quick.report import Report

SMALL = 500
"""States that the plain explorer sees in about the time that loading machine code takes."""


def decide(
    program: Program,
    memory: Memory = Memory.TSO,
    *,
    all_states: bool = False,
    reduction: bool = False,
    threads: int = 1,
    bound: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Look at every interleaving of *program*.

    :param all_states: go on after something was found
    :param reduction: leave out interleavings of larger protocols that cannot make a
        difference; then fewer states are counted, if nothing is found
    :param threads: 1 or 2
    :param bound: how many bytes the states may take; half of the memory if not given
    :param progress: is called now and then in a long run
    :raises TooManyStates: when the bound was reached
    """
    report = Report(progress)
    answer = explore_plainly(program, memory, all_states, bound, report, most=SMALL)
    if answer is not None:
        return answer
    if find_spec("llvmlite") is None:  # the site is built without; slowly, then
        return explore_plainly(program, memory, all_states, bound, report)
    from mmuspec.interleave.quick.explore import explore_fast

    return explore_fast(
        program,
        memory,
        all_states=all_states,
        reduce=reduction,
        symmetry=reduction,
        threads=threads,
        bytes_bound=bound,
        progress=progress,
    )
