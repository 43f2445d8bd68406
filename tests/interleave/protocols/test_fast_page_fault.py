"""Fast page fault: what holds against each of the others, and which guards see to it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mmuspec.interleave.decide import decide
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.protocols.fast_page_fault_dirty_log import (
    AFTER_G3,
    BEFORE_G1,
    BEFORE_G2,
    BEFORE_G3,
    dirty_log,
    late_report,
    where_reported,
)
from mmuspec.interleave.protocols.fast_page_fault_write_protect import (
    LOCKLESS,
    READ,
    flush_order,
    write_protection,
)
from mmuspec.interleave.protocols.fast_page_fault_zap import frame_reuse, lost_dirty_bit
from mmuspec.rules import read
from mmuspec.rules.mutate import applied

from .needed import needed

MUTANTS = {mutant.id: mutant for mutant in read().mutants if mutant.id.startswith("FPF-")}

SOUND = [
    (dirty_log, {}, 46, 72),
    (dirty_log, {"cached": False}, 71, 107),
    (dirty_log, {"reports": 2}, 121, 184),
    (dirty_log, {"reports": 3}, 200, 300),
    (dirty_log, {"vcpus": 2}, 454, 1101),
    (dirty_log, {"vcpus": 2, "cached": False}, 823, 1991),
    (dirty_log, {"vcpus": 2, "reports": 2}, 1703, 4084),
    (where_reported, {}, 46, 84),
    (where_reported, {"cached": False}, 70, 118),
    (write_protection, {}, 72, 105),
    (write_protection, {"writable": True}, 28, 44),
    (write_protection, {"by_host": True}, 82, 142),
    (write_protection, {"by_host": True, "writable": True}, 28, 51),
    (write_protection, {"owed_if": LOCKLESS}, 84, 121),
    (write_protection, {"vcpus": 2}, 751, 1787),
    (write_protection, {"vcpus": 2, "writable": True}, 174, 414),
    (write_protection, {"vcpus": 2, "by_host": True}, 822, 2282),
    (flush_order, {}, 180, 317),
    (flush_order, {"owed_if": LOCKLESS}, 194, 333),
    (flush_order, {"inside": False, "owed_if": LOCKLESS}, 254, 433),
    (lost_dirty_bit, {}, 70, 100),
    (frame_reuse, {}, 75, 126),
]

LARGE = [
    (dirty_log, {"vcpus": 3}, 4868, 18674),
    (dirty_log, {"vcpus": 2, "reports": 2, "writes": 2}, 9404, 24683),
    (write_protection, {"vcpus": 3}, 7519, 29615),
]


def check_sound(protocol: Any, parameters: dict[str, Any], states: list[int]) -> None:
    answers = [decide(protocol(**parameters), memory) for memory in Memory]
    assert [answer.found for answer in answers] == [None, None]
    assert [answer.states for answer in answers] == states


@pytest.mark.parametrize(("protocol", "parameters", "sc", "tso"), SOUND)
def test_a_sound_protocol_has_its_count_of_states(
    protocol: Any, parameters: dict[str, Any], sc: int, tso: int
) -> None:
    check_sound(protocol, parameters, [sc, tso])


@pytest.mark.nightly
@pytest.mark.parametrize(("protocol", "parameters", "sc", "tso"), LARGE)
def test_so_has_one_with_more_vcpus(
    protocol: Any, parameters: dict[str, Any], sc: int, tso: int
) -> None:
    check_sound(protocol, parameters, [sc, tso])


@pytest.mark.parametrize("memory", Memory)
@pytest.mark.parametrize(
    ("protocol", "parameters", "rule"),
    [
        (dirty_log, {"flushes": False}, "FPF-6"),
        (dirty_log, {"flushes": False, "vcpus": 2}, "FPF-6"),
        (write_protection, {"owed_if": READ}, "FPF-2"),
        (flush_order, {"owed_if": READ}, "FPF-2"),
        (flush_order, {"inside": False}, "FPF-2"),
        (flush_order, {"inside": False, "owed_if": READ}, "FPF-2"),
        (lost_dirty_bit, {"lockless_is_volatile": False}, "FPF-1"),
        (frame_reuse, {"direct": False}, "FPF-8"),
    ],
)
def test_a_broken_variant_breaks_its_rule(
    protocol: Any, parameters: dict[str, Any], rule: str, memory: Memory
) -> None:
    found = decide(protocol(**parameters), memory).found
    assert found is not None
    assert found.startswith(f"{rule}: ")


@pytest.mark.rule("FPF-6")
@pytest.mark.parametrize("memory", Memory)
def test_each_write_is_in_the_report_under_way_or_in_the_next(memory: Memory) -> None:
    rows = set()
    for cached in (True, False):
        program = where_reported(cached)
        for final in decide(program, memory, all_states=True).finals:
            word = dict(zip(program.word, final.memory, strict=True))
            rows.add((word["page"], word["reported"], word["bitmap"]))
    assert rows == {
        (BEFORE_G1, 1, 0),
        (BEFORE_G2, 1, 0),
        (BEFORE_G3, 1, 0),
        (BEFORE_G3, 1, 1),
        (AFTER_G3, 1, 1),
    }


@pytest.mark.rule("FPF-6")
@pytest.mark.parametrize("memory", Memory)
@pytest.mark.parametrize("reports", [1, 2, 3])
def test_any_number_of_reports_may_miss_a_write_while_its_mark_is_delayed(
    reports: int, memory: Memory
) -> None:
    assert decide(late_report(reports), memory).found is not None


HARDWARE = {"V2a.1", "V6.1"}
"""What a guest does, which no rule forbids."""


@pytest.mark.parametrize(
    ("protocol", "parameters", "both", "tso_only", "harmless"),
    [
        (
            dirty_log,
            {"reports": 2},
            {"G1", "G1a.2", "G2a.2", "V3.1", "G4a.2", "FP8.3", "G3"},
            {"V1"},
            {"G2", "V4a.1", "FP3.1", "FP5.1", "FP6.1", "FP8.1", "FP9", "G3a"},
        ),
        (
            write_protection,
            {},
            {"WP2.3", "WP3", "V3.1", "V4a.1", "FP6.2", "FP8.1", "G3", "WP4.2"},
            {"V1"},
            {"WP2.1", "FP3.1", "FP5.1", "FP8.2", "FP9", "V7.1", "G3a"},
        ),
        (
            write_protection,
            {"by_host": True},
            {"V3.1", "V4a.1", "FP6.2", "FP8.1", "G3"},
            {"V1"},
            {"CP1", "FP3.1", "FP5.1", "FP8.2", "FP9", "V7.1", "G3a"},
        ),
        (
            flush_order,
            {},
            {"WP2.3", "WP3", "V3.1", "V4a.1", "FP6.2", "FP8.1", "G3", "G0", "G3b.2", "WP0"}
            | {"WP4.2"},
            {"V1"},
            {"WP2.1", "FP3.1", "FP5.1", "FP8.2", "FP9", "G3a", "V7.1"},
        ),
        (
            flush_order,
            {"inside": False, "owed_if": LOCKLESS},
            {"WP2.3", "V3.1", "V4a.1", "FP6.2", "FP8.1", "G3", "G0", "WP0", "WP4.2"},
            {"V1"},
            {"WP2.1", "WP3", "FP3.1", "FP5.1", "FP8.2", "FP9", "G3a", "V7.1", "G3b.1"},
        ),
        (
            lost_dirty_bit,
            {},
            {"TB2.4", "TB3", "TB4.2", "V3.1", "V3.3", "V3.4", "V4a.1", "FP8.1", "G3"},
            set(),
            {"V7.1", "TB2.1", "V1", "FP3.1", "FP5.1", "FP6.1", "FP8.2", "FP9", "G3a"},
        ),
    ],
)
def test_which_guards_are_needed(
    protocol: Any,
    parameters: dict[str, Any],
    both: set[str],
    tso_only: set[str],
    harmless: set[str],
) -> None:
    assert needed(protocol(**parameters)) == (both, tso_only, harmless | HARDWARE)


CAUGHT_BY: dict[str, Callable[[], Program]] = {
    "FPF-1/believe-the-copy": lost_dirty_bit,
    "FPF-2/believe-the-copy": write_protection,
    "FPF-2/never-flush": write_protection,
    "FPF-5/plain-store": write_protection,
    "FPF-5/atomic-or": write_protection,
    "FPF-6/protect-before-collecting": partial(dirty_log, reports=2),
    "FPF-6/no-flush": dirty_log,
    "FPF-6/mark-first": partial(dirty_log, reports=2),
    "FPF-6/mark-nothing": partial(dirty_log, reports=2),
    "FPF-7/keep-m": write_protection,
    "FPF-7/one-after-the-other": write_protection,
    "FPF-8/indirect-pages-too": frame_reuse,
}


@pytest.mark.parametrize("memory", Memory)
@pytest.mark.parametrize("mutant", CAUGHT_BY)
def test_a_mutant_of_a_protocol_breaks_a_claim(mutant: str, memory: Memory) -> None:
    with applied(MUTANTS[mutant]):
        assert decide(CAUGHT_BY[mutant](), memory).found is not None
