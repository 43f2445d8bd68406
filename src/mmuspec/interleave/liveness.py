"""Which registers still matter: those that are dead are forgotten, which merges states."""

from collections.abc import Iterable

from mmuspec.interleave.expressions import Expr, registers
from mmuspec.interleave.operations import (
    Assign,
    Check,
    CompareExchange,
    GiveUp,
    Jump,
    JumpUnless,
    Load,
    Note,
    Operation,
    Store,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program, Thread


def expressions(operation: Operation) -> tuple[Expr, ...]:
    """Return the expressions that *operation* computes."""
    match operation:
        case Store(_, value) | Update(_, _, _, value) | Assign(_, value) | Note(_, value):
            return (value,)
        case CompareExchange(_, _, expected, new):
            return (expected, new)
        case WaitUntil(condition) | JumpUnless(condition, _) | Check(condition, _):
            return (condition,)
        case _:
            return ()


def written(operation: Operation) -> str | None:
    """Return the register that *operation* writes."""
    match operation:
        case Load(name, _) | Update(name, _, _, _) | CompareExchange(name, _, _, _):
            return name
        case Assign(name, _):
            return name
        case _:
            return None


def targets(operation: Operation, index: int) -> tuple[int, ...]:
    """Return the indices at which a CPU may go on after *operation* at *index*."""
    match operation:
        case Jump(target):
            return (target,)
        case JumpUnless(_, target):
            return (index + 1, target)
        case GiveUp():
            return ()
        case _:
            return (index + 1,)


def live(program: Program, thread: Thread) -> tuple[frozenset[str], ...]:
    """Return the registers of *thread* that matter at each index, and at the end.

    A register matters if somebody may look at it before it is written again. Final
    questions look at the end, invariants everywhere.
    """
    if thread.name not in program.alive:
        program.alive[thread.name] = analyse(program, thread)
    return program.alive[thread.name]


def analyse(program: Program, thread: Thread) -> tuple[frozenset[str], ...]:
    """Find out what `live` returns: go backwards through the code until nothing changes."""
    always = named(thread, (claim.condition for claim in program.always))
    end = always | named(thread, (final.condition for final in program.finals))
    alive = [always] * len(thread.code) + [end]
    changed = True
    while changed:
        changed = False
        for index in reversed(range(len(thread.code))):
            operation = thread.code[index].operation
            after = frozenset().union(*(alive[target] for target in targets(operation, index)))
            used = {reg.name for expr in expressions(operation) for reg in registers(expr)}
            before = always | used | (after - {written(operation)})
            changed |= before != alive[index]
            alive[index] = before
    return tuple(alive)


def named(thread: Thread, conditions: Iterable[Expr]) -> frozenset[str]:
    """Return the registers of *thread* that *conditions* look at."""
    return frozenset(
        reg.name
        for condition in conditions
        for reg in registers(condition)
        if reg.thread == thread.name
    )
