"""Protocols written down in operations, for tests; and the classical ones with their verdicts."""

from functools import reduce

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.operations import Fence, Load, Operation, Store, Update
from mmuspec.interleave.program import Final, Instruction, Program, Quantifier, Thread
from mmuspec.interleave.validate import validate
from mmuspec.interleave.words import Place, Word

X, Y, Z = Place("x"), Place("y"), Place("z")
WORDS = tuple(Word(name, 32) for name in "xyz")


def thread(number: int, *code: Operation, **registers: int) -> Thread:
    return Thread(f"P{number}", tuple(map(Instruction, code)), tuple(registers.items()))


def protocol(
    *codes: tuple[Operation, ...], words: tuple[Word, ...] = WORDS, exists: Expr | None = None
) -> Program:
    """Return a protocol of CPUs P0, P1, ...; it asks whether *exists* is possible."""
    finals = () if exists is None else (Final(Quantifier.EXISTS, exists, "exists"),)
    threads = tuple(thread(number, *code) for number, code in enumerate(codes))
    return validate(Program("test", words, threads, finals))


def store(place: Place, value: int) -> Store:
    return Store(place, Const(value))


def exchange(place: Place, value: int, register: str | None = None) -> Update:
    return Update(register, place, "=", Const(value))


def equal(left: Expr, value: int) -> Expr:
    return Op("==", (left, Const(value)))


def ends(**values: int) -> Expr:
    """Return the condition that registers (``P0_a``) and words (``x``) end with those values."""

    def looks(name: str) -> Expr:
        cpu, _, register = name.partition("_")
        return Reg(register, cpu) if register else Read(Place(cpu))

    each = [equal(looks(name), value) for name, value in values.items()]
    return reduce(lambda left, right: Op("and", (left, right)), each)


A, B, C = Load("a", X), Load("b", Y), Load("c", X)
X1, X2, Y1, Y2 = store(X, 1), store(X, 2), store(Y, 1), store(Y, 2)
MB = Fence()
ADD_X, ADD_Y = Update("a", X, "+", Const(0)), Update("b", Y, "+", Const(0))

CLASSICAL: dict[str, tuple[Program, tuple[int, int], tuple[int, int]]] = {
    "SB": (protocol((X1, B), (Y1, A), exists=ends(P0_b=0, P1_a=0)), (0, 3), (1, 3)),
    "SB+mfences": (
        protocol((X1, MB, B), (Y1, MB, A), exists=ends(P0_b=0, P1_a=0)), (0, 3), (0, 3)),
    "SB+mfence+po": (
        protocol((X1, MB, B), (Y1, A), exists=ends(P0_b=0, P1_a=0)), (0, 3), (1, 3)),
    "SB+xchgs": (
        protocol((exchange(X, 1), B), (exchange(Y, 1), A), exists=ends(P0_b=0, P1_a=0)),
        (0, 3), (0, 3)),
    "SB+xadds": (
        protocol((X1, ADD_Y), (Y1, ADD_X), exists=ends(P0_b=0, P1_a=0)), (0, 3), (0, 3)),
    "SB+rfi-pos": (
        protocol((X1, A, B), (Y1, B, A), exists=ends(P0_a=1, P0_b=0, P1_b=1, P1_a=0)),
        (0, 3), (1, 3)),
    "MP": (protocol((X1, Y1), (B, A), exists=ends(P1_b=1, P1_a=0)), (0, 3), (0, 3)),
    "LB": (protocol((A, Y1), (B, X1), exists=ends(P0_a=1, P1_b=1)), (0, 3), (0, 3)),
    "S": (protocol((X2, Y1), (B, X1), exists=ends(P1_b=1, x=2)), (0, 3), (0, 3)),
    "R": (protocol((X1, Y1), (Y2, A), exists=ends(P1_a=0, y=2)), (0, 3), (1, 3)),
    "R+po+mfence": (protocol((X1, Y1), (Y2, MB, A), exists=ends(P1_a=0, y=2)), (0, 3), (0, 3)),
    "2+2W": (protocol((X2, Y1), (Y2, X1), exists=ends(x=2, y=2)), (0, 3), (0, 3)),
    "IRIW": (
        protocol((X1,), (Y1,), (A, B), (B, A), exists=ends(P2_a=1, P2_b=0, P3_b=1, P3_a=0)),
        (0, 15), (0, 15)),
    "CoRR": (protocol((X1,), (A, C), exists=ends(P1_a=1, P1_c=0)), (0, 3), (0, 3)),
    "n4b": (protocol((A, X1), (A, X2), exists=ends(P0_a=2, P1_a=1)), (0, 4), (0, 4)),
    "n5": (protocol((X1, A), (X2, A), exists=ends(P0_a=2, P1_a=1)), (0, 4), (0, 4)),
    "n6": (
        protocol((X1, A, B), (Y2, X2), exists=ends(P0_a=1, P0_b=0, x=1)), (0, 4), (1, 4)),
}  # fmt: skip
"""Each with the executions that do and do not end as asked: first under SC, then under x86-TSO."""
