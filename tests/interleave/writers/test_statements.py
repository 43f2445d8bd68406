"""Micro-operations as C statements."""

import pytest

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
from mmuspec.interleave.words import Part, Place, Word
from mmuspec.interleave.writers.statements import expression, number, quoted, statement

PROGRAM = Program("p", (Word("n", 32), Word("spte"), Word("g", ghost=True)), ())
LOW, SPTE, N = Place("spte", Part.LOW), Place("spte"), Place("n")
R = Reg("r1")
ONE = Const(1)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (Load("r1", SPTE), "r1 = READ_ONCE(spte);"),
        (Store(LOW, Const(0)), "spte.low = 0;"),
        (Update("old", LOW, "=", Const(0)), "old = xchg(&spte.low, 0);"),
        (Update(None, SPTE, "=", R), "xchg(&spte, r1);"),
        (Update("old", SPTE, "+", ONE), "old = atomic64_fetch_add(1, &spte);"),
        (Update(None, N, "-", ONE), "atomic_sub(1, &n);"),
        (Update(None, LOW, "|", ONE), "atomic_or(1, &spte.low);"),
        (CompareExchange("r1", SPTE, R, ONE), "r1 = cmpxchg64(&spte, r1, 1);"),
        (CompareExchange(None, N, R, ONE), "cmpxchg(&n, r1, 1);"),
        (Fence(), "smp_mb();"),
        (Barrier("smp_wmb"), "smp_wmb();"),
        (Lock("n"), "spin_lock(&n);"),
        (Unlock("n"), "spin_unlock(&n);"),
        (WaitUntil(Op("==", (Read(LOW), ONE))), "wait_until(spte.low == 1);"),
        (GiveUp(), "give_up();"),
        (Assign("r1", ONE), "r1 = 1;"),
        (Note("g", R), "g = r1;"),
        (Jump(3), "goto L3;"),
        (JumpUnless(Op("<", (R, ONE)), 4), "if (!(r1 < 1)) goto L4;"),
        (Check(R, 'say "x"'), 'assert(r1, "say \\"x\\"");'),
    ],
)
def test_statement(operation: Operation, text: str) -> None:
    assert statement(operation, PROGRAM) == text


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (Op("&", (R, Op("~", (Const(2),)))), "r1 & ~2"),
        (Op("==", (Op("&", (R, ONE)), Const(0))), "(r1 & 1) == 0"),
        (Op("==", (Op("+", (R, ONE)), Const(0))), "r1 + 1 == 0"),
        (Op("and", (Op("==", (R, ONE)), Op("not", (R,)))), "r1 == 1 && !r1"),
        (Op("or", (Op("and", (R, R)), R)), "(r1 && r1) || r1"),
        (Op("not", (Op("==", (R, ONE)),)), "!(r1 == 1)"),
        (Op("-", (R, Op("-", (R, ONE)))), "r1 - (r1 - 1)"),
        (Op("==", (Reg("r1", "CPU0"), Read(LOW))), "CPU0:r1 == spte.low"),
    ],
)
def test_expression(expr: Expr, text: str) -> None:
    assert expression(expr) == text


def test_registers_can_be_written_in_another_way() -> None:
    assert expression(Op("+", (R, ONE)), lambda reg: f"${reg.name}") == "$r1 + 1"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (255, "255"), (256, "0x100"), (-1, "-1"), (-256, "-0x100")]
)
def test_numbers(value: int, text: str) -> None:
    assert number(value) == text


def test_strings() -> None:
    assert quoted('a "b" \\ \n') == '"a \\"b\\" \\\\ \\n"'


def test_an_operator_has_one_operand_or_two() -> None:
    with pytest.raises(ValueError, match="with 3 operands"):
        expression(Op("+", (R, R, R)))
