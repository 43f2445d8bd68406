"""Golden values: what the layouts of each version make of the same pages and generations.

From union kvm_mmu_page_role (arch/x86/include/asm/kvm_host.h) and
generation_mmio_spte_mask() (arch/x86/kvm/mmu.c, mmu/spte.c) of each version.
"""

import pytest

from mmuspec.epochs import EPOCHS, V3_10, V3_11, V5_10, V6_1
from mmuspec.kvm.state.defects import DEFECTS
from mmuspec.scenario.epoch_facts import (
    GENERATIONS,
    Fact,
    defects,
    differing,
    generation_bits,
    role_words,
)

KERNELS = (V3_11, V5_10, V6_1)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        # level 1, indirect, ACC_ALL, nx, wp
        ("4-level guest, leaf table", ("0xdc011", "0x3711", "0x3701")),
        # level 1, quadrant 1, ACC_ALL, wp; the guest has NX off, which v6.1 overrules
        ("2-level guest, second half of a leaf table", ("0x9c021", "0x2721", "0x3731")),
        # 4 levels, direct, A/D bits usable; v5.10 copies the guest's NX and WP
        ("NPT, root", ("0x1e004", "0x3794", "0x3784")),
    ],
)
def test_role_words(what: str, words: tuple[str, ...]) -> None:
    assert Fact(what, words) in role_words(KERNELS)


@pytest.mark.parametrize(
    ("what", "bits"),
    [
        ("all bits", ("0x3ff0000000000ff8", "0x7fc0000000000ff8", "0x7ff00000000007f8")),
        ("0x2", ("0x10", "0x10", "0x10")),
        ("0x100", ("0x800", "0x800", "0x10000000000000")),
        ("0x200", ("0x10000000000000", "0x40000000000000", "0x20000000000000")),
        ("0x400", ("0x20000000000000", "0x80000000000000", "0x40000000000000")),
        ("at VM start", ("0x7ff69", "0x0", "0x0")),
    ],
)
def test_generation_bits(what: str, bits: tuple[str, ...]) -> None:
    assert Fact(what, bits) in generation_bits(KERNELS)


def test_v3_10_stores_no_generation() -> None:
    facts = generation_bits([V3_10])
    assert len(facts) == len(GENERATIONS) + 2
    assert {fact.values for fact in facts} == {("0x0",)}


def test_differing_leaves_out_what_is_the_same() -> None:
    assert [fact.what for fact in differing(generation_bits(KERNELS))] == [
        "all bits",
        "0x100",
        "0x200",
        "0x400",
        "at VM start",
    ]
    assert differing(role_words([V3_10, V3_11])) == []


def test_defects_are_those_of_the_epochs() -> None:
    every = defects(list(EPOCHS.values()))
    assert [fact.name for fact in every] == list(DEFECTS)
    bug = next(fact for fact in every if fact.name == "BUG-4")
    assert bug.present == (True, True, True, False)
    assert bug.repaired_in == "v5.15"


def test_defects_that_two_versions_share_can_be_left_out() -> None:
    names = {fact.name for fact in defects([V5_10, V6_1], everything=False)}
    assert names == V5_10.defects - V6_1.defects
    assert {fact.name for fact in defects([V5_10, V6_1])} == V5_10.defects | V6_1.defects
