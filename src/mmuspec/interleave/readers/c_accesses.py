"""The kernel's loads, stores, exchanges, locks and barriers, written out."""

import ast

from mmuspec.interleave.expressions import Expr, Op, Read, Reg
from mmuspec.interleave.notation.declared import Operand
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    Check,
    CompareExchange,
    Fence,
    GiveUp,
    Lock,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.readers.c_asked import ONE, ZERO, Asked, Function, equal
from mmuspec.interleave.readers.c_values import CValues
from mmuspec.interleave.words import Place


def load_place(call: Asked) -> None:
    """``READ_ONCE(x)``."""
    call.body.load(call.place(0), call.result(), call.node, call.scope)


def load(call: Asked) -> None:
    """``smp_load_acquire(p)``: a load keeps its order with what follows."""
    call.body.load(call.pointee(0), call.result(), call.node, call.scope)


def store_place(call: Asked) -> None:
    """``WRITE_ONCE(x, v)``."""
    store_at(call, call.value(1), call.place(0))


def store(call: Asked) -> None:
    """``smp_store_release(p, v)``: a store keeps its order with what went before."""
    store_at(call, call.value(1), call.pointee(0))


def store_at(call: Asked, value: Expr, place: Operand | Expr) -> None:
    """Store *value* at *place*."""
    call.no_value()
    body, node, scope = call.body, call.node, call.scope
    call.at_each(place, lambda operand: body.store(operand, value, node, scope))


def exchange_place(call: Asked) -> None:
    """``smp_store_mb(x, v)``: an exchange whose old value nobody wants."""
    call.no_value()
    value = call.value(1)
    call.at_each(call.place(0), lambda operand: call.emit(Update(None, operand.place, "=", value)))


def update(operator: str, pointer: int, value: int) -> Function:
    """Return a function that updates a place in one locked step.

    :param pointer: which argument points to the place
    :param value: which argument is combined with it
    """

    def write(call: Asked) -> None:
        new, place = call.value(value), call.pointee(pointer)
        call.at_each(
            place, lambda operand: call.emit(Update(call.register, operand.place, operator, new))
        )

    return write


def compare_exchange(call: Asked) -> None:
    """``cmpxchg(p, old, new)``."""
    expected, new, place = call.value(1), call.value(2), call.pointee(0)
    call.at_each(
        place, lambda at: call.emit(CompareExchange(call.register, at.place, expected, new))
    )


def try_compare_exchange(call: Asked) -> None:
    """``try_cmpxchg(p, &old, new)``: tells whether it wrote; else *old* is what is there."""
    old = expected_register(call)
    new, place, found = call.value(2), call.pointee(0), Reg(call.temporary())
    call.at_each(place, lambda at: call.emit(CompareExchange(found.name, at.place, old, new)))
    call.give(equal(found, old))
    call.emit(Assign(old.name, found))


def expected_register(call: Asked) -> Reg:
    """Return the register to which the second argument points."""
    match call.args[1]:
        case ast.Call(func=ast.Name(id="&"), args=[ast.Name() as name]):
            if isinstance(found := call.body.expr(name, call.scope), Reg) and found.name == name.id:
                return found
    raise call.not_modelled(f"{call.name}() without the address of a local variable")


def lock(call: Asked) -> None:
    """``spin_lock(p)``."""
    call.no_value()
    call.at_each(call.pointee(0), lambda operand: call.emit(Lock(operand.shared.name)))


def unlock(call: Asked) -> None:
    """``spin_unlock(p)``."""
    call.no_value()
    call.at_each(call.pointee(0), lambda operand: call.emit(Unlock(operand.shared.name)))


def unlock_mutex(call: Asked) -> None:
    """``mutex_unlock(p)``: a locked instruction, unlike that of a spinlock."""
    call.no_value()
    call.at_each(call.pointee(0), lambda at: call.emit(Update(None, at.place, "=", ZERO)))


def try_lock(call: Asked) -> None:
    """``spin_trylock(p)``: LOCK CMPXCHG of 0 and 1."""
    found = Reg(call.temporary())
    call.at_each(
        call.pointee(0), lambda at: call.emit(CompareExchange(found.name, at.place, ZERO, ONE))
    )
    call.give(equal(found, ZERO))


def is_locked(call: Asked) -> None:
    """``spin_is_locked(p)``: a load."""
    found = call.temporary()
    call.body.load(call.pointee(0), found, call.node, call.scope)
    call.give(Op("!=", (Reg(found), ZERO)))


def wait_unlocked(call: Asked) -> None:
    """``spin_unlock_wait(p)``: loads, until the lock is free."""
    call.no_value()
    call.at_each(
        call.pointee(0),
        lambda at: call.emit(WaitUntil(equal(Read(Place(at.shared.name)), ZERO))),
    )


def wait_until(call: Asked) -> None:
    """``wait_until(condition)``, which looks at shared words."""
    call.no_value()
    looking = CValues(call.body.addresses, call.body.signed)
    call.emit(WaitUntil(looking.expr(call.args[0], call.scope)))


def fence(call: Asked) -> None:
    """``smp_mb()``."""
    call.no_value()
    call.emit(Fence())


def barrier(call: Asked) -> None:
    """``smp_wmb()`` and the like."""
    call.no_value()
    call.emit(Barrier(call.name))


def nothing(call: Asked) -> None:
    """What has no effect that another CPU could see."""
    call.no_value()


def claim(call: Asked) -> None:
    """``assert(condition, "what is claimed")``."""
    call.no_value()
    call.emit(Check(call.value(0), call.text(1)))


def doubt(call: Asked) -> None:
    """``BUG_ON(condition)``, which claims the contrary."""
    found = call.value(0)
    call.emit(Check(Op("not", (found,)), call.text(1)))
    call.give(found)


def give_up(call: Asked) -> None:
    """``give_up()``: the bound of a retry loop is reached."""
    call.no_value()
    call.emit(GiveUp())


def value(call: Asked) -> None:
    """``likely(v)``."""
    call.give(call.value(0))


def bit(call: Asked) -> None:
    """``BIT(n)``."""
    call.give(Op("<<", (ONE, call.value(0))))
