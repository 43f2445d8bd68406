"""The clauses of every epoch: complete, used, described, and as the kernels have them."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import mmuspec
from mmuspec.epochs import (
    EPOCHS,
    V3_10,
    V3_11,
    V5_10,
    V6_1,
    Epoch,
    FastPfLarge,
    ZapGeneration,
    epoch_named,
)
from mmuspec.epochs.describe import by_topic, clauses, for_machines, in_words, rows
from mmuspec.kvm.state import constants
from mmuspec.kvm.state.defects import DEFECTS
from mmuspec.rules.check import symbols

PACKAGE = Path(mmuspec.__file__).parent
FIELDS = [field.name for field in fields(Epoch) if field.name != "name"]
OUTSIDE = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("epochs", "rules", "site", "cli")
)


@pytest.mark.parametrize("name", FIELDS)
def test_every_clause_is_read_by_the_model(name: str) -> None:
    assert re.search(rf"\bepoch\.{name}\b", OUTSIDE), f"nothing reads Epoch.{name}"


@pytest.mark.parametrize("name", FIELDS)
def test_every_clause_differs_somewhere(name: str) -> None:
    values = [getattr(epoch, name) for epoch in EPOCHS.values()]
    assert any(value != values[0] for value in values), f"Epoch.{name} is {values[0]} everywhere"


def test_every_field_is_a_clause_with_a_topic_and_a_sentence() -> None:
    assert sorted(clause.name for clause in clauses()) == sorted({*FIELDS} - {"defects"})
    for clause in clauses():
        assert re.fullmatch(r"[A-Zmp].*\.", clause.meaning), clause
        assert clause.topic


def test_versions_are_listed_oldest_first_and_found_by_name() -> None:
    assert list(EPOCHS) == ["v3.10", "v3.11", "v5.10", "v6.1"]
    assert epoch_named("v5.10") is V5_10
    with pytest.raises(KeyError, match=r"no epoch 'v4\.19'; .* v3\.10, v3\.11, v5\.10, v6\.1"):
        epoch_named("v4.19")


def test_only_what_differs_is_listed() -> None:
    names = [row.clause.name for row in rows([V3_10, V3_11])]
    assert names == [
        "generation",
        "mmio_generation_offset",
        "zap_generation",
        "reports_check_mmio_spte",
    ]
    assert rows([V3_11, V3_11]) == []
    assert len(rows([V3_11], everything=True)) == len(clauses())


def test_topics_keep_their_order_and_lose_nothing() -> None:
    found = rows(list(EPOCHS.values()))
    topics = by_topic(found)
    assert list(topics)[:2] == ["Shadow pages", "The role"]
    assert [row for some in topics.values() for row in some] == found


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("role_forces_nx", True, "yes"),
        ("role_forces_nx", False, "no"),
        ("direct_role_cr4_pae", None, "as its context"),
        ("pte_list_ext", 14, "14"),
        ("walk_ignores", 8, "RSVD"),
        ("walk_ignores", 0, "none"),
        ("cr0_resets", V5_10.cr0_resets, "WP PG"),
        ("role_layout", {"level": (0, 4), "direct": (7, 1)}, "level 0-3, direct 7"),
        ("generation", V3_10.generation, "none"),
        ("generation", V6_1.generation, "bits 0-7 at 3-10, bits 8-18 at 52-62"),
        ("zap_generation", ZapGeneration.TOGGLE, "a byte that alternates between 0 and 1"),
    ],
)
def test_values_in_words(name: str, value: Any, words: str) -> None:
    assert in_words(name, value) == words


def test_values_for_machines() -> None:
    assert for_machines(ZapGeneration.TOGGLE) == "TOGGLE"
    assert for_machines({"level": (0, 4)}) == {"level": [0, 4]}
    assert for_machines(V5_10.generation)["high_shift"] == 54
    assert for_machines(True) is True


# From arch/x86/kvm/mmu.c, mmu.h and include/asm/kvm_host.h (v3.11), and from
# arch/x86/kvm/mmu/{mmu.c,mmu_internal.h,spte.h} and include/asm/kvm_host.h (v5.10, v6.1).
PARAMETERS: dict[str, tuple[object, object, object]] = {
    "generation bits stored": (19, 18, 19),
    "generation modulus": (1 << 19, 1 << 18, 1 << 19),
    "first generation bit stored": (0, 0, 0),
    "low bits: how many": (9, 9, 8),
    "low bits: from": (3, 3, 3),
    "high bits: how many": (10, 9, 11),
    "high bits: from": (52, 54, 52),
    "generation offset": (-151, 0, 0),
    "generation step": (1, 2, 2),
    "zap generation": (ZapGeneration.COUNTER, ZapGeneration.TOGGLE, ZapGeneration.TOGGLE),
    "host-writable bit": (10, 10, 9),
    "MMU-writable bit": (11, 11, 10),
    "present bit": (0, 0, 11),
    "first bit of role.access": (14, 8, 8),
    "name of role bit 4": ("cr4_pae", "gpte_is_8_bytes", "has_4_byte_gpte"),
    "PTE_LIST_EXT": (3, 3, 14),
    "KVM_MMU_HASH_SHIFT": (10, 12, 12),
    "KVM_MMU_NUM_PREV_ROOTS": (0, 3, 3),
    "the vCPU's MMIO cache knows the generation": (False, True, True),
    "large spte in a fast page fault": (
        FastPfLarge.ALWAYS,
        FastPfLarge.NEVER,
        FastPfLarge.NOT_LOGGED,
    ),
    "write protection drops a large spte": (True, False, False),
}


def parameters(epoch: Epoch) -> dict[str, object]:
    layout, role = epoch.generation, epoch.role_layout
    return {
        "generation bits stored": layout.low_count + layout.high_count,
        "generation modulus": 1 << layout.bits,
        "first generation bit stored": layout.dropped,
        "low bits: how many": layout.low_count,
        "low bits: from": layout.low_shift,
        "high bits: how many": layout.high_count,
        "high bits: from": layout.high_shift,
        "generation offset": epoch.mmio_generation_offset,
        "generation step": epoch.slots_generation_step,
        "zap generation": epoch.zap_generation,
        "host-writable bit": epoch.host_writeable_bit,
        "MMU-writable bit": epoch.mmu_writeable_bit,
        "present bit": epoch.present_bit,
        "first bit of role.access": role["access"][0],
        "name of role bit 4": next(name for name, place in role.items() if place == (4, 1)),
        "PTE_LIST_EXT": epoch.pte_list_ext,
        "KVM_MMU_HASH_SHIFT": epoch.hash_shift,
        "KVM_MMU_NUM_PREV_ROOTS": epoch.previous_roots,
        "the vCPU's MMIO cache knows the generation": "BUG-7" not in epoch.defects,
        "large spte in a fast page fault": epoch.fast_pf_large,
        "write protection drops a large spte": epoch.write_protect_drops_large,
    }


@pytest.mark.parametrize(("column", "epoch"), [(0, V3_11), (1, V5_10), (2, V6_1)], ids=str)
def test_parameters_are_those_of_the_kernel(column: int, epoch: Epoch) -> None:
    expected = {name: values[column] for name, values in PARAMETERS.items()}
    assert parameters(epoch) == expected


def test_thresholds_are_the_same_in_all_versions() -> None:
    # detect_write_flooding(), RMAP_RECYCLE_THRESHOLD, BATCH_ZAP_PAGES
    assert constants.WRITE_FLOODING_LIMIT == 3
    assert constants.RMAP_RECYCLE_THRESHOLD == 1000
    assert constants.BATCH_ZAP_PAGES == 10


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
def test_role_fields_fill_disjoint_bits_of_one_word(epoch: Epoch) -> None:
    taken = [low + i for low, width in epoch.role_layout.values() for i in range(width)]
    assert len(taken) == len(set(taken))
    assert max(taken) < 32


# A version read of which no more is known than the year stands between two others.
LABELS = list(next(iter(symbols().values()))["presence"])
GENERATION_ONLY = {"BUG-9", "QUIRK-7"}
"""Defects of what v3.11 brought: v3.10 cannot have them."""


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
@pytest.mark.parametrize("name", DEFECTS)
def test_an_epoch_has_a_defect_until_it_is_repaired(name: str, epoch: Epoch) -> None:
    repaired = DEFECTS[name].repaired_in
    unrepaired = repaired is None or LABELS.index(epoch.name) < LABELS.index(repaired)
    expected = unrepaired and not (epoch is V3_10 and name in GENERATION_ONLY)
    assert (name in epoch.defects) is expected


@pytest.mark.parametrize("epoch", EPOCHS.values(), ids=str)
def test_every_defect_of_an_epoch_is_known(epoch: Epoch) -> None:
    assert epoch.defects <= DEFECTS.keys()
