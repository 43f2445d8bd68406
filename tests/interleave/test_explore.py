"""The plain explorer: verdicts, what is found first, and how many states there are."""

from dataclasses import replace

import pytest

from mmuspec.interleave.answer import DEADLOCK, claims, stuck
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.operations import (
    Assign,
    Check,
    CompareExchange,
    GiveUp,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Note,
    Store,
    Unlock,
    WaitUntil,
)
from mmuspec.interleave.program import Always, Final, Memory, Program, Quantifier
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.words import Place, Word
from tests.interleave.shapes import (
    CLASSICAL,
    MB,
    X1,
    X2,
    A,
    B,
    X,
    ends,
    equal,
    protocol,
    store,
)

BOTH = pytest.mark.parametrize("memory", Memory)
LOCK = Word("lock", 32)
G = Place("g")


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_verdicts(name: str) -> None:
    program, sc, tso = CLASSICAL[name]
    for memory, (possible, _) in ((Memory.SC, sc), (Memory.TSO, tso)):
        assert (explore(program, memory).found is not None) == bool(possible)


def test_the_numbers_of_store_buffering_counted_by_hand() -> None:
    """SC: each CPU has stored, loaded 0 or 1, or not begun; TSO adds what the buffers hold."""
    program = CLASSICAL["SB"][0]
    answer = explore(program, Memory.SC, all_states=True)
    # Positions (0,0) (1,0) (0,1) (1,1), then loads: (2,0) (0,2) with b=0 or a=0,
    # (2,1) with b=0 or 1, (1,2) likewise, and three ends.
    assert (answer.states, answer.depth, len(answer.finals)) == (13, 4, 3)
    assert len(explore(program, Memory.TSO, all_states=True).finals) == 4


def both_zero() -> Expr:
    return ends(P0_b=0, P1_a=0)


def test_the_schedule_of_store_buffering_is_a_shortest_one() -> None:
    answer = explore(CLASSICAL["SB"][0])
    assert answer.found == "exists"
    assert len(answer.schedule) == 6
    assert sum(step.at is None for step in answer.schedule) == 2
    last = answer.schedule[-1].state
    assert Semantics(answer.program).ended(last)
    assert Semantics(answer.program).holds(both_zero(), last)


@pytest.mark.parametrize(
    ("quantifier", "sc", "tso"),
    [
        (Quantifier.EXISTS, None, "asked"),
        (Quantifier.NOT_EXISTS, None, "asked"),
        (Quantifier.FORALL, "asked", "asked"),
    ],
)
def test_quantifiers(quantifier: Quantifier, sc: str | None, tso: str | None) -> None:
    program = replace(CLASSICAL["SB"][0], finals=(Final(quantifier, both_zero(), "asked"),))
    assert [explore(program, memory).found for memory in Memory] == [sc, tso]


def test_forall_that_holds_finds_nothing() -> None:
    condition = Op("not", (both_zero(),))
    program = replace(
        CLASSICAL["SB"][0], finals=(Final(Quantifier.FORALL, condition, "never both"),)
    )
    assert [explore(program, memory).found for memory in Memory] == [None, "never both"]


@BOTH
def test_two_locks_in_opposite_order_deadlock(memory: Memory) -> None:
    words = (Word("p", 32), Word("q", 32))

    def takes(*names: str) -> tuple[Lock | Unlock, ...]:
        return (*map(Lock, names), *map(Unlock, names))

    crossed = explore(protocol(takes("p", "q"), takes("q", "p"), words=words), memory)
    assert (crossed.found, len(crossed.schedule)) == (DEADLOCK, 2)
    assert stuck(Semantics(crossed.program, memory), crossed.schedule[-1].state)
    assert explore(protocol(takes("p", "q"), takes("p", "q"), words=words), memory).found is None


@BOTH
def test_waiting_for_nobody_is_a_deadlock_at_once(memory: Memory) -> None:
    answer = explore(protocol((WaitUntil(equal(Read(X), 1)),)), memory)
    assert (answer.found, answer.schedule, answer.states, answer.depth) == (DEADLOCK, (), 1, 0)


@BOTH
def test_one_who_gave_up_is_no_deadlock_and_no_end(memory: Memory) -> None:
    program = protocol((A, GiveUp()), (X1,), exists=Const(1))
    answer = explore(program, memory)
    assert (answer.found, answer.gave_up, answer.finals) == (None, True, frozenset())


def retry(rounds: int) -> Program:
    """Try to change x from 0 to 1, and give up after so many rounds; the other CPU sets it to 2."""
    code = (
        CompareExchange("a", X, Reg("old"), Const(1)),
        JumpUnless(Op("!=", (Reg("a"), Reg("old"))), 7),
        Assign("old", Reg("a")),
        Assign("tries", Op("+", (Reg("tries"), Const(1)))),
        JumpUnless(Op(">=", (Reg("tries"), Const(rounds))), 6),
        GiveUp(),
        Jump(0),
    )
    return protocol(code, (X2,), exists=ends(x=1))


@BOTH
@pytest.mark.parametrize(("rounds", "gives_up"), [(1, True), (2, False), (3, False)])
def test_a_bounded_retry(memory: Memory, rounds: int, gives_up: bool) -> None:
    answer = explore(retry(rounds), memory, all_states=True)
    assert answer.gave_up is gives_up
    assert answer.found == (None if gives_up else "exists")
    ends_with = {state.memory[0] for state in answer.finals}
    assert ends_with == ({2} if gives_up else {1, 2})


@BOTH
def test_an_endless_loop_has_few_states(memory: Memory) -> None:
    polls = (Load("a", X), JumpUnless(Reg("a"), 0))
    answer = explore(protocol(polls, (X1,), exists=ends(x=1)), memory)
    assert answer.found == "exists"
    alone = explore(protocol(polls), memory)
    assert (alone.states, alone.found, alone.finals) == (1, None, frozenset())


@BOTH
def test_an_increment_under_a_lock_loses_nothing(memory: Memory) -> None:
    add = (A, Store(X, Op("+", (Reg("a"), Const(1)))))
    words = (Word("x", 32), LOCK)
    locked = (Lock("lock"), *add, Unlock("lock"))
    assert explore(protocol(locked, locked, words=words, exists=ends(x=1)), memory).found is None
    assert explore(protocol(add, add, words=words, exists=ends(x=1)), memory).found == "exists"


def test_a_ghost_tells_two_in_a_critical_section() -> None:
    words = (Word("x", 32), Word("y", 32), LOCK, Word("g", ghost=True))
    section = (
        Note("g", Op("+", (Read(G), Const(1)))),
        Check(equal(Read(G), 1), "alone"),
        B,
        Note("g", Op("-", (Read(G), Const(1)))),
    )
    guarded = (Lock("lock"), *section, Unlock("lock"))
    # Each says that it enters, and looks at the other: Dekker's, which needs a fence.
    dekker = [
        (mine, *fence, other, JumpUnless(equal(Reg(register), 0), 7 + len(fence)), *section)
        for fence in ((), (MB,))
        for mine, other, register in ((X1, B, "b"), (store(Place("y"), 1), A, "a"))
    ]
    assert [explore(protocol(guarded, guarded, words=words), m).found for m in Memory] == [None] * 2
    unfenced, with_fence = dekker[:2], dekker[2:]
    assert [explore(protocol(*unfenced, words=words), m).found for m in Memory] == [None, "alone"]
    assert [explore(protocol(*with_fence, words=words), m).found for m in Memory] == [None, None]


@BOTH
def test_what_is_found_is_reported_after_its_level(memory: Memory) -> None:
    """The claim of P0 or P1 fails in one step: all the states at distance 1 are counted."""
    fails = (A, Check(Const(0), "false"), B)
    for codes in ((fails, (B, A)), ((B, A), fails)):
        answer = explore(protocol(*codes), memory)
        assert (answer.found, answer.states, answer.depth) == ("false", 3, 1)
        assert len(answer.schedule) == 1
        assert explore(protocol(*codes), memory, all_states=True).states == 9


@BOTH
def test_a_claim_that_fails_before_the_first_step(memory: Memory) -> None:
    answer = explore(protocol((Check(Const(0), "false"), A)), memory)
    assert (answer.found, answer.schedule, answer.states, answer.depth) == ("false", (), 1, 0)
    invariant = replace(protocol((A,)), always=(Always(ends(x=1), "x is 1"),))
    assert (explore(invariant, memory).found, explore(invariant, memory).states) == ("x is 1", 1)


def test_a_claim_that_fails_on_the_way_to_a_state_already_seen() -> None:
    """Both branches come to the same state; only one of them breaks the claim."""
    ghost = Word("g", ghost=True)
    code = (A, JumpUnless(Reg("a"), 3), Check(Const(0), "saw 1"), Load("a", Place("y")))
    program = protocol(code, (X1,), words=(Word("x", 32), Word("y", 32), ghost))
    answer = explore(program, Memory.SC)
    assert (answer.found, [step.cpu for step in answer.schedule]) == ("saw 1", [1, 0])


@BOTH
def test_invariants_hold_in_every_state(memory: Memory) -> None:
    program = protocol((X1, store(X, 0)))
    always = replace(program, always=(Always(ends(x=0), "x stays 0"),))
    answer = explore(always, memory)
    assert answer.found == "x stays 0"
    assert len(answer.schedule) == (1 if memory is Memory.SC else 2)


def test_the_order_of_claims() -> None:
    checks = (A, Check(Const(0), "check 2"), Check(Const(0), "check 1"), Check(Const(0), "check 2"))
    program = replace(
        protocol(checks, (B, Check(Const(0), "check 3"))),
        always=(Always(Const(0), "always"), Always(Const(0), "check 1")),
        finals=(Final(Quantifier.EXISTS, Const(1), "final"),),
    )
    assert claims(program) == (DEADLOCK, "check 2", "check 1", "check 3", "always", "final")


@pytest.mark.parametrize("swapped", [False, True])
def test_of_those_found_in_one_level_the_first_claim_is_reported(swapped: bool) -> None:
    one, two = (A, Check(Const(0), "one")), (B, Check(Const(0), "two"))
    codes = (two, one) if swapped else (one, two)
    answer = explore(protocol(*codes))
    assert (answer.found, answer.schedule[0].cpu) == ("two" if swapped else "one", 0)


def test_what_is_found_first_stays_though_one_goes_on() -> None:
    early = (A, Check(Const(0), "early"), B, WaitUntil(Const(0)))
    answer = explore(protocol(early), all_states=True)
    assert (answer.found, len(answer.schedule), answer.states) == ("early", 1, 3)


@BOTH
def test_a_final_question_waits_until_all_stores_are_visible(memory: Memory) -> None:
    program = protocol((X1,), (X2,))
    asked = replace(program, finals=(Final(Quantifier.EXISTS, ends(x=0), "stays 0"),))
    assert explore(asked, memory).found is None
