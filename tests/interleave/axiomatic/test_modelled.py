import pytest

from mmuspec.interleave.axiomatic import executions
from mmuspec.interleave.axiomatic.modelled import check
from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.expressions import Const, Reg
from mmuspec.interleave.operations import Jump, JumpUnless, Load
from mmuspec.interleave.program import Instruction, Program, Source, Thread
from mmuspec.interleave.words import Word
from tests.interleave.shapes import X1, A, X, protocol


def test_a_loop_is_not_modelled_and_it_is_told_where_it_is() -> None:
    code = (
        Instruction(Load("a", X)),
        Instruction(JumpUnless(Reg("a"), 0), Source("spin.py", 7, 5)),
    )
    program = Program("spin", (Word("x", 32),), (Thread("waiter", code),))
    with pytest.raises(NotModelledError) as error:
        next(executions(program))
    assert str(error.value) == (
        "spin.py:7:5: not modelled: the loop of waiter in an axiomatic check"
    )


def test_a_ghost_is_not_modelled() -> None:
    with pytest.raises(NotModelledError, match="the ghost g in an axiomatic check"):
        next(executions(protocol((X1,), words=(Word("x", 32), Word("g", ghost=True)))))


def test_a_jump_back_that_is_no_loop_is_modelled() -> None:
    # As compilers lay code out: 0 -> 3 -> 1 -> end.
    check(protocol((Jump(3), A, Jump(5), X1, Jump(1))))


def test_a_loop_that_no_condition_leaves_is_found_too() -> None:
    with pytest.raises(NotModelledError):
        check(protocol((A, JumpUnless(Const(0), 3), X1, Jump(0))))
