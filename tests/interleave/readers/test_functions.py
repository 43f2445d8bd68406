"""What C statements become on x86."""

import pytest

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.explore import explore
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
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Memory
from mmuspec.interleave.readers.table import read_table
from mmuspec.interleave.words import HALF, Part, Place

X, Y, S = Place("x"), Place("y"), Place("s")
ONE = Const(1)
HEAD = "u64 x; u64 y; u32 n; u32 s;\n\nCPU0\n----\n"


def written(text: str) -> list[Operation]:
    """Return what one CPU with the code *text* does."""
    (thread,) = read_table(HEAD + text).program.threads
    return [instruction.operation for instruction in thread.code]


def equal(left: Reg, right: Const | Reg) -> Op:
    return Op("==", (left, right))


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("r1 = READ_ONCE(x);", [Load("r1", X)]),
        ("r1 = x;", [Load("r1", X)]),
        ("u64 r1 = *x;", [Load("r1", X)]),
        ("r1 = smp_load_acquire(&x);", [Load("r1", X)]),
        ("r1 = rcu_dereference(x);", [Load("r1", X)]),
        ("r1 = atomic_read(&x);", [Load("r1", X)]),
        ("READ_ONCE(x);", [Load("_1", X)]),
        ("x = 1;", [Store(X, ONE)]),
        ("WRITE_ONCE(x, 1);", [Store(X, ONE)]),
        ("smp_store_release(&x, 1);", [Store(X, ONE)]),
        ("x.high = 1;", [Store(Place("x", Part.HIGH), ONE)]),
        ("x++;", [Load("_1", X), Store(X, Op("+", (Reg("_1"), ONE)))]),
        ("x |= 4;", [Load("_1", X), Store(X, Op("|", (Reg("_1"), Const(4))))]),
        ("smp_mb();", [Fence()]),
        ("smp_wmb();", [Barrier("smp_wmb")]),
        ("smp_mb__after_atomic();", [Barrier("smp_mb__after_atomic")]),
        ("smp_mb__after_spinlock();", [Barrier("smp_mb__after_spinlock")]),
        ("smp_store_mb(x, 1);", [Update(None, X, "=", ONE)]),
        ("r1 = xchg_release(&x, 1);", [Update("r1", X, "=", ONE)]),
        ("r1 = cmpxchg64(&x, 0, 1);", [CompareExchange("r1", X, Const(0), ONE)]),
        ("r1 = atomic_cmpxchg_relaxed(&x, 0, 1);", [CompareExchange("r1", X, Const(0), ONE)]),
        ("atomic_inc(&x);", [Update(None, X, "+", ONE)]),
        ("atomic64_sub(2, &x);", [Update(None, X, "-", Const(2))]),
        ("r1 = atomic_fetch_add_acquire(2, &x);", [Update("r1", X, "+", Const(2))]),
        ("r1 = atomic_long_fetch_andnot(2, &x);", [Update("r1", X, "&", Op("~", (Const(2),)))]),
        (
            "r1 = atomic_add_return(2, &x);",
            [Update("_1", X, "+", Const(2)), Assign("r1", Op("+", (Reg("_1"), Const(2))))],
        ),
        (
            "r1 = atomic_inc_return(&n);",
            [
                Update("_1", Place("n"), "+", ONE),
                Assign("r1", Op("&", (Op("+", (Reg("_1"), ONE)), Const(HALF)))),
            ],
        ),
        ("set_bit(3, &x);", [Update(None, X, "|", Op("<<", (ONE, Const(3))))]),
        (
            "r1 = test_bit(3, &x);",
            [Load("_1", X), Assign("r1", Op("&", (Op(">>", (Reg("_1"), Const(3))), ONE)))],
        ),
        ("spin_lock(&s); spin_unlock(&s);", [Lock("s"), Unlock("s")]),
        ("raw_spin_lock_irqsave(&s, flags);", [Lock("s")]),
        (
            "r1 = spin_trylock(&s);",
            [CompareExchange("_1", S, Const(0), ONE), Assign("r1", equal(Reg("_1"), Const(0)))],
        ),
        ("mutex_unlock(&s);", [Update(None, S, "=", Const(0))]),
        ("wait_until(x == 1);", [WaitUntil(Op("==", (Read(X), ONE)))]),
        ('assert(r1 == 1, "one");', [Check(equal(Reg("r1"), ONE), "one")]),
        ("assert(r1 == 1);", [Check(equal(Reg("r1"), ONE), "assert(r1 == 1)")]),
        ("BUG_ON(r1);", [Check(Op("not", (Reg("r1"),)), "BUG_ON(r1)")]),
        ("give_up();", [GiveUp()]),
        ("rcu_read_lock(); rcu_read_unlock();", []),
    ],
)
def test_statements(text: str, operations: list[Operation]) -> None:
    assert written(text) == operations


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        (
            "if (x == 1) y = 1;",
            [Load("_1", X), JumpUnless(equal(Reg("_1"), ONE), 3), Store(Y, ONE)],
        ),
        (
            "if (r1 && !r2) y = 1;",
            [JumpUnless(Op("and", (Reg("r1"), Op("not", (Reg("r2"),)))), 2), Store(Y, ONE)],
        ),
        (
            "while (!x) cpu_relax();",
            [Load("_1", X), JumpUnless(Op("not", (Reg("_1"),)), 4), Barrier("cpu_relax"), Jump(0)],
        ),
        ("do { r1 = x; } while (r1);", [Load("r1", X), JumpUnless(Reg("r1"), 3), Jump(0)]),
        (
            "for (;;) { r1 = x; if (r1) break; }",
            [Load("r1", X), JumpUnless(Op("not", (Reg("r1"),)), 3), Jump(0)],
        ),
        (
            "r1 = x ? 2 : 3;",
            [
                Load("_2", X),
                JumpUnless(Reg("_2"), 4),
                Assign("_1", Const(2)),
                Jump(5),
                Assign("_1", Const(3)),
                Assign("r1", Reg("_1")),
            ],
        ),
        ("again: r1 = x; if (!r1) goto again;", [Load("r1", X), JumpUnless(Reg("r1"), 0)]),
        (
            "if (!(r1)) return; x = 1;",
            [JumpUnless(Op("not", (Reg("r1"),)), 2), Jump(3), Store(X, ONE)],
        ),
    ],
)
def test_control_flow(text: str, operations: list[Operation]) -> None:
    assert written(text) == operations


def test_what_need_not_be_looked_at_takes_no_step() -> None:
    code = written("if (x && y) s = 1;")
    assert code[1] == JumpUnless(Reg("_1"), 5)
    value = written("r1 = x && y;")
    assert [op for op in value if isinstance(op, Load)] == [Load("_2", X), Load("_3", Y)]
    assert JumpUnless(Reg("_1"), 5) in value


def finals(text: str, register: str) -> set[int]:
    """Return the values of a register of CPU0 at the end."""
    program = read_table(f"{text}\nforall (CPU0:{register} == 0 || true)").program
    ends = explore(program, Memory.TSO, all_states=True).finals
    return {dict(end.cpus[0].registers)[register] for end in ends}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("old = 0; r1 = try_cmpxchg(&x, &old, 5);", {0, 1}),
        ("old = 0; r2 = try_cmpxchg(&x, &old, 5); r1 = old;", {0, 1}),
        ("r1 = atomic_add_unless(&x, 7, 1);", {0, 1}),
        ("r1 = atomic_fetch_add_unless(&x, 7, 1);", {0, 1}),
        ("r1 = atomic_inc_not_zero(&x);", {0, 1}),
        ("r1 = atomic_sub_and_test(1, &x);", {0, 1}),
        ("r1 = test_and_set_bit(0, &x);", {0, 1}),
        ("r1 = spin_is_locked(&x);", {0, 1}),
        ("r1 = (r2 = x) + 1;", {1, 2}),
    ],
)
def test_values_of_functions(text: str, values: set[int]) -> None:
    assert finals(f"u64 x;\nCPU0 | CPU1\n{text} | x = 1;", "r1") == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("r1 = (u32)z;", 0xFFFFFFFE),
        ("u32 r1 = z;", 0xFFFFFFFE),
        ("int r1; r1 = z;", 2**64 - 2),
        ("r1 = (u16)z + 1;", 0xFFFF),
        ("r1 = (s64)(z);", 0x1_FFFFFFFE),
        ("bool r1 = z;", 1),
        ("gfn_t r1 = z;", 0x1_FFFFFFFE),
    ],
)
def test_types_cut_off_what_they_cannot_hold(text: str, value: int) -> None:
    assert finals(f"u64 z = 0x1fffffffe;\nCPU0 | CPU1\n{text} | ", "r1") == {value}


def test_a_register_may_hold_the_address_of_a_word() -> None:
    text = "u64 x = 3; u64 y = 4; u64 z = 9; u64 *p = &x;\nCPU0 | CPU1\n"
    assert finals(text + "r2 = p; r1 = *r2; | p = &y;", "r1") == {3, 4}
    assert finals(text + "r1 = *p; | x = 5;", "r1") == {3, 5}
    assert finals(text + "r2 = &y; *r2 = 8; r1 = y; | ", "r1") == {8}


def test_following_what_is_no_address_is_reported() -> None:
    program = read_table("u64 x; u64 p;\nCPU0 | CPU1\nr2 = p; r1 = *r2; | p = &x;").program
    answer = explore(program, Memory.SC)
    assert answer.found == "<text>:3:14: this pointer holds the address of a word"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("mark_page_dirty(x);", "5:1: not modelled: a call of mark_page_dirty()"),
        ("r1 = x / 2;", "5:6: not modelled: the operator /"),
        ("  switch (r1) { case 1: break; }", "5:3: not modelled: a switch statement"),
        ('open("/etc/passwd");', "5:1: not modelled: a call of open()"),
        ("r1 = (pgd_t)x;", "5:6: not modelled: a cast to pgd_t"),
        ("r1 = smp_mb();", "5:6: not modelled: the value of smp_mb()"),
        ("x.low = 1; r1 = sizeof(x);", "5:17: not modelled: sizeof(x) (sizeof expression)"),
    ],
)
def test_what_is_not_modelled_is_named(text: str, error: str) -> None:
    with pytest.raises(NotModelledError) as caught:
        written(text)
    assert str(caught.value) == f"<text>:{error}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1 1;", "5:7: expected a C statement, found '1'"),
        ("x = (1;", "5:5: this '(' is never closed"),
        ("x = 1; }", "5:8: '}' without its other half"),
        ("xchg(&x);", "5:1: xchg() takes 2 arguments, found 1"),
        ("r1 = READ_ONCE(z);", "5:16: expected a shared word, found z"),
        ("r1 = z;", "5:6: nothing gives z a value here"),
        ("goto out;", "5:1: there is no label out"),
        ("a: x = 1; a: x = 2;", "5:11: a second label a"),
        ("break;", "5:1: there is no loop to leave"),
    ],
)
def test_errors_point_at_the_place(text: str, error: str) -> None:
    with pytest.raises(ProgramError) as caught:
        written(text)
    assert str(caught.value) == f"<text>:{error}"
