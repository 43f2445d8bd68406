"""What taking out one instruction, or weakening it, makes of the code of a CPU."""

from collections.abc import Iterator

from mmuspec.interleave.edit import Edits
from mmuspec.interleave.expressions import Op, Reg, registers
from mmuspec.interleave.liveness import expressions, written
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    CompareExchange,
    Fence,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Instruction, Thread
from mmuspec.interleave.words import Place

Weakening = tuple[str, Edits]
"""What it means in words, and what it changes."""

NOT_LOOKED_AT = "not looked at"
"""How the two weakenings of a test begin."""

SCRATCH = "_old"
"""The register of an exchange that is no longer one."""


def weakenings(thread: Thread, index: int) -> Iterator[Weakening]:
    """Yield the ways to take out or weaken the instruction at *index*."""
    instruction = thread.code[index]
    match instruction.operation:
        case Fence():
            yield "smp_mb() left out", {index: ()}
        case Barrier(name):
            swap = exchanged(thread, index)
            if swap:
                yield f"{name}() left out: the compiler exchanges its neighbours", swap
        case Update() | CompareExchange():
            yield "not one indivisible step: load, then store", {index: split(instruction, index)}
        case Lock(word):
            yield (
                f"{word} not taken",
                {at: () for at, other in enumerate(thread.code) if takes(other, instruction, word)},
            )
        case WaitUntil():
            yield "not waited for", {index: ()}
        case JumpUnless(_, target):
            yield f"{NOT_LOOKED_AT}: as if it held", {index: ()}
            yield (
                "not looked at: as if it did not hold",
                {index: (Instruction(Jump(target), instruction.source),)},
            )
        case Store(place, _) if counts(thread, index, place):
            yield f"{place} not counted", {index: (), index - 1: ()}
    yield from reordered(thread, index)


def reordered(thread: Thread, index: int) -> Iterator[Weakening]:
    """Yield the exchange of two named accesses that only their order in the code orders."""
    swap = neighbours(thread, index, index + 1)
    if swap:
        first, second = thread.code[index].source.label, thread.code[index + 1].source.label
        if first and second and first != second:
            yield f"done after {second}", swap


def split(instruction: Instruction, index: int) -> tuple[Instruction, ...]:
    """Return a locked access as a load and a plain store, which others may come between."""
    operation = instruction.operation
    assert isinstance(operation, Update | CompareExchange)
    old = Reg(SCRATCH)
    parts: list[Operation] = [Load(SCRATCH, operation.place)]
    if isinstance(operation, CompareExchange):
        parts.append(JumpUnless(Op("==", (old, operation.expected)), index + 1))
        parts.append(Store(operation.place, operation.new))
    elif operation.operator == "=":
        parts.append(Store(operation.place, operation.value))
    else:
        parts.append(Store(operation.place, Op(operation.operator, (old, operation.value))))
    if operation.register is not None:
        parts.insert(1, Assign(operation.register, old))
    return tuple(Instruction(part, instruction.source) for part in parts)


def takes(other: Instruction, lock: Instruction, word: str) -> bool:
    """Tell whether *other* is *lock*, or drops the lock that it takes."""
    same = other.source == lock.source
    return same and other.operation in (Lock(word), Unlock(word))


def counts(thread: Thread, index: int, place: Place) -> bool:
    """Tell whether the store at *index* adds to what the instruction before it loaded."""
    before = thread.code[index - 1].operation if index else None
    store = thread.code[index].operation
    return (
        isinstance(before, Load)
        and before.place == place
        and isinstance(store, Store)
        and isinstance(store.value, Op)
        and store.value.operator in ("+", "-")
        and Reg(before.register) in store.value.operands
    )


def exchanged(thread: Thread, index: int) -> Edits:
    """Return the edits that swap the accesses around a barrier; none if they depend."""
    after = index + 1
    while after < len(thread.code) and isinstance(thread.code[after].operation, Barrier):
        after += 1
    return neighbours(thread, index - 1, after)


def neighbours(thread: Thread, before: int, after: int) -> Edits:
    """Return the edits that swap two accesses with nothing but barriers between them."""
    if before < 0 or after >= len(thread.code) or entered(thread, range(before + 1, after + 1)):
        return {}
    first, second = thread.code[before], thread.code[after]
    if not independent(first.operation, second.operation):
        return {}
    return {before: (second,), after: (first,), **{at: () for at in range(before + 1, after)}}


def entered(thread: Thread, indices: range) -> bool:
    """Tell whether a jump leads into *indices*."""
    operations = (instruction.operation for instruction in thread.code)
    return any(isinstance(o, Jump | JumpUnless) and o.target in indices for o in operations)


def independent(first: Operation, second: Operation) -> bool:
    """Tell whether a compiler may exchange two accesses that follow each other."""
    if not all(isinstance(operation, Load | Store) for operation in (first, second)):
        return False
    for one, other in ((first, second), (second, first)):
        used = {reg.name for expr in expressions(other) for reg in registers(expr)}
        if written(one) is not None and (written(one) in used or written(one) == written(other)):
            return False
    return first.place != second.place  # type: ignore[union-attr]
