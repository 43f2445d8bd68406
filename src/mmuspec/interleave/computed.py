"""What a CPU computes without an access: where that must not go on for ever, or be a race."""

from collections.abc import Iterator

from mmuspec.interleave.expressions import reads
from mmuspec.interleave.liveness import expressions, targets
from mmuspec.interleave.operations import ACCESSES, Note
from mmuspec.interleave.program import Program, Source, Thread

Problem = tuple[Source, str]
"""What is wrong with a program, and where."""


def computed(thread: Thread, start: int) -> set[int]:
    """Return the indices that *thread* can come to from *start* without an access."""
    found: set[int] = set()
    todo = [start]
    while todo:
        index = todo.pop()
        if index in found or index >= len(thread.code):
            continue
        if not isinstance(thread.code[index].operation, ACCESSES):
            found.add(index)
            todo += targets(thread.code[index].operation, index)
    return found


def endless(thread: Thread, start: int) -> bool:
    """Tell whether *thread* can come back to *start* without an access on the way."""
    operation = thread.code[start].operation
    if isinstance(operation, ACCESSES):
        return False
    return any(start in computed(thread, target) for target in targets(operation, start))


def early_ghosts(program: Program) -> Iterator[Problem]:
    """Yield the ghosts that depend on who computes first before anybody's first access.

    What a CPU computes is part of the step of the access before it; here there is none.
    """
    for thread in program.threads:
        for index in computed(thread, 0):
            operation = thread.code[index].operation
            if isinstance(operation, Note):
                for other in program.threads:
                    if other is not thread and operation.ghost in ghosts_at_first(other):
                        yield (
                            thread.code[index].source,
                            f"{thread.name} writes the ghost {operation.ghost} and {other.name} "
                            "uses it, both before their first access: put an access before one",
                        )


def ghosts_at_first(thread: Thread) -> set[str]:
    """Return the words that *thread* uses before its first access."""
    operations = [thread.code[index].operation for index in computed(thread, 0)]
    used = {place.word for o in operations for expr in expressions(o) for place in reads(expr)}
    return used | {o.ghost for o in operations if isinstance(o, Note)}
