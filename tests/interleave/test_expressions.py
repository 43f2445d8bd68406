import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.interleave.expressions import (
    OPERATORS,
    Const,
    Expr,
    Op,
    Read,
    Reg,
    evaluate,
    reads,
    registers,
)
from mmuspec.interleave.words import Part, Place

TOP = (1 << 64) - 1
X, LOW = Place("x"), Place("x", Part.LOW)


def value(expr: Expr, **known: int) -> int:
    return evaluate(expr, lambda reg: known[reg.name], lambda place: known[str(place)])


def op(name: str, *operands: int) -> int:
    return value(Op(name, tuple(map(Const, operands))))


@pytest.mark.parametrize(
    ("name", "operands", "result"),
    [
        ("+", (TOP, 3), 2),
        ("-", (2, 3), TOP),
        ("*", (1 << 63, 2), 0),
        ("&", (6, 3), 2),
        ("|", (6, 3), 7),
        ("^", (6, 3), 5),
        ("~", (1,), TOP - 1),
        ("<<", (3, 63), 1 << 63),
        ("<<", (3, 64), 0),
        (">>", (TOP, 63), 1),
        (">>", (TOP, 64), 0),
        ("==", (3, 3), 1),
        ("!=", (3, 3), 0),
        ("<", (1, TOP), 1),
        ("<=", (3, 3), 1),
        (">", (TOP, 1), 1),
        (">=", (2, 3), 0),
        ("and", (4, 2), 1),
        ("and", (4, 0), 0),
        ("or", (0, 2), 1),
        ("or", (0, 0), 0),
        ("not", (0,), 1),
        ("not", (5,), 0),
    ],
)
def test_operators(name: str, operands: tuple[int, ...], result: int) -> None:
    assert op(name, *operands) == result


def test_registers_places_and_numbers_too_wide() -> None:
    expr = Op("+", (Reg("a"), Op("-", (Read(X), Const(1)))))
    assert value(expr, a=4, x=10) == 13
    assert value(Const(1 << 64 | 5)) == 5


@given(st.sampled_from([*OPERATORS]), st.integers(0, TOP), st.integers(0, TOP))
def test_every_result_is_a_64_bit_number(name: str, left: int, right: int) -> None:
    operands = (left,) if name in ("~", "not") else (left, right)
    assert 0 <= op(name, *operands) <= TOP


def test_what_an_expression_looks_at() -> None:
    expr = Op(
        "and", (Op("==", (Reg("a", "P0"), Read(LOW))), Op("not", (Op("|", (Read(X), Reg("b"))),)))
    )
    assert list(registers(expr)) == [Reg("a", "P0"), Reg("b")]
    assert list(reads(expr)) == [LOW, X]
