"""Which protocols the axioms speak of: those without loops and without ghosts."""

from collections.abc import Iterator

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.liveness import targets
from mmuspec.interleave.program import Program, Source, Thread


def check(program: Program) -> None:
    """Do nothing if every execution of *program* has a bounded number of accesses.

    :raises NotModelledError: for a loop, and for a ghost word
    """
    for word in program.words:
        if word.ghost:
            raise NotModelledError(Source(), f"the ghost {word.name} in an axiomatic check")
    for thread in program.threads:
        for index in backwards(thread):
            if index in reachable(thread, index):
                raise NotModelledError(
                    thread.code[index].source, f"the loop of {thread.name} in an axiomatic check"
                )


def backwards(thread: Thread) -> Iterator[int]:
    """Yield the indices from which *thread* may jump back; each loop has one of them."""
    for index, instruction in enumerate(thread.code):
        if any(target <= index for target in targets(instruction.operation, index)):
            yield index


def reachable(thread: Thread, start: int) -> frozenset[int]:
    """Return the indices that *thread* can come to after *start*."""
    seen: set[int] = set()
    todo = [start]
    while todo:
        index = todo.pop()
        if index < len(thread.code):
            new = set(targets(thread.code[index].operation, index)) - seen
            seen |= new
            todo += new
    return frozenset(seen)
