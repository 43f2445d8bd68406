"""Tables as people draw them."""

import pytest

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.operations import Load, Store, Update
from mmuspec.interleave.program import Always, Final, Memory, Program, Quantifier
from mmuspec.interleave.readers.table import read_table
from mmuspec.interleave.words import Part, Place, Word

SB = """
SB

initially: x = 0; y = 0

CPU0                CPU1
x = 1;              y = 1
r1 = READ_ONCE(y)   r1 = x;

exists (CPU0:r1 == 0 && CPU1:r1 == 0)
"""


def codes(program: Program) -> list[list[object]]:
    return [[each.operation for each in thread.code] for thread in program.threads]


X, Y = Place("x"), Place("y")
SB_CODE = [[Store(X, Const(1)), Load("r1", Y)], [Store(Y, Const(1)), Load("r1", X)]]


def test_a_table() -> None:
    table = read_table(SB, "mail.txt")
    program = table.program
    assert program.name == "SB"
    assert program.words == (Word("x"), Word("y"))
    assert [thread.name for thread in program.threads] == ["CPU0", "CPU1"]
    assert codes(program) == SB_CODE
    assert table.drawn_order == ((0, 0), (1, 0), (0, 1), (1, 1))
    assert str(program.threads[1].code[1].source) == "mail.txt:8:26"
    assert explore(program, Memory.TSO).found == program.finals[0].text
    assert explore(program, Memory.SC).found is None


@pytest.mark.parametrize(
    "text",
    [
        SB,
        "\n".join("> " + line for line in SB.split("\n")),
        SB.replace("    ", "\t"),
        "CPU 0:   CPU 1:\n------   ------\nx = 1\n         y = 1\nr1 = y\n         r1 = x\n",
        "P0 | P1\nx = 1; r1 = y; | y = 1; r1 = x;",
        "P0 P1\nx = 1;    y = 1;\nr1 = y;   r1 = x;",
        "vcpu A       vcpu B\n1.  x = 1;\n2.           y = 1;\n3.  r1 = y;\n4.           r1 = x;\n",
        " #  CPU0     CPU1\n 1  x = 1;\n 2           y = 1;\n10  r1 = y;\n 9           r1 = x;",
        """
+---------------------+---------------------+
| CPU 0:              | CPU 1:              |
+---------------------+---------------------+
| It stores first::   | ::                  |
|                     |                     |
|     x = 1;          |     y = 1;          |
+---------------------+---------------------+
| r1 = y;             | OOPS!!!             |
|                     | r1 =                |
|                     |    x;               |
+---------------------+---------------------+
""",
        """
       CPU0                       CPU1
    x = 1;  /* waits */
    // and now
    r1 = y;                    y = 1;
                               The other one reads late.
                               r1 = x;
""",
        "CPU0 │ CPU1\n─────┼─────\nx = 1│ y = 1\nr1 = y │ r1 = x",
    ],
)
def test_forms_of_the_same_table(text: str) -> None:
    program = read_table(text).program
    assert codes(program) == SB_CODE
    assert {word.name for word in program.words} == {"x", "y"}


def test_declared_words_are_all_words() -> None:
    text = """
name: halves
u64 spte = 0xa11110001;
u32 n; ghost u64 seen = 2;
CPU1:a = 7;

CPU0                CPU1
a = spte.high;      a = a + n;
"""
    program = read_table(text).program
    assert program.name == "halves"
    assert program.words == (
        Word("spte", 64, 0xA11110001),
        Word("n", 32),
        Word("seen", 64, 2, ghost=True),
    )
    assert program.threads[1].registers == (("a", 7),)
    assert codes(program)[0] == [Load("a", Place("spte", Part.HIGH))]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("x = 1;  |  x = 2;", {"x"}),
        ("old = xchg(&x, 1);  |  old = xchg(&x, 2);", {"x"}),
        ("spin_lock(l); a = 1; | a = 2;", {"l", "a"}),
        ("vcpu->mode = 1; | r1 = vcpu->mode;", {"vcpu.mode"}),
        ("r1 = 1; y = r1; | r1 = y;", {"y"}),
        ("old = *sptep; new = old | 2; | *sptep = 0;", {"sptep"}),
        ("int flag = x; y = flag; | flag = y; x = 1;", {"x", "y"}),
        ("wait_until(go == 1); | z = 1;", {"go"}),
    ],
)
def test_which_names_are_words(rows: str, words: set[str]) -> None:
    program = read_table(f"CPU0 | CPU1\n{rows}").program
    assert set(program.word) == words


def test_constants_and_places_of_the_kernel() -> None:
    text = """
#define W 2
spte = 0x10 | W
CPU0 | CPU1
r1 = cmpxchg(&spte, W, W | 1); | xchg(&spte->low, 0)
"""
    program = read_table(text).program
    assert Word("spte", 64, 0x12) in program.words
    assert codes(program)[1] == [Update(None, Place("spte", Part.LOW), "=", Const(0))]


def test_a_statement_may_continue_below() -> None:
    text = "CPU0 | CPU1\nif (x == 1 && | x = y\n y == 2) |\n  y = 3; |\nelse | \n y = 4"
    assert [len(thread.code) for thread in read_table(text).program.threads] == [7, 2]


def test_claims() -> None:
    text = """
u64 x; u64 y;
CPU 0 | reader
r1 = x; | x = 1;

exists (0:r1=1 /\\ ~(x=0))
~exists (CPU 0:r1 == 2)
forall (x != y || reader:b < -1,
        "W-1: never "
        "both")
always (x.low & 1 == 1)
"""
    program = read_table(text).program
    r1, x = Reg("r1", "CPU 0"), Read(Place("x"))
    one = Op("==", (r1, Const(1)))
    no = Op("not", (Op("==", (x, Const(0))),))
    either = Op(
        "or",
        (Op("!=", (x, Read(Place("y")))), Op("<", (Reg("b", "reader"), Const(-1)))),
    )
    low = Op("&", (Read(Place("x", Part.LOW)), Op("==", (Const(1), Const(1)))))
    assert program.finals == (
        Final(Quantifier.EXISTS, Op("and", (one, no)), "exists (0:r1=1 /\\ ~(x=0))"),
        Final(Quantifier.NOT_EXISTS, Op("==", (r1, Const(2))), "~exists (CPU 0:r1 == 2)"),
        Final(Quantifier.FORALL, either, "W-1: never both"),
    )
    assert program.always == (Always(low, "always (x.low & 1 == 1)"),)


def test_a_register_of_one_cpu_needs_no_cpu_in_a_claim() -> None:
    program = read_table("CPU0  CPU1\nr1 = x   x = 1\nexists (r1 == 1)").program
    assert program.finals[0].condition == Op("==", (Reg("r1", "CPU0"), Const(1)))


def test_lines_have_labels() -> None:
    program = read_table("CPU0 | CPU1\nx = 1; /* LW3: first */ | r1 = x;").program
    assert [each.source.label for each in program.threads[0].code] == ["LW3"]
    assert [each.source.label for each in program.threads[1].code] == [""]


def test_grace_periods() -> None:
    text = """
u64 x; u64 y;
CPU0               | CPU1
x = 1;             | rcu_read_lock();
synchronize_rcu(); | y = 1;
r1 = y;            | r1 = x;
                   | rcu_read_unlock();
exists (0:r1=0 /\\ 1:r1=0)
"""
    assert explore(read_table(text).program, Memory.TSO).found is None
    broken = text.replace("synchronize_rcu();", "smp_mb();         ")
    assert explore(read_table(broken).program, Memory.TSO).found is not None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "1:1: expected a line that names the CPUs, such as 'CPU0  CPU1'"),
        ("x = 1\ny = 2", "1:1: expected a line that names the CPUs, such as 'CPU0  CPU1'"),
        ("CPU0 | CPU1\nx = 1 | y | 2", "2:11: expected 2 cells with | between them, as in line 1"),
        (
            "CPU0  CPU1\nthe first store\nx = 1",
            "2:1: expected a C statement, or prose that ends with '.', ':' or '!'; "
            "found 'the first store'",
        ),
        ("CPU0  CPU1\nx = = 1", "2:5: expected a C statement, found '='"),
        ("u32 x = W;\nP0 P1\n", "1:9: expected a number; a line '#define W 1' would make W one"),
        ("u32 x; y ;z z\nP0 P1\n", "1:11: expected a first value such as 'x = 0', found 'z z'"),
        ("u32 x = 0x1ffffffff;\nP0 P1\n", "1:1: x has 32 bits, which is too few for 0x1ffffffff"),
        ("P0 | P1\nx = 1 | \nexists (y = 1)", "3:9: there is no word y"),
        ("P0 | P1\nx = 1 | \nexists (5:y = 1)", "3:9: there is no CPU 5 with a register y"),
        ("P0 | P1\nx = 1 | \nexists (x = 1", "3:14: expected ')' or an operator, found the end"),
        (
            "P0 | P1\nx = 1 | \nforall (x =)",
            "3:12: expected a word, a register such as CPU0:r1, or a number, found ')'",
        ),
    ],
)
def test_errors_point_at_the_place(text: str, error: str) -> None:
    with pytest.raises(ProgramError) as caught:
        read_table(text, "t")
    assert str(caught.value) == f"t:{error}"
