"""Values that follow from others because the code only copies them."""

from mmuspec.interleave.expressions import WIDE, Const, Expr, Reg
from mmuspec.interleave.operations import (
    Assign,
    CompareExchange,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
)
from mmuspec.interleave.quick.fields import Codes
from mmuspec.interleave.quick.shape import Kind, Shape
from mmuspec.interleave.words import Place, cut

MOST = 64
"""Values of one field that are passed on."""


def spread(shape: Shape) -> None:
    """Pass values on in *shape*, and find out of which fields all values are known."""
    size = -1
    while size != (size := extent(shape)):
        for kind in dict.fromkeys(map(id, shape.kinds)):
            one = next(k for k in shape.kinds if id(k) == kind)
            for instruction in one.thread.code:
                copy(shape, one, instruction.operation)


def extent(shape: Shape) -> int:
    """Return a number that grows with what is known."""
    codes = [*shape.words.values()]
    codes += [codes for kind in shape.kinds for codes in kind.registers.values()]
    return sum(2 * len(one.values) + (not one.sure) for one in codes)


def copy(shape: Shape, kind: Kind, operation: Operation) -> None:
    """Pass on what one operation copies."""
    match operation:
        case Load(register, place):
            fetch(shape, kind, register, place)
        case Update(register, place, _, _) | CompareExchange(register, place, _, _) if register:
            fetch(shape, kind, register, place)
        case Assign(register, value):
            pass_on(kind.registers[register], *simple(kind, value))
    match operation:
        case Store(place, value) | CompareExchange(_, place, _, value):
            write(shape, place, *simple(kind, value))
        case Update(_, place, name, value):
            write(shape, place, *(simple(kind, value) if name == "=" else ([], False)))
        case Note(ghost, value):
            write(shape, Place(ghost), *simple(kind, value))
        case Lock(word):
            write(shape, Place(word), [1], True)
        case Unlock(word):
            write(shape, Place(word), [0], True)


def fetch(shape: Shape, kind: Kind, register: str, place: Place) -> None:
    """Pass the values of a place on to a register, if both are one field."""
    codes = shape.words.get(place)
    if codes is None:
        pass_on(kind.registers[register], [], False)
    else:
        pass_on(kind.registers[register], codes.values, codes.sure)


def write(shape: Shape, place: Place, values: list[int], sure: bool) -> None:
    """Pass values on to a place."""
    word = shape.program.word[place.word]
    for value in values[:MOST]:
        shape.note(place, cut(value, word, place.part))
    if not sure or len(values) > MOST:
        for part in shape.fields(place):
            shape.words[part].sure = False


def pass_on(codes: Codes[int], values: list[int], sure: bool) -> None:
    """Pass values on to a register."""
    for value in values[:MOST]:
        codes.number(value)
    codes.sure &= sure and len(values) <= MOST


def simple(kind: Kind, value: Expr) -> tuple[list[int], bool]:
    """Return what *value* is known to be, and whether that is all; a computed value is not."""
    match value:
        case Const(number):
            return [number & WIDE], True
        case Reg(name) if name in kind.registers:
            return kind.registers[name].values[: MOST + 1], kind.registers[name].sure
        case _:
            return [], False
