"""The meaning of each operation, one step at a time."""

import pytest

from mmuspec.interleave.expressions import Const, Op, Read, Reg
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
from mmuspec.interleave.program import Final, Memory, Program, Quantifier, Thread
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import State, Step
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.shapes import MB, X1, X2, Y1, A, B, X, Y, ends, equal, protocol, store, thread

BOTH = pytest.mark.parametrize("memory", Memory)
NARROW, WIDE = Word("x", 32), Word("x", 64)
LOW, HIGH = Place("x", Part.LOW), Place("x", Part.HIGH)
ONES = 0xFFFF_FFFF


class Machine:
    """A protocol that is run by hand: `step` a CPU, `drain` its oldest store."""

    def __init__(
        self,
        *codes: tuple[Operation, ...],
        words: tuple[Word, ...] = (NARROW, Word("y", 32)),
        memory: Memory = Memory.TSO,
        threads: tuple[Thread, ...] = (),
    ) -> None:
        threads = threads or protocol(*codes, words=words).threads
        # All registers are kept: a question looks at them.
        looks = [Reg(r, t.name) for t in threads for r in ("a", "b", "c")]
        finals = tuple(Final(Quantifier.EXISTS, reg) for reg in looks)
        self.program = Program("test", words, threads, finals)
        self.semantics = Semantics(self.program, memory)
        self.last: Step = self.semantics.initial()

    @property
    def state(self) -> State:
        return self.last.state

    def steps(self) -> dict[tuple[int | None, bool], Step]:
        """Return what can happen, by CPU and whether it is a drain."""
        return {(s.cpu, s.at is None): s for s in self.semantics.steps(self.state)}

    def can(self) -> set[str]:
        """Return what can happen: a CPU's number, and ``d`` if its buffer drains."""
        return {f"{cpu}{'d' * drains}" for cpu, drains in self.steps()}

    def run(self, text: str) -> "Machine":
        """Take steps, such as ``0 1 0d``."""
        for what in text.split():
            self.last = self.steps()[int(what.rstrip("d")), what.endswith("d")]
        return self

    def memory(self) -> dict[str, int]:
        return dict(zip(self.program.word, self.state.memory, strict=True))

    def register(self, name: str, cpu: int = 0) -> int:
        return dict(self.state.cpus[cpu].registers)[name]


def test_under_tso_a_store_waits_and_its_own_cpu_alone_sees_it() -> None:
    machine = Machine((X1, A), (A,)).run("0 0 1")
    assert machine.state.cpus[0].buffer == ((X, 1),)
    assert (machine.register("a"), machine.register("a", 1)) == (1, 0)
    assert machine.memory()["x"] == 0
    assert machine.can() == {"0d"}
    assert machine.run("0d").memory()["x"] == 1
    assert machine.semantics.ended(machine.state)


def test_under_sc_a_store_is_seen_at_once() -> None:
    machine = Machine((X1,), memory=Memory.SC).run("0")
    assert (machine.memory()["x"], machine.state.cpus[0].buffer) == (1, ())


def test_stores_leave_the_buffer_in_their_order() -> None:
    machine = Machine((X1, Y1, X2)).run("0 0 0")
    seen = [(machine.run("0d").memory()["x"], machine.memory()["y"]) for _ in range(3)]
    assert seen == [(1, 0), (1, 1), (2, 1)]


def test_a_load_sees_the_youngest_of_its_own_stores() -> None:
    assert Machine((X1, X2, A)).run("0 0 0").register("a") == 2


@BOTH
def test_halves(memory: Memory) -> None:
    words = (Word("x", 64, 5 << 32 | 6),)
    code = (store(HIGH, 7), Load("a", X), Load("b", HIGH), Load("c", LOW))
    machine = Machine(code, words=words, memory=memory).run("0 0 0 0")
    assert [machine.register(name) for name in "abc"] == [7 << 32 | 6, 7, 6]


def test_one_half_from_the_buffer_the_other_from_memory() -> None:
    code = (store(LOW, 1), Load("a", X))
    machine = Machine(code, (store(X, 2 << 32 | 2),), words=(WIDE,)).run("0 1 1d 0 0d")
    assert (machine.register("a"), machine.memory()["x"]) == (2 << 32 | 1, 2 << 32 | 1)


def test_a_half_is_taken_from_a_whole_store_that_waits() -> None:
    code = (store(X, 3 << 32 | 4), store(LOW, 9), Load("a", HIGH), Load("b", LOW))
    machine = Machine(code, words=(WIDE,)).run("0 0 0 0")
    assert (machine.register("a"), machine.register("b")) == (3, 9)


@BOTH
@pytest.mark.parametrize(
    ("operation", "word", "after"),
    [
        (Store(X, Const(1 << 32 | 5)), NARROW, 5),
        (Store(X, Op("-", (Const(0), Const(1)))), WIDE, (1 << 64) - 1),
        (Store(HIGH, Const(1 << 32 | 5)), Word("x", 64, 7), 5 << 32 | 7),
        (Store(LOW, Const(1 << 32 | 5)), Word("x", 64, 1 << 63), 1 << 63 | 5),
        (Update("a", X, "+", Const(2)), Word("x", 32, ONES), 1),
        (Update("a", HIGH, "+", Const(2)), Word("x", 64, ONES << 32 | 8), 1 << 32 | 8),
        (Update("a", LOW, "-", Const(2)), Word("x", 64, 3 << 32), 3 << 32 | ONES - 1),
    ],
)
def test_bits_too_many_are_cut(operation: Operation, word: Word, after: int, memory) -> None:
    machine = Machine((operation, MB), words=(word,), memory=memory).run("0")
    if machine.can() == {"0d"}:
        machine.run("0d")
    assert machine.memory()["x"] == after


@pytest.mark.parametrize(
    ("operator", "after"), [("=", 6), ("+", 9), ("-", ONES - 2), ("&", 2), ("|", 7), ("^", 5)]
)
def test_an_update_gives_the_old_value(operator: str, after: int) -> None:
    machine = Machine((Update("a", X, operator, Const(6)),), words=(Word("x", 32, 3),)).run("0")
    assert (machine.register("a"), machine.memory()["x"]) == (3, after)


def test_an_update_can_forget_the_old_value() -> None:
    machine = Machine((Update(None, X, "+", Const(6)),)).run("0")
    assert (machine.register("a"), machine.memory()["x"]) == (0, 6)


@pytest.mark.parametrize(
    ("place", "word", "expected", "after", "old"),
    [
        (X, Word("x", 32, 5), 5, 9, 5),
        (X, Word("x", 32, 5), 1 << 40 | 5, 9, 5),  # 32 bits are compared
        (X, Word("x", 32, 5), 4, 5, 5),
        (X, Word("x", 64, 5), 1 << 40 | 5, 5, 5),  # 64 bits are
        (HIGH, Word("x", 64, 5 << 32), 5, 9 << 32, 5),
        (LOW, Word("x", 64, 5 << 32), 0, 5 << 32 | 9, 0),
        (LOW, Word("x", 64, 5 << 32), 1, 5 << 32, 0),
    ],
)
def test_compare_exchange(place: Place, word: Word, expected: int, after: int, old: int) -> None:
    operation = CompareExchange("a", place, Const(expected), Const(1 << 32 | 9))
    machine = Machine((operation,), words=(word,)).run("0")
    assert (machine.register("a"), machine.memory()["x"]) == (old, after)


def test_operands_are_computed_before_the_old_value_arrives() -> None:
    code = (
        Update("a", X, "+", Reg("a")),
        CompareExchange("b", X, Reg("b"), Op("+", (Reg("b"), Const(1)))),
    )
    threads = (thread(0, *code, a=2, b=7),)
    machine = Machine(words=(Word("x", 32, 5),), threads=threads).run("0 0")
    assert (machine.register("a"), machine.register("b"), machine.memory()["x"]) == (5, 7, 8)


@pytest.mark.parametrize(
    "locked",
    [
        MB,
        Lock("y"),
        Update("a", Y, "+", Const(1)),
        CompareExchange("a", Y, Const(0), Const(1)),
        CompareExchange("a", Y, Const(3), Const(1)),
    ],
)
def test_a_locked_operation_waits_for_its_own_stores(locked: Operation) -> None:
    machine = Machine((X1, locked)).run("0")
    assert machine.can() == {"0d"}
    assert machine.run("0d").can() == {"0"}


@pytest.mark.parametrize("free", [B, Y1, Unlock("y"), WaitUntil(equal(Read(Y), 0))])
def test_other_accesses_do_not_wait(free: Operation) -> None:
    assert Machine((X1, free)).run("0").can() == {"0", "0d"}


def test_one_does_not_wait_for_the_stores_of_others() -> None:
    assert Machine((X1,), (Y1, MB)).run("0 1 1d").can() == {"0d", "1"}


def test_a_locked_operation_is_not_buffered() -> None:
    for operation in (Update(None, X, "=", Const(1)), Lock("x")):
        machine = Machine((operation,)).run("0")
        assert (machine.memory()["x"], machine.state.cpus[0].buffer) == (1, ())


@BOTH
def test_a_lock_is_taken_by_one(memory: Memory) -> None:
    machine = Machine((Lock("x"), Y1), (Lock("x"),), memory=memory).run("0")
    assert machine.can() == {"0"}


def test_unlocking_waits_in_the_buffer_under_tso() -> None:
    machine = Machine((Lock("x"), Y1, Unlock("x")), (Lock("x"),)).run("0 0 0")
    assert machine.memory() == {"x": 1, "y": 0}
    assert machine.run("0d").memory() == {"x": 1, "y": 1}
    assert machine.can() == {"0d"}
    assert machine.run("0d").can() == {"1"}


def test_unlocking_is_seen_at_once_under_sc() -> None:
    machine = Machine((Lock("x"), Unlock("x")), (Lock("x"),), memory=Memory.SC).run("0 0")
    assert machine.memory()["x"] == 0
    assert machine.can() == {"1"}


def test_waiting_until_a_condition_holds() -> None:
    machine = Machine((WaitUntil(equal(Read(X), 1)), B), (X1,))
    assert machine.can() == {"1"}
    assert machine.run("1").can() == {"1d"}
    assert machine.run("1d").can() == {"0"}
    assert machine.run("0").state.cpus[0].at == 1


def test_one_waits_for_what_one_sees_oneself() -> None:
    assert Machine((X1, WaitUntil(equal(Read(X), 1)))).run("0").can() == {"0", "0d"}


def test_giving_up_ends_a_cpu_but_its_stores_become_visible() -> None:
    machine = Machine((X1, GiveUp(), Y1), (B,)).run("0")
    assert machine.semantics.gave_up(machine.state)
    assert machine.can() == {"0d", "1"}
    machine.run("1 0d")
    assert machine.can() == set()
    assert not machine.semantics.ended(machine.state)


@BOTH
def test_a_ghost_is_written_in_the_step_it_stands_in(memory: Memory) -> None:
    ghost = (Word("x", 32), Word("g", ghost=True))
    note = Note("g", Op("+", (Read(Place("g")), Const(1))))
    machine = Machine((note, X1, note), words=ghost, memory=memory)
    assert machine.memory()["g"] == 1
    assert machine.run("0").memory()["g"] == 2


def test_what_is_local_happens_with_the_access_before_it() -> None:
    code = (
        Assign("b", Const(3)), A, Barrier("smp_rmb"), Assign("b", Op("+", (Reg("a"), Reg("b")))),
        Jump(6), Check(Const(0), "jumped over"), JumpUnless(Const(1), 8), Load("c", Y),
    )  # fmt: skip
    machine = Machine(code, words=(Word("x", 32, 4), Word("y", 32)))
    assert (machine.state.cpus[0].at, machine.register("b")) == (1, 3)
    assert machine.run("0").state.cpus[0].at == 7
    assert (machine.register("b"), machine.last.broken) == (7, ())


def test_a_claim_that_fails_belongs_to_the_step() -> None:
    machine = Machine((Check(Const(0), "at once"), A, Check(equal(Reg("a"), 1), "later")))
    assert machine.last.broken == ("at once",)
    assert machine.run("0").last.broken == ("later",)
    assert machine.last.at == 1


def test_an_empty_cpu_has_ended() -> None:
    machine = Machine((), (A,))
    assert machine.can() == {"1"}
    assert machine.semantics.ended(machine.run("1").state)


def test_a_store_that_waits_is_no_end() -> None:
    machine = Machine((X1,)).run("0")
    assert not machine.semantics.ended(machine.state)


def test_registers_begin_as_told() -> None:
    machine = Machine(threads=(thread(0, B, a=1, c=2),))
    assert [machine.register(name) for name in "ac"] == [1, 2]


def test_a_register_that_is_dead_is_forgotten() -> None:
    semantics = Semantics(protocol((A, Store(Y, Reg("a")), B), words=(NARROW, Word("y", 32))))
    (loaded,) = semantics.steps(semantics.initial().state)
    assert loaded.state.cpus[0].registers == (("a", 0),)
    *_, stored = semantics.steps(loaded.state)
    assert stored.state.cpus[0].registers == ()


def test_steps_come_cpu_by_cpu_and_the_buffer_before_the_program() -> None:
    machine = Machine((X1, A), (Y1, B)).run("0 1")
    steps = machine.semantics.steps(machine.state)
    assert [(step.cpu, step.at) for step in steps] == [(0, None), (0, 1), (1, None), (1, 1)]


def test_properties_see_memory_and_any_register() -> None:
    machine = Machine((X1, A), (B,)).run("0 0")
    holds = machine.semantics.holds
    assert holds(ends(x=0, P0_a=1, P1_b=0), machine.state)
    assert not holds(ends(x=1), machine.state)
    wide = Machine((store(X, 3 << 32),), words=(WIDE,)).run("0 0d")
    assert wide.semantics.holds(equal(Read(HIGH), 3), wide.state)


def test_a_fence_is_a_step_in_both_models() -> None:
    for memory in Memory:
        assert Machine((Fence(),), memory=memory).can() == {"0"}
