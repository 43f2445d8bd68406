"""Models in Promela against the explorer, and what the writer knows of values."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mmuspec.interleave.catalogue import find, protocols
from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.explore import Search, explore
from mmuspec.interleave.expressions import OPERATORS, Const, Expr, Op, Read, Reg, evaluate
from mmuspec.interleave.operations import (
    Assign,
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
from mmuspec.interleave.program import (
    Always,
    Final,
    Instruction,
    Memory,
    Program,
    Quantifier,
    Thread,
)
from mmuspec.interleave.promela import write_promela
from mmuspec.interleave.promela.analysis import Analysis
from mmuspec.interleave.promela.buffers import most_waiting
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.validate import validate
from mmuspec.interleave.words import HALF, Part, Place, Word
from tests.interleave.programs import programs

needs_spin = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None,
    reason="Spin needs spin and gcc installed",
)
BOTH = pytest.mark.parametrize("memory", Memory)


def cpu(name: str, *operations: Operation, **registers: int) -> Thread:
    return Thread(name, tuple(map(Instruction, operations)), tuple(registers.items()))


def is_(left: Expr, right: int) -> Expr:
    return Op("==", (left, Const(right)))


def both(*conditions: Expr) -> Expr:
    return Op("and", conditions)


def spin(program: Program, memory: Memory, folder: Path) -> tuple[int, bool]:
    """Return how many states Spin counts, and whether it finds something."""
    (folder / "model.pml").write_text(write_promela(program, memory))
    for command in (
        ["spin", "-a", "-o1", "-o2", "-o3", "model.pml"],
        ["gcc", "-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"],
    ):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    command = ["./pan", "-m100000", "-w18", "-c0"]
    printed = subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout
    found = re.search(r"errors: (\d+)\s+(\d+) states, stored", printed)
    assert found, printed
    assert "too small" not in printed
    assert "_waiting<" not in printed
    return int(found[2]), found[1] != "0"


def agree(program: Program, memory: Memory, folder: Path) -> None:
    answer = explore(program, memory, all_states=True)
    assert spin(program, memory, folder) == (answer.states, answer.found is not None)


X, Y = Place("x"), Place("y")
LOW, HIGH = Place("spte", Part.LOW), Place("spte", Part.HIGH)
NARROW = (Word("x", 32), Word("y", 32))
BIG = 0xA_1111_0001

STORE_BUFFERING = Program(
    "SB",
    NARROW,
    (cpu("P0", Store(X, Const(1)), Load("r", Y)), cpu("P1", Store(Y, Const(1)), Load("r", X))),
    (Final(Quantifier.EXISTS, both(is_(Reg("r", "P0"), 0), is_(Reg("r", "P1"), 0)), "both 0"),),
)

MESSAGE_PASSING = Program(
    "MP */ with a name that ends a comment",
    (Word("goto", 64), Word("x1f", 32)),
    (
        cpu("int", Store(Place("goto"), Const(BIG)), Store(Place("x1f"), Const(1))),
        cpu("judge", Load("while", Place("x1f")), Load("value", Place("goto"))),
    ),
    (
        Final(
            Quantifier.NOT_EXISTS,
            both(is_(Reg("while", "judge"), 1), is_(Reg("value", "judge"), 0)),
            "the flag without the data",
        ),
    ),
)

LOCKS = Program(
    "lock",
    (Word("lock", 32), Word("x", 32), Word("y", 32)),
    tuple(
        cpu(
            name,
            Lock("lock"),
            Load("r", X),
            Store(X, Op("+", (Reg("r"), Const(1)))),
            Unlock("lock"),
            Lock(other),
            Unlock(other),
        )
        for name, other in (("P0", "lock"), ("P1", "y"))
    ),
    (Final(Quantifier.FORALL, is_(Read(X), 2), "both count"),),
)

DEADLOCK = Program(
    "deadlock",
    (Word("a", 32), Word("b", 32)),
    (
        cpu("P0", Lock("a"), Lock("b"), Unlock("b"), Unlock("a")),
        cpu("P1", Lock("b"), Lock("a"), Unlock("a"), Unlock("b")),
    ),
)

TORN = Program(
    "split spte",
    (Word("spte", 64, BIG), Word("reads", 64, 0, ghost=True)),
    (
        cpu(
            "reader",
            Load("low", LOW),
            Load("high", HIGH),
            Load("again", LOW),
            Note("reads", Op("+", (Read(Place("reads")), Const(1)))),
            JumpUnless(Op("==", (Reg("low"), Reg("again"))), 10),
            Assign("got", Op("|", (Op("<<", (Reg("high"), Const(32))), Reg("low")))),
            Check(Op("or", (is_(Reg("low"), 0), is_(Reg("got"), BIG))), "not torn"),
            Jump(11),
            Note("reads", Const(0)),
            Note("reads", Const(0)),
            GiveUp(),
        ),
        cpu(
            "writer",
            Update("old", LOW, "=", Const(0)),
            Store(HIGH, Const(0)),
            Store(HIGH, Const(0xB)),
            CompareExchange("old", LOW, Op("-", (Reg("old"), Reg("old"))), Const(0x1111_0001)),
            Update(None, Place("spte"), "+", Const(HALF)),
        ),
    ),
    always=(Always(Op("<", (Read(Place("spte")), Const(1 << 40))), "the spte is small"),),
)

RETRIES = Program(
    "retries",
    (Word("x", 64, HALF), Word("y", 32)),
    (
        cpu(
            "P0",
            Update(None, X, "+", Reg("step")),
            Store(Y, Reg("n")),
            Assign("n", Op("+", (Reg("n"), Const(1)))),
            JumpUnless(Op(">=", (Reg("n"), Const(3))), 1),
            Fence(),
            step=1,
        ),
        cpu(
            "P1",
            Load("r", X),
            JumpUnless(Op(">", (Reg("r"), Const(HALF + 1))), 0),
            WaitUntil(Op("!=", (Read(Y), Const(0)))),
            Load("s", Y),
            JumpUnless(is_(Reg("s"), 2), 6),
            GiveUp(),
        ),
    ),
)

FORWARDING = Program(
    "forwarding",
    (Word("spte", 64, BIG), Word("y", 32)),
    (
        cpu(
            "P0",
            Store(LOW, Const(2)),
            Store(Place("spte"), Const(3 << 32)),
            Store(HIGH, Const(4)),
            Load("whole", Place("spte")),
            Load("high", HIGH),
            Load("r", Y),
            WaitUntil(Op("!=", (Read(LOW), Const(2)))),
        ),
        cpu("P1", Store(Y, Const(1)), Load("r", LOW)),
    ),
    (
        Final(
            Quantifier.EXISTS,
            both(is_(Reg("whole", "P0"), 4 << 32), is_(Reg("r", "P0"), 0)),
            "own stores are seen early",
        ),
    ),
)

EARLY = Program(
    "a claim that fails before the first step",
    (Word("x", 32), Word("ghost", 64, 1, ghost=True)),
    (cpu("P0", Note("ghost", Const(0)), Check(Read(Place("ghost")), "still 1"), Load("r", X)),),
)

CASES = (STORE_BUFFERING, MESSAGE_PASSING, LOCKS, DEADLOCK, TORN, RETRIES, FORWARDING)


@needs_spin
@BOTH
@pytest.mark.parametrize("program", CASES, ids=lambda program: program.name.split()[0])
def test_spin_counts_the_same_states(program: Program, memory: Memory, tmp_path: Path) -> None:
    agree(validate(program), memory, tmp_path)


@needs_spin
def test_spin_sees_a_claim_fail_before_the_first_step(tmp_path: Path) -> None:
    agree(validate(EARLY), Memory.SC, tmp_path)


NUMBERS = (0, 1, (HALF >> 1) + 1, HALF, HALF + 1, (1 << 64) - 1)


def arithmetic() -> Program:
    """Return a program that checks each operator on pairs of words of which nothing is known."""
    code: list[Operation] = [Store(Place(w), Const(1 << n)) for w in "xy" for n in range(64)]
    a, b = Reg("a"), Reg("b")
    shifts = [Op(name, (a, Const(n))) for name in ("<<", ">>") for n in (0, 1, 31, 32, 33, 63, 64)]
    binary = {*OPERATORS} - {"*", "<<", ">>", "~", "not"}
    exprs = [Op(name, (a, b)) for name in sorted(binary)]
    exprs += [*shifts, Op("~", (a,)), Op("not", (a,))]
    for x in NUMBERS:
        for y in NUMBERS:
            code += [Store(X, Const(x)), Store(Y, Const(y)), Load("a", X), Load("b", Y)]
            for expr in exprs:
                value = evaluate(expr, {a: x, b: y}.__getitem__, lambda place: 0)
                code.append(Check(is_(expr, value), f"{expr} is {value}"))
    return Program("arithmetic", (Word("x", 64), Word("y", 64)), (cpu("P0", *code),))


@needs_spin
def test_arithmetic_has_64_bits(tmp_path: Path) -> None:
    agree(validate(arithmetic()), Memory.SC, tmp_path)


@needs_spin
@pytest.mark.nightly
@settings(
    max_examples=400,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(programs(max_accesses=9), st.sampled_from(Memory))
def test_spin_counts_the_same_states_of_random_programs(
    tmp_path_factory: pytest.TempPathFactory, program: Program, memory: Memory
) -> None:
    try:
        write_promela(program, memory)
    except NotModelledError:
        assume(False)
    agree(program, memory, tmp_path_factory.mktemp("spin"))


@needs_spin
@pytest.mark.nightly
@BOTH
@pytest.mark.parametrize("name", protocols())
def test_spin_counts_the_same_states_of_the_book(name: str, memory: Memory, tmp_path: Path) -> None:
    agree(find(name)(), memory, tmp_path)


@settings(max_examples=60, deadline=None)
@given(programs(max_accesses=8), st.sampled_from(Memory))
def test_all_values_are_known_to_be_possible(program: Program, memory: Memory) -> None:
    analysis, search = Analysis(program), Search(Semantics(program, memory))
    while search.level:
        search.next_level()
    for state in search.arrivals:
        for word, value in zip(program.words, state.memory, strict=True):
            low, high = analysis.halves[word.name, Part.LOW], analysis.halves[word.name, Part.HIGH]
            assert value & HALF <= low.most
            assert value >> 32 <= high.most
            assert low.exact is None or value & HALF in low.exact
        for thread, where in zip(program.threads, state.cpus, strict=True):
            for name, value in where.registers:
                known = analysis.anywhere(Reg(name, thread.name))
                assert value <= known.most
                assert value == 0 or known.exact is None or value in known.exact


@settings(max_examples=60, deadline=None)
@given(programs(max_accesses=8))
def test_a_bounded_store_buffer_is_large_enough(program: Program) -> None:
    search = Search(Semantics(program, Memory.TSO))
    while search.level:
        search.next_level()
    for number, thread in enumerate(program.threads):
        bound = most_waiting(thread)
        if bound is not None:
            assert all(len(state.cpus[number].buffer) <= bound for state in search.arrivals)


def test_a_store_buffer_that_a_loop_fills_has_no_bound() -> None:
    assert most_waiting(RETRIES.threads[0]) is None
    fenced = cpu("P0", Store(X, Const(1)), Fence(), Load("r", Y), JumpUnless(Reg("r"), 0))
    assert most_waiting(fenced) == 1
    assert most_waiting(LOCKS.threads[0]) == 2


def test_a_wide_product_is_not_modelled() -> None:
    program = Program(
        "product",
        (Word("x", 64, BIG),),
        (cpu("P0", Load("r", X), Store(X, Op("*", (Reg("r"), Reg("r"))))),),
    )
    with pytest.raises(NotModelledError, match="product of more than 31 bits"):
        write_promela(program)


def test_a_model_names_the_operations_and_says_how_to_check_it() -> None:
    text = write_promela(STORE_BUFFERING, Memory.TSO)
    assert "gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c" in text
    assert "/* x = 1; */" in text
    assert "active proctype P0_buffer()" in text
    assert "P0_buffer" not in write_promela(STORE_BUFFERING, Memory.SC)
