"""The answer to a question about a protocol, by the fastest way there is."""

from mmuspec.interleave.answer import Answer
from mmuspec.interleave.explore import explore
from mmuspec.interleave.program import Memory, Program


def decide(program: Program, memory: Memory = Memory.TSO, *, all_states: bool = False) -> Answer:
    """Look at every interleaving of *program*.

    :param all_states: go on after something was found
    :raises TooManyStates: when the memory given does not hold them
    """
    return explore(program, memory, all_states=all_states)
