"""Executions: which there are, how they end, and how many."""

from collections.abc import Iterator
from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.axiomatic import count, executions, final_states
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    Check,
    CompareExchange,
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
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.shapes import (
    CLASSICAL,
    MB,
    X1,
    X2,
    Y1,
    A,
    B,
    X,
    Y,
    ends,
    equal,
    exchange,
    protocol,
    store,
)

L = Word("lock", 32)
WIDE = Word("x", 64)
LOW, HIGH = Place("x", Part.LOW), Place("x", Part.HIGH)


def memories(program: Program, memory: Memory = Memory.TSO) -> set[tuple[int, ...]]:
    return {outcome.memory for outcome in final_states(program, memory)}


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_counts(name: str) -> None:
    program, *expected = CLASSICAL[name]
    assert [count(program, memory, program.finals[0].condition) for memory in Memory] == expected


def test_counts_published_with_herd() -> None:
    # A store and an exchange of one location (herd's X86_64 test A011): it never reads
    # the store and is overwritten by it, in two executions.
    exchanged = protocol((Y1,), (exchange(Y, 2, "a"),), exists=ends(P1_a=1, y=1))
    assert count(exchanged, Memory.TSO, exchanged.finals[0].condition) == (0, 2)
    # A store of 2 to x, then y; the other CPU sets x to 1 if it saw y (A006).
    branch = (B, JumpUnless(equal(Reg("b"), 1), 3), X1)
    seen = protocol((X2, Y1), branch, exists=ends(P1_b=1, x=2))
    assert count(seen, Memory.TSO, seen.finals[0].condition) == (0, 2)


def test_an_execution_tells_who_read_from_whom_and_how_stores_followed() -> None:
    (execution,) = executions(protocol((X1, A), words=(Word("x", 32, 7),)))
    assert list(execution.rf) == [(1, "x", 2)]
    assert execution.co == {"x": (0, 1)}
    assert (execution.words, execution.registers) == ({"x": 1}, {"P0": {"a": 1}})
    assert execution.holds(ends(x=1, P0_a=1, P0_never=0))
    assert not execution.holds(ends(x=7))


def test_halves_of_a_word_can_be_read_from_a_buffer_and_from_memory() -> None:
    reader = (store(LOW, 1), Load("a", X))
    old_high = protocol(reader, (store(X, 2 << 32 | 2),), words=(WIDE,), exists=ends(P0_a=1, x=0))
    both = Op("and", (ends(P0_a=1), equal(Read(X), 2 << 32 | 1)))
    assert count(old_high, Memory.TSO, both)[0] == 1
    assert count(old_high, Memory.SC, both)[0] == 0


def test_a_whole_load_is_one_access() -> None:
    program = protocol((store(X, 1 << 32 | 1),), (store(LOW, 2), Load("a", X)), words=(WIDE,))
    torn = Op("==", (Reg("a", "P1"), Const(1 << 32)))
    assert count(program, Memory.TSO, torn)[0] == 0


def test_widths_cut() -> None:
    words = (Word("x", 32, 5), Word("y", 64))
    code = (
        CompareExchange("a", X, Const(1 << 40 | 5), Const(1 << 33 | 6)),
        Update("b", X, "-", Const(7)),
        Update(None, Place("y", Part.HIGH), "+", Const(1 << 32 | 3)),
        Store(Place("y", Part.LOW), Op("-", (Reg("b"), Const(7)))),
    )
    program = protocol(code, words=words, exists=ends(P0_a=5, P0_b=6))
    (outcome,) = final_states(program)
    assert outcome.memory == (0xFFFF_FFFF, 3 << 32 | 0xFFFF_FFFF)
    assert [value for _, value in outcome.registers] == [5, 6]


@pytest.mark.parametrize(("operator", "result"), [("=", 6), ("+", 9), ("-", (1 << 32) - 3),
                                                  ("&", 2), ("|", 7), ("^", 5)])  # fmt: skip
def test_updates(operator: str, result: int) -> None:
    update = Update("a", X, operator, Const(6))
    program = protocol((update,), words=(Word("x", 32, 3),), exists=ends(P0_a=3))
    assert count(program, Memory.TSO, ends(P0_a=3, x=result)) == (1, 0)


def test_a_compare_exchange_that_fails_orders_but_writes_nothing() -> None:
    failing = CompareExchange(None, Place("z"), Const(1), Const(2))
    program = protocol((X1, failing, B), (Y1, failing, A))
    assert count(program, Memory.TSO, ends(P0_b=0, P1_a=0)) == (0, 3)


def test_locks_exclude_and_unlocking_does_not_overtake() -> None:
    add = (Lock("lock"), A, Store(X, Op("+", (Reg("a"), Const(1)))), Unlock("lock"))
    program = protocol(add, add, words=(Word("x", 32), L))
    for memory in Memory:
        assert memories(program, memory) == {(2, 0)}
        assert count(program, memory, equal(Read(X), 2)) == (2, 0)


def test_only_executions_that_come_to_their_end() -> None:
    waits = (WaitUntil(equal(Read(X), 1)), A)
    assert count(protocol(waits), Memory.TSO, ends(x=1)) == (0, 0)
    assert count(protocol(waits, (X1,)), Memory.TSO, ends(P0_a=1)) == (1, 0)
    gives_up = (A, JumpUnless(equal(Reg("a"), 0), 3), GiveUp())
    assert count(protocol(gives_up, (X1,)), Memory.TSO, ends(P0_a=1)) == (1, 0)
    twice = (Lock("lock"), Lock("lock"))
    assert count(protocol(twice, words=(L,)), Memory.TSO, Const(1)) == (0, 0)


def test_a_wait_may_look_at_two_words_at_once() -> None:
    both = WaitUntil(Op("and", (equal(Read(X), 0), equal(Read(Y), 1))))
    program = protocol((X1, Y1), (both,))
    assert count(program, Memory.TSO, Const(1)) == (0, 0)
    program = protocol((Y1, X1), (both,))
    assert count(program, Memory.TSO, Const(1)) == (1, 0)


def test_claims_and_barriers_change_nothing() -> None:
    code = (Barrier("smp_wmb"), X1, Assign("b", Const(4)), Check(Const(0), "false"), A)
    assert count(protocol(code), Memory.TSO, ends(P0_a=1, P0_b=4)) == (1, 0)


def test_a_store_that_stands_before_the_code_from_which_it_is_reached() -> None:
    jumps_back = (Jump(3), X1, Jump(5), B, Jump(1))
    program = protocol((A,), jumps_back)
    assert count(program, Memory.TSO, ends(P0_a=1)) == (1, 1)


def brute(codes: list[list[Operation]], memory: Memory) -> Iterator[tuple[object, object]]:
    """Yield rf and co of each allowed execution of loads, stores and fences: by trying them all."""
    nodes: list[tuple[int, Operation | None]] = [(-1, None)]
    nodes += [(cpu, operation) for cpu, code in enumerate(codes) for operation in code]
    stores = [(n, op.place) for n, (_, op) in enumerate(nodes) if isinstance(op, Store)]
    writes = {place: [0, *(n for n, where in stores if where == place)] for place in (X, Y)}
    loads = [(n, op.place) for n, (_, op) in enumerate(nodes) if isinstance(op, Load)]
    sources = [dict(zip(loads, choice, strict=True))
               for choice in product(*(writes[place] for _, place in loads))]  # fmt: skip
    orders = [[(0, *rest) for rest in permutations(w[1:])] for w in writes.values()]
    for rf in sources:
        for co in product(*orders):
            if brute_allowed(nodes, rf, dict(zip(writes, co, strict=True)), memory):
                yield rf, co


def brute_allowed(nodes, rf, co, memory) -> bool:
    def place(number: int) -> Place | None:
        return getattr(nodes[number][1], "place", None)

    po = {(a, b) for a, b in product(range(len(nodes)), repeat=2)
          if a < b and nodes[a][0] in (-1, nodes[b][0])}  # fmt: skip
    before = {p: {(a, b) for a, b in product(w, w) if w.index(a) < w.index(b)}
              for p, w in co.items()}  # fmt: skip
    reads = {p: {(w, r) for (r, where), w in rf.items() if where == p} for p in co}
    fr = {p: {(r, w2) for w, r in reads[p] for w1, w2 in before[p] if w1 == w} for p in co}
    for p in co:
        at = {(a, b) for a, b in po if place(b) == p and (a == 0 or place(a) == p)}
        if cyclic(at | before[p] | reads[p] | fr[p]):
            return False
    relaxed = {(a, b) for a, b in po if memory is Memory.TSO
               and isinstance(nodes[a][1], Store) and isinstance(nodes[b][1], Load)}  # fmt: skip
    external = {(w, r) for p in co for w, r in reads[p] if nodes[w][0] != nodes[r][0]}
    everywhere = set().union(*before.values(), *fr.values())
    return not cyclic((po - relaxed) | external | everywhere)


def cyclic(edges: set[tuple[int, int]]) -> bool:
    while edges:
        left = {(a, b) for a, b in edges if any(a == d for _, d in edges)}
        if left == edges:
            return True
        edges = left
    return False


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([X1, X2, Y1, A, B, MB]), min_size=1, max_size=3),
             min_size=1, max_size=2),
    st.sampled_from(Memory),
)  # fmt: skip
def test_each_execution_is_found_once(codes: list[list[Operation]], memory: Memory) -> None:
    found = list(executions(protocol(*map(tuple, codes)), memory))
    assert len(found) == sum(1 for _ in brute(codes, memory))
    keys = {
        (tuple(sorted(execution.co.items())), tuple((n.cpu, n.at) for n in execution.nodes),
         tuple(execution.rf))
        for execution in found
    }  # fmt: skip
    assert len(keys) == len(found)
