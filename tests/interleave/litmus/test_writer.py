"""Protocols as litmus files: what is written means the same when it is read."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.litmus.answer import reader
from mmuspec.interleave.litmus.compile import Column
from mmuspec.interleave.litmus.locations import Register
from mmuspec.interleave.litmus.writer import write_litmus
from mmuspec.interleave.litmus.x86 import read_x86
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    Check,
    Fence,
    GiveUp,
    Load,
    Lock,
    Note,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import (
    Always,
    Final,
    Instruction,
    Memory,
    Program,
    Quantifier,
    Thread,
)
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.programs import Kinds, programs

STRAIGHT = Kinds(
    loops=False, ghosts=False, waits=False, claims=False, properties=False, symmetric=False
)


X, Y = Word("x", 32), Word("y", 32)


def program(*codes, words=(X, Y), finals=(), always=()):
    threads = tuple(
        Thread(f"cpu{number}", tuple(map(Instruction, code))) for number, code in enumerate(codes)
    )
    return Program("a test", words, threads, finals, always)


def asked(original: Program) -> Program:
    """Return *original* with a question that keeps all registers of its code."""
    total: Expr = Const(1)
    for thread in original.threads:
        for name in Column(original, thread).names:
            total = Op("or", (total, Reg(name, thread.name)))
    return replace(original, finals=(Final(Quantifier.FORALL, total, "all"),), always=())


def ends(original: Program, memory: Memory) -> set[tuple[tuple[str, int], ...]]:
    """Return the final states: words, and registers by the names that assembly gives them."""
    names = {
        (number, register): Reg(name, thread.name)
        for number, thread in enumerate(original.threads)
        for name, register in Column(original, thread).names.items()
    }
    found = set()
    for state in explore(original, memory, all_states=True).finals:
        value = reader(original, state)
        shown = {f"{cpu}:{name}": value(reg) for (cpu, name), reg in names.items()}
        shown |= {word.name: value(Read(Place(word.name))) for word in original.words}
        found.add(tuple(sorted(shown.items())))
    return found


def read_back(text: str, memory: Memory) -> set[tuple[tuple[str, int], ...]]:
    """Return the final states of the observed places of a litmus file."""
    litmus = read_x86(text)
    found = set()
    for state in explore(litmus.program, memory, all_states=True).finals:
        value = reader(litmus.program, state)
        shown = {
            str(o.location) if isinstance(o.location, Register) else o.location.cell: value(o.value)
            for o in litmus.observed
        }
        found.add(tuple(sorted(shown.items())))
    return found


@given(programs(STRAIGHT, max_accesses=5, max_cpus=2))
@settings(max_examples=60, deadline=None)
def test_what_is_written_ends_like_what_was_meant(original):
    try:
        original = asked(original)
        text = write_litmus(original)
    except NotModelledError:
        assume(False)
    for memory in Memory:
        assert read_back(text, memory) == ends(original, memory)


def test_store_buffering():
    code = [Store(Place("x"), Const(1)), Fence(), Load("r", Place("y"))]
    other = [Store(Place("y"), Const(1)), Barrier("smp_mb"), Load("rbx", Place("x"))]
    zero = [Op("==", (Reg("r", "cpu0"), Const(0))), Op("==", (Reg("rbx", "cpu1"), Const(0)))]
    final = Final(Quantifier.EXISTS, Op("and", (*zero,)), "both")
    assert (
        write_litmus(program(code, other, finals=(final,)))
        == """\
X86_64 a-test
{
 uint32_t x=0;
 uint32_t y=0;
 uint64_t 0:rbx;
 uint64_t 1:rbx;
}
 P0            | P1            ;
 movl $1,(x)   | movl $1,(y)   ;
 mfence        | movl (x),%ebx ;
 movl (y),%ebx |               ;
locations [ x; y; 0:rbx; 1:rbx; ]
exists (0:rbx=0 /\\ 1:rbx=0)
"""
    )


def test_a_lock_is_a_loop():
    code = [Lock("x"), Load("r", Place("y")), Store(Place("y"), Op("+", (Reg("r"), Const(1))))]
    code.append(Unlock("x"))
    original = asked(program(code, code))
    text = write_litmus(original)
    assert "A0_1:" in text
    assert "jne A1_1" in text
    for memory in Memory:
        assert read_back(text, memory) == ends(original, memory)


def test_the_upper_half_is_reached_through_an_address():
    wide = (Word("x", 64),)
    code = [Store(Place("x", Part.HIGH), Const(5)), Load("r", Place("x"))]
    text = write_litmus(program(code, words=wide))
    assert " 0:r15=x;" in text
    assert "movl $5,4(%r15)" in text
    assert read_back(text, Memory.TSO) == {(("0:rbx", 5 << 32), ("x", 5 << 32))}


@pytest.mark.parametrize("operator", ["=", "+", "-", "&", "|", "^"])
@pytest.mark.parametrize("register", ["r", None])
def test_updates(operator, register):
    code = [Update(register, Place("x"), operator, Const(6))]
    original = asked(program(code, code, words=(Word("x", 32, 5),)))
    assert read_back(write_litmus(original), Memory.TSO) == ends(original, Memory.TSO)


@pytest.mark.parametrize(
    ("bad", "construct"),
    [
        (program([WaitUntil(Read(Place("x")))]), "WaitUntil"),
        (program([GiveUp()]), "GiveUp"),
        (program([Check(Const(1), "claim")]), "Check"),
        (program([Note("g", Const(1))], words=(Word("g", ghost=True),)), "the ghost g"),
        (program([Fence()], words=(Word("rax"),)), "a word of the name 'rax'"),
        (program([Fence()], words=(Word("a b"),)), "a word of the name 'a b'"),
        (program([Fence()], always=(Always(Const(1), "claim"),)), "a claim about every state"),
        (program([Assign("r", Op("*", (Reg("r"), Reg("r"))))]), "the operator *"),
        (program([Assign(f"a{n}", Const(1)) for n in range(20)]), "the 20 registers of cpu0"),
        (
            program(
                [Fence()],
                finals=(Final(Quantifier.FORALL, Op("<", (Read(Place("x")), Const(2))), "less"),),
            ),
            "a question but for the value of a place",
        ),
    ],
)
def test_what_assembly_cannot_say(bad, construct):
    with pytest.raises(NotModelledError) as caught:
        write_litmus(bad)
    assert caught.value.construct == f"{construct}, as x86-64 assembly"
