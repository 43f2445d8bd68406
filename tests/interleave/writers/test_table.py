"""What is printed as a table is read back as the same protocol."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from mmuspec.interleave.catalogue import protocols
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, Op, Reg
from mmuspec.interleave.operations import (
    Check,
    CompareExchange,
    Fence,
    Jump,
    JumpUnless,
    Load,
    Store,
    Update,
)
from mmuspec.interleave.program import Final, Instruction, Program, Quantifier, Thread
from mmuspec.interleave.readers.table import read_table
from mmuspec.interleave.words import Part, Place, Word
from mmuspec.interleave.writers.table import WIDTH, write_table
from mmuspec.interleave.writers.wrap import wrapped
from tests.interleave.programs import programs


@settings(max_examples=80)
@given(programs())
def test_print_then_parse_is_the_identity(program: Program) -> None:
    text = write_table(program)
    assert read_table(text).program == program
    assert all(len(line) <= WIDTH for line in text.split("\n"))


@pytest.mark.parametrize("name", sorted(protocols()))
def test_the_protocols_of_the_book_can_be_drawn(name: str) -> None:
    program = protocols()[name]()
    assert read_table(write_table(program)).program == program


def thread(name: str, *operations: object) -> Thread:
    return Thread(name, tuple(Instruction(operation) for operation in operations))


CLEAR = Program(
    "clear",
    (Word("spte", 64, 0xA_1111_0001), Word("n", 32)),
    (
        thread("VCPU 0", Load("low", Place("spte", Part.LOW)), JumpUnless(Reg("low"), 3), Fence()),
        thread(
            "writer",
            Update("old", Place("spte", Part.LOW), "=", Const(0)),
            Store(Place("spte", Part.HIGH), Const(0)),
            CompareExchange(None, Place("n"), Const(0), Const(1)),
        ),
    ),
    (
        Final(
            Quantifier.FORALL,
            Op("or", (Op("==", (Reg("low", "VCPU 0"), Const(0))), Reg("old", "writer"))),
            "an example: what is claimed, in a sentence that is long enough to need two lines",
        ),
    ),
)


def test_a_table() -> None:
    assert (
        write_table(CLEAR)
        == """name: clear

u64 spte = 0xa11110001;
u32 n;

VCPU 0                     | writer
---------------------------+--------------------------
low = READ_ONCE(spte.low); | old = xchg(&spte.low, 0);
if (!(low)) goto L3;       | spte.high = 0;
smp_mb();                  | cmpxchg(&n, 0, 1);
L3: ;                      |

forall (VCPU 0:low == 0 || writer:old,
  "an example: what is claimed, in a sentence that is long enough to need "
  "two lines")
"""
    )


def test_it_is_read_back() -> None:
    assert read_table(write_table(CLEAR)).program == CLEAR


def test_long_statements_wrap() -> None:
    check = Check(
        Op("and", (Op("==", (Reg("first"), Const(2**63))), Op("not", (Reg("second"),)))),
        'the "quoted" text of a claim that is longer than one of three columns can be',
    )
    wide = Program("wide", (Word("x"),), tuple(thread(f"CPU{n}", check) for n in range(3)))
    text = write_table(wide)
    assert all(len(line) <= WIDTH for line in text.split("\n"))
    assert read_table(text).program == wide


@pytest.mark.parametrize("width", range(18, 60))
def test_lines_are_as_long_as_they_may_be(width: int) -> None:
    text = 'if (!(first == 1 && (second & 2) != 0)) goto L3; assert(r1, "some words to say");'
    lines = wrapped(text, width)
    assert all(len(line) <= width for line in lines)
    joined = " ".join(line.strip() for line in lines)
    assert joined.replace('" "', "").replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (replace(CLEAR, words=(*CLEAR.words, Word("a b"))), "the name 'a b'"),
        (replace(CLEAR, words=(*CLEAR.words, Word("x.low"))), "the name 'x.low'"),
        (replace(CLEAR, words=(*CLEAR.words, Word("volatile"))), "the name 'volatile'"),
        (replace(CLEAR, words=(*CLEAR.words, Word("old"))), "both a word and a register named old"),
        (replace(CLEAR, threads=(thread("a:b", Fence()),)), "a CPU named 'a:b'"),
        (
            replace(CLEAR, threads=(thread("CPU0"), thread("cpu 0"))),
            "CPUs with nearly the same name",
        ),
        (
            replace(CLEAR, threads=(thread("P", Jump(2), Fence(), Fence()),)),
            "code of P that is never reached",
        ),
        (replace(CLEAR, name="two\nlines"), "the name 'two\\nlines'"),
    ],
)
def test_what_no_table_can_stand_for(program: Program, what: str) -> None:
    with pytest.raises(ProgramError) as caught:
        write_table(program)
    assert str(caught.value) == f"{what} cannot stand in a table"
