"""All that can be wrong with a protocol, and what is said of it."""

from dataclasses import replace

import pytest

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.operations import (
    Assign,
    Check,
    CompareExchange,
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
from mmuspec.interleave.program import (
    Always,
    Final,
    Instruction,
    Program,
    Quantifier,
    Source,
    Thread,
)
from mmuspec.interleave.validate import problems, validate
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.shapes import CLASSICAL, A, X

WORDS = (Word("x", 64), Word("n", 32), Word("g", ghost=True))
G, N = Place("g"), Place("n")
HERE = Source("split.py", 12, 9)


def program(*operations: Operation, words: tuple[Word, ...] = WORDS) -> Program:
    code = tuple(Instruction(operation, HERE) for operation in operations)
    return Program("test", words, (Thread("writer", code),))


def message(wrong: Program) -> str:
    """Return what `validate` says; it is the only thing that is wrong."""
    with pytest.raises(ProgramError) as error:
        validate(wrong)
    assert len(list(problems(wrong))) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("operation", "text"),
    [
        (Load("a", Place("w")), "no word w; the words are: x, n, g"),
        (Lock("w"), "no word w; the words are: x, n, g"),
        (WaitUntil(Read(Place("w"))), "no word w; the words are: x, n, g"),
        (Load("a", Place("n", Part.LOW)), "n.low: only a 64-bit word has halves"),
        (WaitUntil(Read(Place("n", Part.HIGH))), "n.high: only a 64-bit word has halves"),
        (Load("a", G), "g is a ghost: no access reaches it"),
        (Store(G, Const(1)), "g is a ghost: no access reaches it"),
        (Update("a", G, "+", Const(1)), "g is a ghost: no access reaches it"),
        (CompareExchange("a", G, Const(1), Const(1)), "g is a ghost: no access reaches it"),
        (Lock("g"), "g is a ghost: no access reaches it"),
        (Unlock("g"), "g is a ghost: no access reaches it"),
        (Note("x", Const(1)), "x is no ghost: it is written by a store"),
        (Note("w", Const(1)), "w is no ghost: it is written by a store"),
        (Update("a", X, "*", Const(1)), "a locked update is one of = + - & | ^, not '*'"),
        (Jump(2), "a jump to 2, where no code is"),
        (Jump(-1), "a jump to -1, where no code is"),
        (JumpUnless(Reg("a"), 2), "a jump to 2, where no code is"),
        (Assign("a", Read(X)), "x is shared: it is read by a load, not within an expression"),
        (
            Check(Op("not", (Read(Place("x", Part.LOW)),)), "claim"),
            "x.low is shared: it is read by a load, not within an expression",
        ),
        (Jump(0), "writer can loop here without any access"),
    ],
)
def test_a_wrong_operation(operation: Operation, text: str) -> None:
    assert message(program(operation)) == f"split.py:12:9: {text}"


def test_an_operator_that_does_not_exist() -> None:
    text = message(program(Assign("a", Op("+", (Const(1), Op("/", (Const(1), Const(2))))))))
    assert text.startswith("split.py:12:9: no operator '/'; there are + - * & |")


@pytest.mark.parametrize(
    "operation",
    [
        Assign("a", Read(G)),
        Check(Op("==", (Read(G), Const(0))), "claim"),
        Store(X, Read(G)),
        WaitUntil(Op("==", (Read(G), Read(Place("x", Part.HIGH))))),
        Note("g", Reg("a")),
        Jump(1),
        Unlock("n"),
    ],
)
def test_what_is_allowed(operation: Operation) -> None:
    allowed = program(operation)
    assert validate(allowed) is allowed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((Word("x", 16),), "x has 16 bits; a word has 32 or 64"),
        ((Word("x", 32, 1 << 32),), "x has no room for its first value 0x100000000"),
        ((Word("x", 64, -1),), "x has no room for its first value -0x1"),
        ((Word("x"), Word("x", 32)), "there are two words named x"),
    ],
)
def test_wrong_words(words: tuple[Word, ...], text: str) -> None:
    assert message(program(A, words=words)) == text


def test_without_words() -> None:
    assert message(program(A, words=())) == "split.py:12:9: no word x; the words are: none"


def test_cpus() -> None:
    assert message(Program("test", WORDS, ())) == "a protocol needs at least one CPU"
    twice = replace(program(A), threads=program(A).threads * 2)
    assert message(twice) == "there are two CPUs named writer"


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Reg("a"), "no CPU (none named) with a register a"),
        (Reg("a", "reader"), "no CPU reader with a register a"),
        (Read(Place("w")), "no word w; the words are: x, n, g"),
        (Read(Place("n", Part.LOW)), "n.low: only a 64-bit word has halves"),
    ],
)
def test_wrong_properties(condition: Expr, text: str) -> None:
    claimed = replace(program(A), always=(Always(condition, "FPF-A: no W"),))
    assert message(claimed) == f"FPF-A: no W: {text}"
    asked = replace(program(A), finals=(Final(Quantifier.EXISTS, condition),))
    assert message(asked) == f"the condition: {text}"


def test_an_operator_of_a_property() -> None:
    asked = replace(program(A), finals=(Final(Quantifier.EXISTS, Op("%", (Const(1), Const(1)))),))
    assert message(asked).startswith("the condition: no operator '%'; there are + -")


def test_the_first_problem_is_told() -> None:
    wrong = program(Load("a", Place("w")), Jump(7))
    with pytest.raises(ProgramError, match="no word w") as error:
        validate(wrong)
    assert (error.value.source, len(list(problems(wrong)))) == (HERE, 2)


@pytest.mark.parametrize(
    ("code", "endless"),
    [
        ((Jump(0),), {0}),
        ((Assign("a", Const(1)), JumpUnless(Reg("a"), 0)), {0, 1}),
        ((A, Assign("b", Const(1)), JumpUnless(Reg("b"), 1)), {1, 2}),
        ((A, JumpUnless(Reg("a"), 0)), set()),
        ((JumpUnless(Reg("a"), 2), A, Assign("b", Const(1)), Jump(4)), set()),
        ((Jump(2), Jump(3), Jump(1)), set()),
    ],
)
def test_a_loop_needs_an_access(code: tuple[Operation, ...], endless: set[int]) -> None:
    found = [text for _, text in problems(program(*code))]
    assert found == ["writer can loop here without any access"] * len(endless)


def test_where_nobody_wrote_anything_no_place_is_named() -> None:
    assert str(ProgramError(Source(), "wrong")) == "wrong"
    assert str(ProgramError(HERE, "wrong")) == "split.py:12:9: wrong"
    error = NotModelledError(HERE, "a lock word")
    assert (str(error), error.construct) == (
        "split.py:12:9: not modelled: a lock word", "a lock word"
    )  # fmt: skip


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_classical_ones_are_right(name: str) -> None:
    assert list(problems(CLASSICAL[name][0])) == []


def early(*codes: tuple[Operation, ...]) -> list[str]:
    threads = tuple(
        Thread(f"P{number}", tuple(Instruction(operation, HERE) for operation in code))
        for number, code in enumerate(codes)
    )
    return [text for _, text in problems(Program("test", WORDS, threads))]


def test_a_race_of_ghosts_before_the_first_accesses_is_refused() -> None:
    note, look = Note("g", Const(1)), Check(Op("==", (Read(G), Const(0))), "g is 0")
    text = "P0 writes the ghost g and P1 uses it, both before their first access"
    assert [found[: len(text)] for found in early((note, A), (look, A))] == [text]
    assert len(early((note, A), (note, A))) == 2
    assert early((note, look, A), (A, note)) == []
    assert early((A, note), (look, A)) == []
    assert early((look, A), (look, A)) == []


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (Op("+", (Const(1),)), "+ takes 2, not 1 operands"),
        (Op("not", (Const(1), Const(2))), "not takes 1, not 2 operands"),
        (Op("and", (Const(1),) * 3), "and takes 2, not 3 operands"),
    ],
)
def test_an_operator_has_its_operands(expr: Expr, expected: str) -> None:
    assert expected in message(program(Assign("a", expr), A))


@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_a_register_begins_with_64_bits(value: int) -> None:
    wrong = Program("test", WORDS, (Thread("P0", (), (("a", value),)),))
    assert "register a has no room" in message(wrong)
