"""What a question about the end demands of the accesses before it."""

from collections.abc import Iterator, Mapping

from mmuspec.interleave.expressions import Const, Expr, Op, Reg
from mmuspec.interleave.liveness import targets, written
from mmuspec.interleave.operations import ACCESSES, Jump, JumpUnless
from mmuspec.interleave.program import Program, Quantifier, Thread

Demanded = Mapping[tuple[int, int], int]
"""What an access has to read, by the number of its CPU and its index there."""


def demanded(program: Program) -> Demanded:
    """Return what accesses have to read if the final states that are asked about are reached.

    That is known of the last access that gives a register its value, where no loop can
    come back to it.
    """
    found = {}
    values = dict(equalities(program))
    for cpu, thread in enumerate(program.threads):
        if not has_loop(thread):
            for name, at in last_writers(thread).items():
                known = values.get((thread.name, name))
                if known is not None and isinstance(thread.code[at].operation, ACCESSES):
                    found[cpu, at] = known
    return found


def has_loop(thread: Thread) -> bool:
    """Tell whether *thread* can come back to where it was."""
    return any(
        target <= at
        for at, each in enumerate(thread.code)
        if isinstance(each.operation, Jump | JumpUnless)
        for target in targets(each.operation, at)
    )


def last_writers(thread: Thread) -> dict[str, int]:
    """Return the index of the last instruction that writes each register."""
    return {
        name: at
        for at, each in enumerate(thread.code)
        if (name := written(each.operation)) is not None
    }


def equalities(program: Program) -> Iterator[tuple[tuple[str, str], int]]:
    """Yield the registers, by CPU and name, for which what is asked demands a value."""
    for final in program.finals:
        if final.quantifier is not Quantifier.FORALL:
            for part in conjuncts(final.condition):
                match part:
                    case Op("==", (Reg(name, thread), Const(value))):
                        yield (thread, name), value
                    case Op("==", (Const(value), Reg(name, thread))):
                        yield (thread, name), value


def conjuncts(condition: Expr) -> Iterator[Expr]:
    """Yield what all has to hold for *condition*."""
    if isinstance(condition, Op) and condition.operator == "and":
        for operand in condition.operands:
            yield from conjuncts(operand)
    else:
        yield condition
