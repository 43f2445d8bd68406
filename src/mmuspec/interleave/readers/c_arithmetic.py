"""The kernel's atomic arithmetic and bit operations, written out.

On x86 an ``atomic_`` function that changes its word is a locked instruction, or a loop of
LOCK CMPXCHG that ends with one that succeeds; only ``__set_bit()`` and its like are not.
"""

import re

from mmuspec.interleave.expressions import Const, Expr, Op, Reg
from mmuspec.interleave.notation.assemble import Label
from mmuspec.interleave.notation.declared import Operand
from mmuspec.interleave.operations import Assign, CompareExchange, Update
from mmuspec.interleave.readers.c_asked import ONE, ZERO, Asked, Function, equal
from mmuspec.interleave.readers.c_values import cut_to

Entry = tuple[Function, tuple[int, ...]]

COMBINE = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^", "inc": "+", "dec": "-"}

ARITHMETIC = re.compile(
    r"atomic_(?P<fetch>fetch_)?(?P<how>add|sub|andnot|and|or|xor|inc|dec)"
    r"(?P<value>_return|_and_test)?$"
)


def atomic(name: str) -> Entry | None:
    """Return what an arithmetic function such as ``atomic_add_return`` does."""
    found = ARITHMETIC.match(name)
    if not found or (found["fetch"] and found["value"]):
        return None
    how, value = found["how"], found["value"]
    alone = how in ("inc", "dec")
    operator = COMBINE.get(how, "&")

    def write(call: Asked) -> None:
        operand = ONE if alone else call.value(0)
        operand = Op("~", (operand,)) if how == "andnot" else operand
        place = call.pointee(0 if alone else 1)
        if not value:
            arithmetic(call, place, operator, operand, call.register)
            return
        old = Reg(call.temporary())
        arithmetic(call, place, operator, operand, old.name)
        new = cut_to(place, Op(operator, (old, operand)))
        call.give(new if value == "_return" else equal(new, ZERO))

    return write, (1 if alone else 2,)


def arithmetic(
    call: Asked, place: Operand | Expr, operator: str, value: Expr, register: str | None
) -> None:
    """Combine *value* into *place* in one locked step."""
    call.at_each(place, lambda at: call.emit(Update(register, at.place, operator, value)))


def fetch_unless(call: Asked, place: Operand | Expr, add: Expr, refused: Expr) -> Reg:
    """Add unless *refused* is there; return what was there.

    A loop: load, compare, LOCK CMPXCHG, and again from what that found.
    """
    seen, found = Reg(call.temporary()), Reg(call.temporary())
    again, retry, end = Label(), Label(), Label()
    call.body.load(place, seen.name, call.node, call.scope)
    call.here(again)
    call.unless(Op("!=", (seen, refused)), end)
    new = Op("+", (seen, add))
    call.at_each(place, lambda at: call.emit(CompareExchange(found.name, at.place, seen, new)))
    call.unless(equal(found, seen), retry)
    call.jump(end)
    call.here(retry)
    call.emit(Assign(seen.name, found))
    call.jump(again)
    call.here(end)
    return seen


def add_unless(call: Asked) -> None:
    """``atomic_add_unless(p, add, refused)``: tells whether it added."""
    refused = call.value(2)
    seen = fetch_unless(call, call.pointee(0), call.value(1), refused)
    call.give(Op("!=", (seen, refused)))


def fetch_add_unless(call: Asked) -> None:
    """``atomic_fetch_add_unless(p, add, refused)``: returns what was there."""
    call.give(fetch_unless(call, call.pointee(0), call.value(1), call.value(2)))


def inc_not_zero(call: Asked) -> None:
    """``atomic_inc_not_zero(p)``."""
    call.give(Op("!=", (fetch_unless(call, call.pointee(0), ONE, ZERO), ZERO)))


def change_bit(operator: str, *, test: bool, locked: bool = True) -> Function:
    """Return ``set_bit(n, p)`` and its like.

    :param test: whether the old bit is returned
    """

    def write(call: Asked) -> None:
        number, place = call.value(0), call.pointee(1)
        bit: Expr = Op("<<", (ONE, number))
        bit = Op("~", (bit,)) if operator == "&" else bit
        old = Reg(call.temporary())
        if locked:
            arithmetic(call, place, operator, bit, old.name if test else None)
        else:
            body, node, scope = call.body, call.node, call.scope
            body.load(place, old.name, node, scope)
            new = Op(operator, (old, bit))
            call.at_each(place, lambda at: body.store(at, new, node, scope))
        if test:
            call.give(the_bit(old, number))
        else:
            call.no_value()

    return write


def test_bit(call: Asked) -> None:
    """``test_bit(n, p)``: a load."""
    number, old = call.value(0), Reg(call.temporary())
    call.body.load(call.pointee(1), old.name, call.node, call.scope)
    call.give(the_bit(old, number))


def the_bit(value: Expr, number: Expr) -> Expr:
    """Return bit *number* of *value*."""
    return Op("&", (Op(">>", (value, number)), Const(1)))


TABLE: dict[str, Entry] = {
    "atomic_add_unless": (add_unless, (3,)),
    "atomic_fetch_add_unless": (fetch_add_unless, (3,)),
    "atomic_inc_not_zero": (inc_not_zero, (1,)),
    "test_bit": (test_bit, (2,)),
    "test_and_set_bit_lock": (change_bit("|", test=True), (2,)),
    "clear_bit_unlock": (change_bit("&", test=False), (2,)),
}

for _verb, _operator in (("set", "|"), ("clear", "&"), ("change", "^")):
    TABLE[f"{_verb}_bit"] = (change_bit(_operator, test=False), (2,))
    TABLE[f"__{_verb}_bit"] = (change_bit(_operator, test=False, locked=False), (2,))
    TABLE[f"test_and_{_verb}_bit"] = (change_bit(_operator, test=True), (2,))
    TABLE[f"__test_and_{_verb}_bit"] = (change_bit(_operator, test=True, locked=False), (2,))
