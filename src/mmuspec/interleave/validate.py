"""What a protocol has to be before anything is asked about it."""

from collections.abc import Iterator

from mmuspec.interleave.computed import Problem, early_ghosts, endless
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import OPERATORS, UNARY, WIDE, Expr, Op, reads, registers
from mmuspec.interleave.liveness import expressions
from mmuspec.interleave.operations import (
    CompareExchange,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Program, Source, Thread
from mmuspec.interleave.words import Part, Place, mask

UPDATES = ("=", "+", "-", "&", "|", "^")
"""How a locked update may combine."""


def validate(program: Program) -> Program:
    """Return *program* if it is one.

    :raises ProgramError: otherwise; it names the place and what was expected
    """
    for source, text in problems(program):
        raise ProgramError(source, text)
    return program


def problems(program: Program) -> Iterator[Problem]:
    """Yield what is wrong with *program*, and where."""
    yield from names(program)
    yield from early_ghosts(program)
    for word in program.words:
        if word.bits not in (32, 64):
            yield Source(), f"{word.name} has {word.bits} bits; a word has 32 or 64"
        elif word.initial != word.initial & mask(word):
            yield Source(), f"{word.name} has no room for its first value {word.initial:#x}"
    for thread in program.threads:
        for name, value in thread.registers:
            if not 0 <= value <= WIDE:
                yield Source(), f"{thread.name}: register {name} has no room for {value:#x}"
        for index, instruction in enumerate(thread.code):
            for text in wrong(program, thread, instruction.operation):
                yield instruction.source, text
            if endless(thread, index):
                yield instruction.source, f"{thread.name} can loop here without any access"
    claims = [(claim.text, claim.condition) for claim in program.always]
    claims += [(final.text, final.condition) for final in program.finals]
    for claimed, condition in claims:
        for text in wrong_in_property(program, condition):
            yield Source(), f"{claimed or 'the condition'}: {text}"


def names(program: Program) -> Iterator[Problem]:
    """Yield what is wrong with the names: a program has CPUs, and each name means one thing."""
    if not program.threads:
        yield Source(), "a protocol needs at least one CPU"
    for what, all_names in (
        ("word", [word.name for word in program.words]),
        ("CPU", [thread.name for thread in program.threads]),
    ):
        for name in all_names:
            if all_names.count(name) > 1:
                yield Source(), f"there are two {what}s named {name}"
                return


def wrong(program: Program, thread: Thread, operation: Operation) -> Iterator[str]:
    """Yield what is wrong with one operation of *thread*."""
    for expr in expressions(operation):
        yield from unknown_operators(expr)
        for place in reads(expr):
            yield from wrong_place(program, place)
            if not isinstance(operation, WaitUntil) and not is_ghost(program, place.word):
                yield f"{place} is shared: it is read by a load, not within an expression"
    match operation:
        case Load(_, place) | Store(place, _) | CompareExchange(_, place, _, _):
            yield from wrong_operand(program, place)
        case Update(_, place, name, _):
            yield from wrong_operand(program, place)
            if name not in UPDATES:
                yield f"a locked update is one of {' '.join(UPDATES)}, not {name!r}"
        case Lock(word) | Unlock(word):
            yield from wrong_operand(program, Place(word))
        case Note(ghost, _) if not is_ghost(program, ghost):
            yield f"{ghost} is no ghost: it is written by a store"
        case Jump(target) | JumpUnless(_, target) if not 0 <= target <= len(thread.code):
            yield f"a jump to {target}, where no code is"


def wrong_operand(program: Program, place: Place) -> Iterator[str]:
    """Yield why an access cannot have *place* as its operand."""
    yield from wrong_place(program, place)
    if is_ghost(program, place.word):
        yield f"{place} is a ghost: no access reaches it"


def wrong_place(program: Program, place: Place) -> Iterator[str]:
    """Yield why there is no such place."""
    if place.word not in program.word:
        known = ", ".join(program.word) or "none"
        yield f"no word {place.word}; the words are: {known}"
    elif place.part is not Part.WHOLE and program.word[place.word].bits != 64:
        yield f"{place}: only a 64-bit word has halves"


def is_ghost(program: Program, name: str) -> bool:
    """Tell whether *name* is a ghost word."""
    return name in program.word and program.word[name].ghost


def unknown_operators(expr: Expr) -> Iterator[str]:
    """Yield the operators of *expr* that do not exist."""
    if isinstance(expr, Op):
        if expr.operator not in OPERATORS:
            yield f"no operator {expr.operator!r}; there are {' '.join(OPERATORS)}"
        elif len(expr.operands) != (expected := 1 if expr.operator in UNARY else 2):
            yield f"{expr.operator} takes {expected}, not {len(expr.operands)} operands"
        for operand in expr.operands:
            yield from unknown_operators(operand)


def wrong_in_property(program: Program, condition: Expr) -> Iterator[str]:
    """Yield what is wrong with the condition of a property."""
    yield from unknown_operators(condition)
    for place in reads(condition):
        yield from wrong_place(program, place)
    for reg in registers(condition):
        if reg.thread not in program.thread:
            yield f"no CPU {reg.thread or '(none named)'} with a register {reg.name}"
