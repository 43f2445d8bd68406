"""What one step does, as the statement that people write in a table."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg, evaluate, leaves
from mmuspec.interleave.operations import Access, CompareExchange, Load, Store, Update
from mmuspec.interleave.program import Program
from mmuspec.interleave.words import Part, Place
from mmuspec.interleave.writers.statements import number, statement

Registers = Mapping[str, int]


def spoken(operation: Access, program: Program, registers: Registers) -> str:
    """Return *operation* as a statement, for readers who see one step of one run.

    A register of a function that is written out loses the function's name. One that no
    source names, or that begins with ``_``, is replaced by what it holds.

    :param registers: what the CPU's registers hold before the step
    """
    simple = simplified(operation, registers)
    match simple:
        case Load(register) if hidden(register):
            return statement(simple, program).removeprefix(f"{register} = ")
        case Update(str(register)) | CompareExchange(str(register)) if hidden(register):
            return statement(replace(simple, register=None), program)
        case Store(place, Const(value)):
            return f"{place} = {in_form(value, place)};"
        case _:
            return statement(simple, program)


def in_form(value: int, place: Place | None) -> str:
    """Return *value* as people write it: what halves of words hold are bit patterns."""
    half = place is not None and place.part is not Part.WHOLE and value > 9
    return hex(value) if half else number(value)


def simplified(operation: Access, registers: Registers) -> Access:
    """Return *operation* with names and expressions that are simpler to read."""
    found: dict[str, Any] = {}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, Const | Reg | Read | Op):
            found[field.name] = simpler(value, registers)
        elif field.name == "register" and value is not None:
            found[field.name] = short(value)
    return replace(operation, **found)


def simpler(expr: Expr, registers: Registers) -> Expr:
    """Return *expr* with short names, and values where a name tells nothing."""
    known, value = substituted(expr, registers), settled(expr, registers)
    return known if known == expr or value is None else Const(value)


def settled(expr: Expr, registers: Registers) -> int | None:
    """Return the value of *expr* if only numbers are left where a name tells nothing."""
    known = substituted(expr, registers)
    if all(isinstance(leaf, Const) for leaf in leaves(known)):
        return evaluate(known, nothing, nothing)
    return None


def substituted(expr: Expr, registers: Registers) -> Expr:
    """Return *expr* with each register renamed, or replaced by what it holds."""
    match expr:
        case Reg(name, ""):
            return Const(registers.get(name, 0)) if hidden(name) else Reg(short(name))
        case Op(name, operands):
            return Op(name, tuple(substituted(operand, registers) for operand in operands))
        case _:
            return expr


def hidden(register: str) -> bool:
    """Tell whether the name of *register* tells a reader nothing."""
    return short(register).startswith("_")


def short(register: str) -> str:
    """Return the name of *register* without the function that it belongs to."""
    return register.rpartition(".")[2]


def nothing(leaf: Reg | Place) -> int:
    """Stand for what an expression of nothing but numbers never asks."""
    raise AssertionError(leaf)
