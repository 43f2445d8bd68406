"""One micro-operation, and one expression, as a C statement in the kernel's words."""

from collections.abc import Callable

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    Check,
    CompareExchange,
    Fence,
    GiveUp,
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
from mmuspec.interleave.program import Program
from mmuspec.interleave.words import Part, Place

C_OPERATORS = {"and": "&&", "or": "||", "not": "!"}
"""Where C spells an operator in another way."""

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")

ATOMIC = {"+": "add", "-": "sub", "&": "and", "|": "or", "^": "xor"}
"""How the kernel's atomic functions name the way in which an update combines."""


def statement(operation: Operation, program: Program) -> str:
    """Return *operation* as a C statement, such as ``old = xchg(&spte.low, 0);``.

    :param program: tells how wide the words are
    """
    match operation:
        case Load(register, place):
            return f"{register} = READ_ONCE({place});"
        case Store(place, value):
            return f"{place} = {expression(value)};"
        case Assign(name, value) | Note(name, value):
            return f"{name} = {expression(value)};"
        case Update():
            return kept(operation.register) + update(operation, program)
        case CompareExchange(register, place, expected, new):
            call = "cmpxchg64" if is_wide(place, program) else "cmpxchg"
            operands = f"&{place}, {expression(expected)}, {expression(new)}"
            return f"{kept(register)}{call}({operands});"
        case Jump(target):
            return f"goto {label(target)};"
        case JumpUnless(condition, target):
            return f"if (!({expression(condition)})) goto {label(target)};"
        case _:
            return bare(operation)


def bare(operation: Operation) -> str:
    """Return an operation that is a call without a result."""
    match operation:
        case Fence():
            return "smp_mb();"
        case Barrier(name):
            return f"{name}();"
        case Lock(word):
            return f"spin_lock(&{word});"
        case Unlock(word):
            return f"spin_unlock(&{word});"
        case WaitUntil(condition):
            return f"wait_until({expression(condition)});"
        case Check(condition, text):
            return f"assert({expression(condition)}, {quoted(text)});"
        case GiveUp():
            return "give_up();"
        case _:
            raise TypeError(f"{operation!r} is no micro-operation")


def kept(register: str | None) -> str:
    """Return the part of a statement that keeps its result in *register*."""
    return f"{register} = " if register is not None else ""


def update(operation: Update, program: Program) -> str:
    """Return a locked read-modify-write; one of which nobody wants the old value is shorter."""
    place, value = operation.place, expression(operation.value)
    if operation.operator == "=":
        return f"xchg(&{place}, {value});"
    family = "atomic64" if is_wide(place, program) else "atomic"
    fetch = "fetch_" if operation.register is not None else ""
    return f"{family}_{fetch}{ATOMIC[operation.operator]}({value}, &{place});"


def is_wide(place: Place, program: Program) -> bool:
    """Tell whether *place* has 64 bits."""
    return place.part is Part.WHOLE and program.word[place.word].bits == 64


def label(target: int) -> str:
    """Return the name of the label in front of the operation at index *target*."""
    return f"L{target}"


def quoted(text: str) -> str:
    """Return *text* as a C string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def number(value: int) -> str:
    """Return a number as people write it: small ones in decimal, bit patterns in hexadecimal."""
    return str(int(value)) if -256 < value < 256 else hex(value)


def register_name(register: Reg) -> str:
    """Return a register, with its CPU if one is named: ``CPU0:r1``."""
    return f"{register.thread}:{register.name}" if register.thread else register.name


def expression(expr: Expr, register: Callable[[Reg], str] = register_name) -> str:
    """Return *expr* in C, with the parentheses that it needs and those that help to read it.

    :param register: how registers are written
    """
    match expr:
        case Const(value):
            return number(value)
        case Reg():
            return register(expr)
        case Read(place):
            return str(place)
        case Op(name, (only,)):
            text = expression(only, register)
            return C_OPERATORS.get(name, name) + (f"({text})" if isinstance(only, Op) else text)
        case Op(name, (left, right)):
            sides = [operand(name, side, register) for side in (left, right)]
            return f" {C_OPERATORS.get(name, name)} ".join(sides)
    raise ValueError(f"{expr.operator!r} with {len(expr.operands)} operands")


def operand(outer: str, inner: Expr, register: Callable[[Reg], str]) -> str:
    """Return an operand of the binary operator *outer*."""
    text = expression(inner, register)
    return text if not isinstance(inner, Op) or stands_alone(outer, inner) else f"({text})"


def stands_alone(outer: str, inner: Op) -> bool:
    """Tell whether *inner* is clear without parentheses as an operand of *outer*."""
    if len(inner.operands) == 1:
        return True
    if outer in ("and", "or"):
        return inner.operator in COMPARISONS
    return outer in COMPARISONS and inner.operator in ("+", "-", "*")
