"""What falls when the guards of a protocol are taken out, one at a time."""

from mmuspec.interleave.guards import examine
from mmuspec.interleave.program import Program

Names = set[str]


def needed(program: Program) -> tuple[Names, Names, Names]:
    """Return the guards needed under SC and TSO, under TSO alone, and under neither.

    No other case may occur, and no guard may leave too many states to know.
    """
    groups: dict[tuple[bool, bool], Names] = {(True, True): set(), (False, True): set()}
    groups[False, False] = set()
    for verdict in examine(program):
        sc, tso = verdict.answers
        assert sc is not None
        assert tso is not None
        groups[sc.found is not None, tso.found is not None].add(verdict.guard.name)
    return groups[True, True], groups[False, True], groups[False, False]
