"""What is left of a protocol when one of its guards is taken out."""

from dataclasses import replace

import pytest
from hypothesis import given

from mmuspec.interleave.explore import explore
from mmuspec.interleave.guards import Guard, UnknownGuardError, examine, guard, guards
from mmuspec.interleave.notation import (
    READ_ONCE,
    WRITE_ONCE,
    at_end,
    cmpxchg,
    cpu,
    lock,
    protocol,
    retries,
    smp_mb,
    smp_wmb,
    wait_until,
    word32,
    xadd,
    xchg,
)
from mmuspec.interleave.operations import (
    Assign,
    Barrier,
    CompareExchange,
    Fence,
    GiveUp,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Memory, Program, Source, Thread
from mmuspec.interleave.validate import problems

from .programs import programs


@protocol
def everything() -> None:
    x, y, held = word32(), word32(), word32()

    @cpu(2)
    def each() -> None:
        with lock(held):  # A1
            WRITE_ONCE(x, 1)  # A2
            smp_wmb()  # A3
            WRITE_ONCE(y, y + 1)  # A4
        smp_mb()  # A5
        xadd(x, 2)  # A6
        old = xchg(y, 3)  # A7
        cmpxchg(x, old, 5)  # A8
        wait_until(y == 3)  # A9
        for _attempt in retries(2):
            if READ_ONCE(x) and READ_ONCE(y):  # B1
                break


def kinds(weaker: Guard) -> list[type]:
    """Return the kinds of operation of the first CPU."""
    return [type(i.operation) for i in weaker.weakened.threads[0].code]


def without(name: str) -> Guard:
    return guard(everything(), name)


@pytest.fixture(scope="module")
def whole() -> list[type]:
    return [type(i.operation) for i in everything().threads[0].code]


def test_every_guard_has_a_name_of_its_own() -> None:
    names = [each.name for each in guards(everything())]
    assert names == [
        "A1", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "B1.1", "B1.2", "B1.3", "B1.4",
    ]  # fmt: skip


def test_an_unknown_guard_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownGuardError, match=r"(?s)no guard is named Z1.*A5: smp_mb\(\) left"):
        guard(everything(), "Z1")


@pytest.mark.parametrize(
    ("name", "gone", "come"),
    [
        ("A1", [Lock, Unlock], []),
        ("A3", [Barrier], []),
        ("A4", [Load, Store], []),
        ("A5", [Fence], []),
        ("A6", [Update], [Load, Store]),
        ("A7", [Update], [Load, Store]),
        ("A8", [CompareExchange], [Load, JumpUnless, Store]),
        ("A9", [WaitUntil], []),
        ("B1.1", [JumpUnless], []),
        ("B1.2", [JumpUnless], [Jump]),
    ],
)
def test_what_each_weakening_does(
    name: str, gone: list[type], come: list[type], whole: list[type]
) -> None:
    now = kinds(without(name))
    for kind in {*gone, *come}:
        assert now.count(kind) == whole.count(kind) - gone.count(kind) + come.count(kind), kind


def test_cpus_that_run_the_same_lines_lose_a_guard_together() -> None:
    first, second = without("A5").weakened.threads
    assert first.code == second.code


def test_a_compiler_barrier_lets_its_neighbours_change_places() -> None:
    @protocol
    def stores() -> None:
        x, y = word32(), word32()

        @cpu
        def writer() -> None:
            WRITE_ONCE(x, 1)
            smp_wmb()  # W1
            WRITE_ONCE(y, 1)

    (only,) = guards(stores())
    first, second = (i.operation for i in only.weakened.threads[0].code)
    assert (first.place.word, second.place.word) == ("y", "x")  # type: ignore[union-attr]


def test_accesses_that_depend_keep_their_order() -> None:
    @protocol
    def dependent() -> None:
        x, y = word32(), word32()

        @cpu
        def copier() -> None:
            value = READ_ONCE(x)
            smp_wmb()  # W1
            WRITE_ONCE(y, value)

    assert guards(dependent()) == ()


def test_jumps_follow_when_instructions_go() -> None:
    for each in guards(everything()):
        assert list(problems(each.weakened)) == [], each.name
        answer = explore(each.weakened, Memory.SC)
        assert answer.finals or answer.gave_up, each.name


@protocol
def store_buffering() -> None:
    x, y = word32(), word32()

    @cpu
    def first() -> None:
        WRITE_ONCE(x, 1)
        smp_mb()  # M1
        a = READ_ONCE(y)  # noqa: F841

    @cpu
    def second() -> None:
        WRITE_ONCE(y, 1)
        smp_mb()  # M2
        b = READ_ONCE(x)  # noqa: F841

    at_end(first.a or second.b, "somebody sees the other")


def test_a_fence_is_needed_under_tso_only() -> None:
    verdicts = {verdict.guard.name: verdict for verdict in examine(store_buffering())}
    assert set(verdicts) == {"M1", "M2"}
    for verdict in verdicts.values():
        sc, tso = verdict.answers
        assert (sc.memory, sc.found) == (Memory.SC, None)
        assert tso.found == "somebody sees the other"
        assert verdict.harmful


def test_of_a_test_only_the_harmful_way_to_leave_it_out_is_told() -> None:
    @protocol
    def careful() -> None:
        x, ready = word32(), word32()

        @cpu
        def writer() -> None:
            WRITE_ONCE(x, 1)
            WRITE_ONCE(ready, 1)

        @cpu
        def reader() -> None:
            if READ_ONCE(ready):  # T1
                value = READ_ONCE(x)
                assert value, "ready means written"

    verdicts = list(examine(careful()))
    assert [verdict.guard.text for verdict in verdicts] == ["not looked at: as if it held"]


def placed(thread: Thread) -> Thread:
    """Return *thread* as if somebody had written each instruction on its own line."""
    code = (replace(i, source=Source("text", n, 1)) for n, i in enumerate(thread.code, 1))
    return replace(thread, code=tuple(code))


@given(programs())
def test_any_program_without_a_guard_is_a_program(program: Program) -> None:
    program = replace(program, threads=tuple(map(placed, program.threads)))
    for each in guards(program):
        assert list(problems(each.weakened)) == []
        assert each.weakened != program


def test_what_nobody_wrote_is_no_guard() -> None:
    unwritten = [i.operation for i in everything().threads[0].code if not i.source.line]
    assert [type(operation) for operation in unwritten] == [Assign, Assign, JumpUnless, GiveUp]
