"""Zapping, MMIO generations, notifiers, syncs: what holds, and which guards see to it."""

from typing import Any

import pytest

from mmuspec.epochs import EPOCHS, using
from mmuspec.interleave.decide import decide
from mmuspec.interleave.program import Memory
from mmuspec.interleave.protocols.mmio_generation import mmio_generation
from mmuspec.interleave.protocols.notifier import notifier
from mmuspec.interleave.protocols.sync import sync_children, sync_roots
from mmuspec.interleave.protocols.tlbs_dirty import tlbs_dirty
from mmuspec.interleave.protocols.zap_all import zap_all

from .needed import needed

SOUND = [
    (zap_all, {}, 735, 1563),
    (zap_all, {"entries": 3}, 1132, 2463),
    (mmio_generation, {"repaired": True}, 54, 100),
    (notifier, {}, 161, 291),
    (notifier, {"attempts": 4}, 277, 503),
    (notifier, {"ranged": False}, 93, 155),
    (sync_children, {}, 68, 175),
    (sync_roots, {}, 22, 53),
    (tlbs_dirty, {}, 332, 590),
]


@pytest.mark.parametrize(("protocol", "parameters", "sc", "tso"), SOUND)
def test_a_sound_protocol_has_its_count_of_states(
    protocol: Any, parameters: dict[str, Any], sc: int, tso: int
) -> None:
    answers = [decide(protocol(**parameters), memory) for memory in Memory]
    assert [answer.found for answer in answers] == [None, None]
    assert [answer.states for answer in answers] == [sc, tso]


@pytest.mark.parametrize("memory", Memory)
@pytest.mark.parametrize(
    ("protocol", "parameters", "rule"),
    [
        (zap_all, {"reload_inside": False}, "ZAP-2"),
        (mmio_generation, {"repaired": False}, "MMIO-8"),
        (sync_children, {"flush_first": False}, "SYNC-1"),
    ],
)
def test_a_broken_variant_breaks_its_rule(
    protocol: Any, parameters: dict[str, Any], rule: str, memory: Memory
) -> None:
    found = decide(protocol(**parameters), memory).found
    assert found is not None
    assert found.startswith(f"{rule}: ")


@pytest.mark.parametrize(
    ("protocol", "parameters", "both", "tso_only", "harmless"),
    [
        (
            zap_all,
            {},
            {"K2", "K2a.2", "K3", "Z0", "C4.2", "V3.2"},
            {"V2"},
            {"K1", "Z3", "C1", "C2.1", "C3", "H1", "H2.1"},
        ),
        (mmio_generation, {"repaired": True}, {"G3", "S3.1"}, {"G2", "G5", "S2"}, {"S4.1"}),
        (
            notifier,
            {},
            {"F2", "F4", "F5.1", "F6.1", "N1", "N2.1", "N7"},
            set(),
            {"N2.2", "N4", "N5", "N6", "N8", "N9"},
        ),
        (
            sync_children,
            {},
            {"K2", "K2a.2", "K3", "Y0", "V3.1", "V3.2", "V3a.1", "V3a.2", "V6"},
            {"V2"},
            {"K1", "Y3", "V7"},
        ),
        (
            tlbs_dirty,
            {},
            {"Y0", "Y2", "T3", "W1.1", "N1", "N2.1", "N2.4"},
            {"N4"},
            {"Y1", "T2", "N5"},
        ),
        (sync_roots, {}, {"U2", "W1.1", "W3.2"}, set(), {"U0", "W2", "W3a", "W3b"}),
    ],
)
def test_which_guards_are_needed(
    protocol: Any,
    parameters: dict[str, Any],
    both: set[str],
    tso_only: set[str],
    harmless: set[str],
) -> None:
    assert needed(protocol(**parameters)) == (both, tso_only, harmless)


@pytest.mark.parametrize("version", list(EPOCHS.values()), ids=str)
def test_the_generation_race_is_in_the_versions_that_have_it(version: Any) -> None:
    with using(version):
        answer = decide(mmio_generation())
    assert (answer.found is not None) == ("BUG-9" in version.defects)
