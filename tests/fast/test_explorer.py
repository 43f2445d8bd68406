"""The explorer on a toy of which everything is known beforehand."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest

from mmuspec.fast.explorer import machine_code, tables
from mmuspec.fast.explorer.machine_code import gathers, kernel
from mmuspec.fast.explorer.model import Entry, OutOfMemory
from mmuspec.fast.explorer.search import Search
from mmuspec.fast.explorer.tables import Tables
from tests.fast.grid import BITS, LAST, Grid, grid

EDGE = LAST + 1


@contextmanager
def searching(
    oracle: Grid, threads: int = 1, bound: int = 1 << 30, claims: tuple[int, ...] = ()
) -> Iterator[Search]:
    model = grid(oracle, claims)
    search = Search(model, Tables(model, gathers()), kernel(model.wide), bound, threads)
    try:
        yield search
    finally:
        search.close()


def explore(search: Search) -> list[int]:
    """Go through all levels; return their sizes."""
    sizes, depth = [search.count], -1
    while depth != (depth := search.depth):
        before = search.count
        search.expand(lambda states, newest: None)
        sizes.append(search.count - before)
    return sizes[:-1]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("high", [False, True])
def test_every_state_is_met_once_while_the_table_grows(high: bool, threads: int) -> None:
    with searching(Grid(3, high), threads) as search:
        sizes = explore(search)
        assert search.count == EDGE**3
        assert search.depth == 3 * LAST
        # The number of ways to reach a sum with three counters.
        assert sizes[:LAST] == [(n + 1) * (n + 2) // 2 for n in range(LAST)]
        (end,) = search.ends()
        mask = (1 << 3 * BITS) - 1
        assert search.state(end) & mask == mask
        way = search.way(end)
        assert [state & mask for state in way[:1]] == [0]
        assert len(way) == 3 * LAST + 1
        assert all(is_step(a & mask, b & mask) for a, b in pairwise(way))


def is_step(before: int, after: int) -> bool:
    """Tell whether one counter went up by one."""
    return after - before in (1, 1 << BITS, 1 << 2 * BITS)


def test_an_entry_is_asked_for_once() -> None:
    oracle = Grid(3)
    with searching(oracle) as search:
        explore(search)
    assert sorted(oracle.asked) == [(cpu, number, 0) for cpu in range(3) for number in range(LAST)]


@pytest.mark.parametrize("high", [False, True])
def test_entries_found_by_a_hash_are_the_same(monkeypatch: pytest.MonkeyPatch, high: bool) -> None:
    monkeypatch.setattr(tables, "DIRECT_BITS", -1)
    with searching(Grid(2, high)) as search:
        explore(search)
        assert search.count == EDGE**2


def test_a_wrong_entry_shows() -> None:
    class Wrong(Grid):
        def entry(self, cpu: int, number: int, key: int) -> Entry | None:
            right = super().entry(cpu, number, key)
            return None if (cpu, number) == (1, 20) else right

    with searching(Wrong(3)) as search:
        explore(search)
        assert search.count == EDGE**2 * 21
        assert not list(search.ends())


def test_a_state_that_nothing_leads_on_from_is_a_deadlock() -> None:
    class Stops(Grid):
        def entry(self, cpu: int, number: int, key: int) -> Entry | None:
            return None if number == 3 else super().entry(cpu, number, key)

    with searching(Stops(2)) as search:
        found = [search.expand(lambda states, newest: None)[1] for _ in range(7)]
        assert found[:6] == [None] * 6
        assert found[6] is not None
        assert search.state(found[6]) == 3 | 3 << BITS


@pytest.mark.parametrize("threads", [1, 2])
def test_a_claim_fails_where_it_is_said_to(threads: int) -> None:
    with searching(Grid(3), threads, claims=(LAST,)) as search:
        while not (failed := search.check()):
            search.expand(lambda states, newest: None)
        assert search.depth == 50
        assert {(claim, search.state(number)) for claim, number in failed} == {(0, 50)}


@pytest.mark.parametrize("threads", [1, 2])
def test_the_bound_is_kept_and_told(threads: int) -> None:
    with searching(Grid(3), threads, bound=3_000_000) as search:
        with pytest.raises(OutOfMemory) as full:
            explore(search)
        assert full.value.states <= search.count < EDGE**3
        assert sum(worker.bytes for worker in search.workers) <= 3_000_000


def test_machine_code_that_is_damaged_or_cannot_be_kept_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    kernel(False)
    name = machine_code.key(False)
    code = machine_code.read(name)
    monkeypatch.setattr(machine_code, "folders", lambda: [tmp_path])
    assert machine_code.read(name) is None
    machine_code.write(name, b"code")
    assert machine_code.read(name) == b"code"
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-1])
    assert machine_code.read(name) is None
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(machine_code, "folders", lambda: [tmp_path / "file"])
    monkeypatch.setattr(machine_code, "compiled", lambda wide: code)
    assert machine_code.kernel.__wrapped__(False)
