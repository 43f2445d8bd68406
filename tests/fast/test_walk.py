from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.x86.controls import (
    CR0_PE,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_PGE,
    CR4_PSE,
    CR4_SMAP,
    CR4_SMEP,
    EFER_LMA,
    EFER_LME,
    EFER_NX,
    EFLAGS_AC,
    Controls,
)
from mmuspec.x86.entry import PS, RW, US, A, D, G, P
from mmuspec.x86.exceptions import GeneralProtection, LinearAddressError, PageFault
from mmuspec.x86.mode import LEGACY32, LONG4, NO_PAGING, PAE, PagingMode, mode_of
from mmuspec.x86.walk import Accessed, load_pdptes, walk

pytest.importorskip("numba", reason="numba, which compiles the kernels, is not installed")

from mmuspec.fast.walk import FlatMemory, Words, walk_many

from ..x86.probes import probes

WORDS = 0x120_000 // 8
"""Words of the flat memory in which the tables of a probe must lie."""
PAGES = 16
"""Pages that random entries lead to; page 0 stays empty, page 1 is the root."""
MODES = [NO_PAGING, LEGACY32, PAE, LONG4]
LINEARS = [0, 0x1000, 0x20_0000, 0x40_2000, 0x4000_0000, 0xC000_3008, (1 << 32) - 1]
LONG_LINEARS = [*LINEARS, 1 << 39, (1 << 47) - 1, 1 << 47, (1 << 64) - 1, (1 << 64) - (1 << 47)]
ACCESSES = [0, 2, 4, 6, 16, 20]


def random_controls(rng: Random, mode: PagingMode) -> Controls:
    cr0 = CR0_PE | rng.choice([0, CR0_WP]) | (0 if mode is NO_PAGING else CR0_PG)
    cr4 = sum(rng.choice([0, bit]) for bit in (CR4_PGE, CR4_PSE, CR4_SMEP, CR4_SMAP))
    cr4 |= CR4_PAE if mode in (PAE, LONG4) else 0
    efer = rng.choice([0, EFER_NX]) | (EFER_LME | EFER_LMA if mode is LONG4 else 0)
    return Controls(cr0, 0x1000, cr4, efer, rng.choice([0, EFLAGS_AC]), rng.choice([36, 40, 52]))


def random_entry(rng: Random, mode: PagingMode) -> int:
    """Return an entry that most often leads on, to one of the few pages."""
    value = rng.randrange(PAGES + 2) << 12 | rng.choice([0, 0, 0, PS])
    value |= rng.choice([P | RW | US, P | RW | US, P | US, P | RW, P, 0])
    value |= rng.choice([0, A]) | rng.choice([0, D]) | rng.choice([0, G])
    if rng.random() < 0.1:
        value |= 1 << rng.randrange(9, 8 * mode.entry_size)
    return value & ~0x3FFF_E000 if value & PS and rng.random() < 0.5 else value


def random_tables(rng: Random, mode: PagingMode, linears: list[int]) -> Words:
    """Return memory in which every entry that *linears* may use is filled."""
    memory = FlatMemory(np.zeros(PAGES * 512, np.uint64))
    for level in range(1, mode.levels + 1):
        for page in range(0x1000, PAGES << 12, 0x1000):
            for linear in linears:
                where = page + mode.entry_size * mode.index(linear, level)
                memory.write(where, random_entry(rng, mode), mode.entry_size)
    for pdpte in range(0x1000, 0x1020, 8) if mode is PAE and rng.random() < 0.9 else ():
        memory.write(pdpte, memory.read(pdpte, 8) & 0xFE19, 8)
    return memory.words


Outcome = tuple[Any, ...]
"""How a call ended: "" and its result, or the exception."""
Asked = list[tuple[int, int]]
"""Linear addresses, each with its access."""


def outcome(call: Callable[[], Any]) -> Outcome:
    try:
        return "", call()
    except PageFault as fault:
        return "#PF", int(fault.error_code), fault.cr2
    except GeneralProtection:
        return ("#GP",)


def spec_results(
    words: Words, controls: Controls, asked: Asked, accessed: Accessed
) -> list[Outcome]:
    """Return what the specification's walk answers, each walk seeing the A and D before it."""
    memory = FlatMemory(words)
    pdptes = load_pdptes(memory, controls) if mode_of(controls) is PAE else None
    return [
        outcome(lambda one=one, kind=kind: walk(memory, controls, one, kind, pdptes, accessed))
        for one, kind in asked
    ]


def fast_results(
    words: Words, controls: Controls, asked: Asked, accessed: Accessed
) -> list[Outcome]:
    """Return what the kernels answer."""
    linears, accesses = ([pair[side] for pair in asked] for side in (0, 1))
    walks = walk_many(words, controls, linears, accesses, accessed=accessed)
    return [outcome(lambda n=n: walks.result(n)) for n in range(len(asked))]


def assert_equal(words: Words, controls: Controls, asked: Asked, accessed: Accessed) -> Outcome:
    """Check that both give the same answers and leave the same memory; return the answers."""
    quick = words.copy()
    slow = outcome(lambda: spec_results(words, controls, asked, accessed))
    assert outcome(lambda: fast_results(quick, controls, asked, accessed)) == slow
    assert np.array_equal(quick, words)
    return slow


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(MODES),
    st.integers(0, (1 << 64) - 1),
    st.lists(st.sampled_from(ACCESSES), min_size=1, max_size=4),
    st.sampled_from(Accessed),
)
def test_equal_on_random_tables(
    mode: PagingMode, seed: int, accesses: list[int], accessed: Accessed
) -> None:
    """Same translation or fault, same memory afterwards, in every mode."""
    rng = Random(seed)
    known = LONG_LINEARS if mode is LONG4 else LINEARS
    linears = [rng.choice([*known, rng.getrandbits(mode.linear_bits)]) for _ in accesses]
    words = random_tables(rng, mode, linears)
    asked = list(zip(linears, accesses, strict=True))
    assert_equal(words, random_controls(rng, mode), asked, accessed)


def test_equal_on_the_probes_of_the_processor() -> None:
    """The probes reach every shape; here those whose tables lie in the flat memory."""
    words: Words = np.zeros(WORDS, np.uint64)
    memory = FlatMemory(words)
    outcomes: Counter[tuple[str, str]] = Counter()
    for probe in probes(2_000, seed=7):
        entries = probe.words if probe.mode is NO_PAGING else (*probe.words, probe.code_entry())
        if any(address >> 3 >= WORDS for address, _, _ in entries):
            continue
        for word in entries:
            memory.write(*word)
        asked = [(probe.linear, int(probe.access))]
        answer = assert_equal(words, probe.controls, asked, Accessed.ON_SUCCESS)
        outcomes[probe.mode.name, answer[0] or answer[1][0][0]] += 1
        for address, _, size in entries:
            memory.write(address, 0, size)
    assert min(outcomes.values()) > 10, outcomes
    assert len(outcomes) > 6, outcomes


def test_thin_wrapper_refuses_what_the_walk_refuses() -> None:
    words: Words = np.zeros(1024, np.uint64)
    with pytest.raises(LinearAddressError):
        walk_many(words, Controls(cr4=CR4_PAE, efer=0), [1 << 32], [0])
    with pytest.raises(ValueError, match="2 linear addresses, but 1 accesses"):
        walk_many(words, Controls(), [0, 1], [0])


def test_nothing_to_walk() -> None:
    words: Words = np.zeros(1024, np.uint64)
    assert walk_many(words, Controls(), [], []).found.shape == (0, 5)
