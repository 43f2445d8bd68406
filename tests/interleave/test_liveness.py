from dataclasses import replace

import pytest

from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.liveness import expressions, live, targets, written
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
from mmuspec.interleave.program import Always, Final, Memory, Program, Quantifier
from mmuspec.interleave.words import Place, Word
from tests.interleave.shapes import X1, Y1, A, B, X, Y, protocol

R, S = Reg("r"), Reg("s")

FACTS: list[tuple[Operation, tuple[object, ...], str | None, tuple[int, ...]]] = [
    (Load("a", X), (), "a", (6,)),
    (Store(X, R), (R,), None, (6,)),
    (Update("a", X, "+", R), (R,), "a", (6,)),
    (Update(None, X, "+", R), (R,), None, (6,)),
    (CompareExchange("a", X, R, S), (R, S), "a", (6,)),
    (Fence(), (), None, (6,)),
    (Lock("x"), (), None, (6,)),
    (Unlock("x"), (), None, (6,)),
    (WaitUntil(R), (R,), None, (6,)),
    (GiveUp(), (), None, ()),
    (Barrier("smp_wmb"), (), None, (6,)),
    (Assign("a", R), (R,), "a", (6,)),
    (Note("g", R), (R,), None, (6,)),
    (Jump(2), (), None, (2,)),
    (JumpUnless(R, 2), (R,), None, (6, 2)),
    (Check(R, "text"), (R,), None, (6,)),
]


@pytest.mark.parametrize(("operation", "reads", "writes", "goes"), FACTS)
def test_what_an_operation_looks_at_writes_and_leads_to(
    operation: Operation, reads: tuple[object, ...], writes: str | None, goes: tuple[int, ...]
) -> None:
    assert expressions(operation) == reads
    assert written(operation) == writes
    assert targets(operation, 5) == goes


def alive(program: Program, number: int = 0) -> list[str]:
    return ["".join(sorted(names)) for names in live(program, program.threads[number])]


def test_from_what_is_written_to_what_is_read() -> None:
    assert alive(protocol((A, B, Store(X, Reg("a")), Store(Y, Reg("b"))))) == [
        "", "a", "ab", "b", ""
    ]  # fmt: skip


def test_an_operand_that_receives_the_result_is_live_before() -> None:
    assert alive(protocol((Assign("a", Op("+", (Reg("a"), Const(1)))), A))) == ["a", "", ""]


def test_what_one_branch_needs_is_live_before_both() -> None:
    code = (B, JumpUnless(Reg("a"), 4), Store(X, Reg("b")), Jump(5), Store(X, Reg("c")))
    assert alive(protocol(code)) == ["ac", "abc", "b", "", "c", ""]


def test_what_the_next_round_needs_is_live_at_the_end_of_a_loop() -> None:
    code = (Store(X, Reg("a")), B, JumpUnless(Reg("b"), 0))
    assert alive(protocol(code)) == ["a", "a", "ab", ""]


def test_nothing_is_live_where_one_gives_up() -> None:
    assert alive(protocol((GiveUp(), Store(X, Reg("a"))))) == ["", "a", ""]


def test_questions_look_at_the_end_and_invariants_everywhere() -> None:
    program = protocol((A, B), (A, B))
    finals = (Final(Quantifier.FORALL, Op("+", (Reg("a", "P0"), Reg("b", "P1")))),)
    assert alive(replace(program, finals=finals)) == ["", "a", "a"]
    assert alive(replace(program, finals=finals), 1) == ["", "", "b"]
    always = (Always(Reg("b", "P0"), "claim"),)
    assert alive(replace(program, always=always)) == ["b", "b", "b"]


@pytest.mark.parametrize("memory", Memory)
def test_states_that_differ_in_a_dead_register_are_one(memory: Memory) -> None:
    def states(last: Operation) -> int:
        return explore(protocol((A, last), (X1,)), memory).states

    assert states(Y1) < states(Store(Y, Reg("a")))


def test_a_ghost_that_is_read_keeps_no_register() -> None:
    words = (Word("x", 32), Word("g", ghost=True))
    program = protocol((A, Note("g", Read(Place("g")))), words=words)
    assert alive(program) == ["", "", ""]
