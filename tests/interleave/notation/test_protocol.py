"""What the notation makes of a function, and what it says of one that is no protocol."""

from pathlib import Path
from typing import Any

import pytest

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.explore import explore
from mmuspec.interleave.expressions import Const, Op, Read, Reg
from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    always,
    at_end,
    barrier,
    cmpxchg,
    cpu,
    fetch_or,
    ghost,
    give_up,
    inline,
    lock,
    note,
    possible,
    protocol,
    record,
    retries,
    smp_mb,
    smp_wmb,
    unlock,
    wait_until,
    word32,
    word64,
    xadd,
    xchg,
)
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
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Always, Final, Memory, Quantifier
from mmuspec.interleave.words import Part, Place, Word

LIMIT = 2


def operations(program: Any, name: str = "only") -> list[Any]:
    return [instruction.operation for instruction in program.thread[name].code]


def test_words_take_the_names_they_are_assigned_to() -> None:
    @protocol
    def words(count: int = 2) -> None:
        spte = word64(high=0xB, low=0x11)  # noqa: F841
        vcpus = [record(mode=word32(3), requests=word32()) for _ in range(count)]  # noqa: F841
        freed = ghost()  # noqa: F841

        @cpu
        def only() -> None:
            pass

    assert words().words == (
        Word("spte", 64, 0xB_0000_0011),
        Word("vcpus[0].mode", 32, 3),
        Word("vcpus[0].requests", 32),
        Word("vcpus[1].mode", 32, 3),
        Word("vcpus[1].requests", 32),
        Word("freed", 64, ghost=True),
    )
    assert words(0).words[-1].name == "freed"
    assert len(words(1).words) == 4


def test_each_call_becomes_its_micro_operation() -> None:
    @protocol
    def calls() -> None:
        x, y = word64(), word32()
        x_lock = word32()
        seen = ghost()

        @cpu
        def only() -> None:
            a = READ_ONCE(x.low)
            WRITE_ONCE(x.high, a + 1)
            b = xchg(y, 2)
            c = cmpxchg(x, b, 3)
            xadd(y, 1)
            fetch_or(y, 4)
            smp_mb()
            smp_wmb()
            barrier()
            lock(x_lock)
            unlock(x_lock)
            wait_until(y == c)
            note(seen, c)
            give_up()

    low, high, y = Place("x", Part.LOW), Place("x", Part.HIGH), Place("y")
    assert operations(calls()) == [
        Load("a", low),
        Store(high, Op("+", (Reg("a"), Const(1)))),
        Update("b", y, "=", Const(2)),
        CompareExchange("c", Place("x"), Reg("b"), Const(3)),
        Update(None, y, "+", Const(1)),
        Update(None, y, "|", Const(4)),
        Fence(),
        Barrier("smp_wmb"),
        Barrier("barrier"),
        Lock("x_lock"),
        Unlock("x_lock"),
        WaitUntil(Op("==", (Read(y), Reg("c")))),
        Note("seen", Reg("c")),
        GiveUp(),
    ]


def test_a_word_in_an_expression_is_a_load_and_a_ghost_is_not() -> None:
    @protocol
    def expressions() -> None:
        x, y = word32(), word32()
        seen = ghost()

        @cpu
        def only() -> None:
            a = x + y
            assert a == seen, "RULE-1: equal"

    assert operations(expressions()) == [
        Load("_1", Place("x")),
        Load("_2", Place("y")),
        Assign("a", Op("+", (Reg("_1"), Reg("_2")))),
        Check(Op("==", (Reg("a"), Read(Place("seen")))), "RULE-1: equal"),
    ]


def test_conditions_look_no_further_than_needed() -> None:
    @protocol
    def short(wanted: int) -> None:
        x, y = word32(1), word32(1)
        reached = ghost()

        @cpu
        def only() -> None:
            if x == wanted and not (y == 0 or y == wanted):
                note(reached, 1)
            else:
                note(reached, 2)

        at_end(reached != 1, "not reached")

    first, second = operations(short(0))[:2]
    assert (first, type(second)) == (Load("_1", Place("x")), JumpUnless)
    assert explore(short(0)).depth == 1, "one load decides"
    assert explore(short(1)).depth == 3, "y is read twice"
    assert explore(short(1)).found is None


def test_constant_conditions_are_decided_when_read() -> None:
    @protocol
    def constant(wide: bool) -> None:
        x = word32()

        @cpu
        def only() -> None:
            if wide or READ_ONCE(x):
                WRITE_ONCE(x, 1)
            if wide:
                WRITE_ONCE(x, 2)

    assert [type(operation) for operation in operations(constant(True))] == [Store, Store]
    assert [type(operation) for operation in operations(constant(False))] == [
        Load,
        JumpUnless,
        Store,
    ]


def test_a_loop_over_constants_is_written_out() -> None:
    @protocol
    def rounds() -> None:
        x = [word32() for _ in range(3)]

        @cpu
        def only() -> None:
            for number in range(3):
                if number == 1:
                    continue
                WRITE_ONCE(x[number], number)
                if number == 2:
                    break

    stores = [o for o in operations(rounds()) if isinstance(o, Store)]
    assert stores == [Store(Place("x[0]"), Const(0)), Store(Place("x[2]"), Const(2))]


def test_retries_give_up_and_a_break_leaves() -> None:
    @protocol
    def retrying() -> None:
        x = word32()

        @cpu
        def only() -> None:
            for _attempt in retries(LIMIT):
                if READ_ONCE(x):
                    break

        @cpu
        def other() -> None:
            WRITE_ONCE(x, 1)

    answer = explore(retrying(), Memory.SC)
    assert answer.gave_up
    assert len(answer.finals) == 1


def test_a_lock_is_dropped_on_every_way_out() -> None:
    @protocol
    def leaving() -> None:
        held, x = word32(), word32(1)

        @cpu
        def only() -> None:
            while True:
                with lock(held):
                    if READ_ONCE(x):
                        break
            with lock(held):
                return

        at_end(held == 0, "dropped")

    answer = explore(leaving())
    assert (answer.found, len(answer.finals)) == (None, 1)


@inline
def add_twice(place: Any, by: int) -> Any:
    old = xadd(place, by)
    xadd(place, by)
    return old + by


def test_an_inline_function_is_written_out_where_it_is_called() -> None:
    @protocol
    def adding() -> None:
        x, y = word32(), word32()

        @cpu
        def only() -> None:
            first = add_twice(x, 2)
            second = add_twice(y, READ_ONCE(x))
            assert first == 2, "first"
            assert second == 4, "second"

        at_end(x == 4 and y == 8, "sums")

    assert explore(adding()).found is None
    assert operations(adding())[0] == Update("add_twice.old", Place("x"), "+", Const(2))


def test_claims_and_questions() -> None:
    @protocol
    def claims(copies: int) -> None:
        x = word32()

        @cpu(copies)
        def each(number: int) -> None:
            value = xadd(x, number + 1)  # noqa: F841

        always(x < 10, "small")
        at_end(all(one.value in (0, 1, 2) for one in each), "order")
        possible(any(one.value == 2 for one in each), "the second first")

    program = claims(2)
    x = Read(Place("x"))
    assert program.always == (Always(Op("<", (x, Const(10))), "small"),)
    assert [final.quantifier for final in program.finals] == [
        Quantifier.FORALL,
        Quantifier.EXISTS,
    ]
    second = Op("==", (Reg("value", "each1"), Const(2)))
    assert program.finals[1] == Final(
        Quantifier.EXISTS,
        Op("or", (Op("==", (Reg("value", "each0"), Const(2))), second)),
        "the second first",
    )
    assert explore(program).found == "the second first"


def test_comments_give_lines_their_names() -> None:
    @protocol
    def labelled() -> None:
        x = word32()

        @cpu
        def only() -> None:
            WRITE_ONCE(x, 1)  # LW3: why
            WRITE_ONCE(x, 2)  # because of Intel
            WRITE_ONCE(x, 3)  # F4a

    code = labelled().threads[0].code
    assert [instruction.source.label for instruction in code] == ["LW3", "", "F4a"]
    assert code[0].source.file == __file__
    line = Path(__file__).read_text().split("\n")[code[0].source.line - 1]
    assert line[code[0].source.column - 1 :].startswith("WRITE_ONCE(x, 1)")


def test_jumps_stay_within_the_code() -> None:
    @protocol
    def looping() -> None:
        x = word32()

        @cpu
        def only() -> None:
            while READ_ONCE(x) == 0:
                if READ_ONCE(x) == 2:
                    return
                WRITE_ONCE(x, 1)

    for operation in operations(looping()):
        if isinstance(operation, Jump | JumpUnless):
            assert 0 <= operation.target <= len(operations(looping()))


@protocol
def unknown_name() -> None:
    @cpu
    def only() -> None:
        a = undeclared + 1  # type: ignore[name-defined] # noqa: F821, F841


@protocol
def a_call_of_something_else() -> None:
    @cpu
    def only() -> None:
        print(1)


@protocol
def an_index_too_large() -> None:
    x = [word32()]

    @cpu
    def only() -> None:
        WRITE_ONCE(x[1], 1)


@protocol
def a_store_to_a_constant() -> None:
    @cpu
    def only() -> None:
        WRITE_ONCE(LIMIT, 1)


@protocol
def an_assignment_to_nothing() -> None:
    x = record(mode=word32())

    @cpu
    def only() -> None:
        x.nothing = 1


@protocol
def a_loop_without_access() -> None:
    @cpu
    def only() -> None:
        while True:
            pass


@protocol
def a_half_of_a_narrow_word() -> None:
    x = word32()

    @cpu
    def only() -> None:
        WRITE_ONCE(x.low, 1)


@protocol
def a_break_outside() -> None:
    @cpu
    def only() -> None:
        give_up()

    @cpu
    def other() -> None:
        with open("x"):
            pass


@protocol
def a_word_in_a_constant_place() -> None:
    x = word32()

    @cpu
    def only() -> None:
        for _ in range(x):
            pass


@pytest.mark.parametrize(
    ("wrong", "error", "expected"),
    [
        (unknown_name, ProgramError, "nothing is named undeclared here"),
        (a_call_of_something_else, NotModelledError, "not modelled: print(1)"),
        (an_index_too_large, ProgramError, "x[1]: list index out of range"),
        (a_store_to_a_constant, ProgramError, "LIMIT is no shared word"),
        (an_assignment_to_nothing, ProgramError, "x.nothing"),
        (a_loop_without_access, ProgramError, "can loop here without any access"),
        (a_half_of_a_narrow_word, ProgramError, "only a 64-bit word has halves"),
        (a_break_outside, NotModelledError, "not modelled: with open('x'):"),
        (a_word_in_a_constant_place, NotModelledError, "for over range(x)"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_protocol_is_told_by_file_and_line(
    wrong: Any, error: type[ProgramError], expected: str
) -> None:
    with pytest.raises(error) as caught:
        wrong()
    assert expected in str(caught.value)
    source = caught.value.source
    assert source.file == __file__
    first = wrong.__wrapped__.__code__.co_firstlineno
    assert first < source.line < first + 12


@pytest.mark.parametrize("name", ["READ_ONCE", "smp_mb", "lock", "at_end", "possible", "xchg"])
def test_operations_are_read_not_run(name: str) -> None:
    import mmuspec.interleave.notation.vocabulary as vocabulary

    function = getattr(vocabulary, name)
    arguments = [0] * function.__code__.co_argcount
    with pytest.raises(TypeError, match=f"{name} stands for a step"):
        function(*arguments)
