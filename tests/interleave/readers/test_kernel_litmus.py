"""The kernel's C litmus files, judged as x86."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.litmus.answer import ask, block
from mmuspec.interleave.operations import Fence, Update, WaitUntil
from mmuspec.interleave.program import Memory
from mmuspec.interleave.readers.kernel_litmus import is_kernel_litmus, read_kernel_litmus
from mmuspec.interleave.readers.table import read_table

FILES = sorted((Path(__file__).parents[3] / "data" / "litmus" / "kernel").glob("*.litmus"))
HEAVY = "SB+grace+grace+section+section"

TEST = """C test

{{ {initial} }}

P0(int *x, int *y, atomic_t *a, int **p, spinlock_t *s, struct srcu_struct *d)
{{
{code}
}}

{asked}
"""


def outcome(code: str, asked: str, initial: str = "", memory: Memory = Memory.TSO) -> list[str]:
    """Return the result block of a test with one CPU, without its first and its last line."""
    test = read_kernel_litmus(TEST.format(code=code, asked=asked, initial=initial))
    return block(ask(test, memory)).split("\n")[1:-1]


def states(code: str, place: str, initial: str = "") -> list[str]:
    """Return how the final states show *place*."""
    lines = outcome(code, f"locations [{place};] forall true", initial)
    return lines[1 : lines.index("Ok")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_our_files_come_out_as_they_say(path: Path) -> None:
    test = read_kernel_litmus(path.read_text(), str(path))
    assert test.name == path.stem
    found = ask(test)
    assert found.observation == found.expected


def test_there_are_files() -> None:
    assert len(FILES) > 20


def test_under_sc_nothing_waits_in_a_buffer() -> None:
    (path,) = (path for path in FILES if path.stem == "SB+once")
    assert ask(read_kernel_litmus(path.read_text()), Memory.SC).observation == "Never"


@pytest.mark.parametrize(
    ("code", "place", "shown"),
    [
        ("int r0 = -1;", "0:r0", "0:r0=-1;"),
        ("int r0 = atomic_sub_return(3, a);", "0:r0", "0:r0=-2;"),
        ("int r0 = READ_ONCE(*x); if (r0 < 0) r0 = 7;", "0:r0", "0:r0=7;"),
        ("unsigned int r0 = READ_ONCE(*x);", "0:r0", "0:r0=4294967292;"),
        ("int *r0 = READ_ONCE(*p);", "0:r0", "0:r0=y;"),
        ("int *r0 = READ_ONCE(*p); WRITE_ONCE(*r0, 5);", "y", "[y]=5;"),
        ("WRITE_ONCE(**p, 5);", "y", "[y]=5;"),
        ("rcu_assign_pointer(*p, x); smp_store_release(*p, 6);", "x", "[x]=6;"),
        ("int r0 = (x == y) + 2 * (p != NULL);", "0:r0", "0:r0=2;"),
        ("(*x)++; *x += 2;", "x", "[x]=-1;"),
        ("int r0 = spin_trylock(s) + spin_trylock(s);", "0:r0", "0:r0=1;"),
        ("int r0 = srcu_read_lock(d); srcu_read_unlock(d, r0);", "0:r0", "0:r0=0;"),
        ("r3 = r2;", "0:r3", "0:r3=9;"),
    ],
)
def test_what_code_does(code: str, place: str, shown: str) -> None:
    first = "atomic_t a = ATOMIC_INIT(1); int *p=&y; x=-4; 0:r2=9;"
    assert states(code, place, first) == [shown]


def test_the_result_block_is_that_of_herd() -> None:
    lines = outcome(
        "int r0; r0 = READ_ONCE(*x); /* one */ // and two",
        "locations [x;]\nfilter (x=0)\nexists (0:r0=0 /\\ ~x=1)",
    )
    assert lines == [
        "States 1",
        "0:r0=0; [x]=0;",
        "Ok",
        "Witnesses",
        "Positive: 1 Negative: 0",
        "Condition exists (0:r0=0 /\\ not ([x]=1))",
        "Observation test Always 1 0",
    ]


def test_sections_cost_nothing_without_a_grace_period() -> None:
    code = "rcu_read_lock(); int r0 = READ_ONCE(*x); rcu_read_unlock();"
    test = read_kernel_litmus(TEST.format(code=code, asked="exists (0:r0=0)", initial=""))
    assert len(test.program.threads[0].code) == 1
    assert not any("rcu" in word for word in test.program.word)


def test_srcu_has_barriers_of_its_own() -> None:
    code = "int r0 = srcu_read_lock(d); srcu_read_unlock(d, r0);"
    test = read_kernel_litmus(TEST.format(code=code, asked="exists (0:r0=0)", initial=""))
    operations = [each.operation for each in test.program.threads[0].code]
    assert [op for op in operations if isinstance(op, Fence | Update | WaitUntil)] == [Fence()] * 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("X86 a\n{ }\nexists (x=1)", "1:1: expected a litmus file in C, found one for X86"),
        ("C a\n{ }\nexists (x=1)", "2:4: expected code, 'P0(int *x) {'"),
        ("C a\n{ }\nP1(int *x) { }\nexists (x=1)",
         "3:1: expected 'P0(int *x) {', or exists, ~exists or forall"),
        ("C a\n{ }\nP0(int x) { }\nexists (x=1)",
         "3:4: expected 'int *x' or the like, found 'int x'"),
        ("C a\n{ }\nP0(int *x) {\n *x = 1\n}\nexists (x=1)", "4:2: expected a C statement, "
         "found '*x = 1'; is a ';' missing?"),
        ("C a\n{ }\nP0(int *x) {\n", "3:12: this code has no end; expected '}'"),
        ("C a\n{ }\nP0(int *x)\n{ WRITE_ONCE(x, 1); }\nexists (x=1)", "4:14: expected *x, found x"),
        ("C a\n{ }\nP0(int *x) { int r0 = *z; }\nexists (x=1)",
         "3:24: nothing gives z a value here"),
    ],
)  # fmt: skip
def test_errors_point_at_the_place(text: str, error: str) -> None:
    with pytest.raises(ProgramError) as caught:
        read_kernel_litmus(text, "f")
    assert str(caught.value) == f"f:{error}"


@pytest.mark.parametrize(
    ("code", "construct"),
    [
        ("smp_memb();", "a call of smp_memb()"),
        ("call_rcu(x, y);", "a call of call_rcu()"),
        ("int r[2];", "the declaration of r[2]"),
        ("read_lock(s);", "a call of read_lock()"),
        ("int r0 = cmpxchg_local(x, 0, 1);", "a call of cmpxchg_local()"),
    ],
)
def test_what_is_not_modelled_is_named(code: str, construct: str) -> None:
    with pytest.raises(NotModelledError) as caught:
        read_kernel_litmus(TEST.format(code=code, asked="exists (x=1)", initial=""))
    assert caught.value.construct == construct
    assert caught.value.source.line == 7


def test_nested_sections_of_srcu_are_not_modelled() -> None:
    text = """C nested
{ }
P0(int *x, struct srcu_struct *d)
{
    int r0 = srcu_read_lock(d);
    int r1 = srcu_read_lock(d);
}
P1(int *x, struct srcu_struct *d) { synchronize_srcu(d); }
exists (x=1)
"""
    with pytest.raises(NotModelledError, match=r":6:14: .* another of the same domain"):
        read_kernel_litmus(text)


def test_how_such_a_file_is_known() -> None:
    assert is_kernel_litmus("C SB\n{ }")
    assert not is_kernel_litmus("X86 SB\n{ }")
    assert not is_kernel_litmus("CPU0 CPU1\n")


PIECES = [*"(){}[];:=&|*+-<>!~#/\\\"', \n\t.0179xyrP", "if", "else", "goto L;", "while (1)", "int "]
PIECES += [
    "READ_ONCE(",
    "atomic_inc(",
    "P0",
    "exists",
    "/*",
    "*/",
    "r1 = x ? 1 : 2;",
    "try_cmpxchg(",
]


@settings(max_examples=60)
@given(st.data())
def test_damaged_texts_are_never_taken_badly(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(FILES)).read_text()
    table = "u64 x;\n\nCPU0 | CPU1\n-----+-----\nx = 1 | r1 = x;\n\nexists (CPU1:r1 == 1)\n"
    for read, whole in ((read_kernel_litmus, text), (read_table, table)):
        at = data.draw(st.integers(0, len(whole)))
        gone = data.draw(st.sampled_from((0, 1, 3, 20)))
        damaged = whole[:at] + data.draw(st.sampled_from(PIECES)) + whole[at + gone :]
        with suppress(ProgramError):
            read(damaged, "f")
