"""The walk against QEMU's processor core: no difference outside those named in oracle.py.

``MMUSPEC_NIGHTLY=1`` runs 50,000 probes besides the ordinary 2,000, and on another seed.
"""

import os
from collections.abc import Iterator

import pytest

from mmuspec.x86 import layout
from mmuspec.x86.mode import LEGACY32, LONG4, NO_PAGING, PAE

pytest.importorskip("unicorn", reason="unicorn, the processor to compare with, is not installed")

from .breakages import BREAKAGES
from .oracle import ALLOWANCES, PDPTE_AT_WALK, Report, compare
from .probes import MAXPHYADDR, SIZES, SPOIL, Probe, probes
from .processor import Processor, Seen

ORDINARY, NIGHTLY = 2_000, 50_000
Answers = list[tuple[Probe, Seen]]


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor()


@pytest.fixture(scope="module")
def answers(processor: Processor) -> Answers:
    """What the processor core does on the ordinary probes."""
    return [(probe, processor.run(probe)) for probe in probes(ORDINARY, seed=2013)]


@pytest.fixture(scope="module")
def report(answers: Answers) -> Report:
    return compare(answers)


@pytest.fixture
def fresh_layout() -> Iterator[None]:
    """Forget layouts worked out before, and those worked out by broken code."""
    layout._layout.cache_clear()
    yield
    layout._layout.cache_clear()


def test_no_difference(report: Report) -> None:
    assert not report.differences, report.differences[:3]


@pytest.mark.nightly
@pytest.mark.skipif(
    os.environ.get("MMUSPEC_NIGHTLY") != "1", reason="long: set MMUSPEC_NIGHTLY=1 to run it"
)
def test_no_difference_nightly(processor: Processor) -> None:
    report = compare((probe, processor.run(probe)) for probe in probes(NIGHTLY, seed=311))
    for name in ALLOWANCES:
        print(f"{report.allowances[name]:6} {name}")
    assert not report.differences, report.differences[:3]


@pytest.mark.parametrize("name", ALLOWANCES)
def test_every_allowance_is_needed(report: Report, name: str) -> None:
    """An allowance that nothing uses only hides differences."""
    assert report.allowances[name] > 0


def test_allowances_stay_rare(report: Report) -> None:
    """Most probes agree with nothing to allow, or the comparison would say little."""
    assert sum(report.allowances.values()) < ORDINARY // 3


def test_both_outcomes_in_every_mode(report: Report) -> None:
    """The generator neither faults always nor translates always."""
    for mode in (LEGACY32, PAE, LONG4):
        codes = {code for name, exception, code in report.outcomes if name == mode.name}
        assert report.outcomes[mode.name, "", 0] > ORDINARY // 20
        assert len(codes) >= 15, (mode.name, codes)
    assert report.outcomes[NO_PAGING.name, "", 0] > 0


def test_every_shape_in_every_size(answers: Answers) -> None:
    shapes = {(probe.mode.name, probe.shape) for probe, _ in answers}
    assert shapes >= {(mode.name, shape) for mode, _ in SIZES for shape in SPOIL}


def test_probes_have_the_address_width_of_the_processor(answers: Answers) -> None:
    assert {probe.controls.maxphyaddr for probe, _ in answers} == {MAXPHYADDR}


@pytest.mark.usefixtures("fresh_layout")
@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_walk_is_noticed(
    answers: Answers, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The generator reaches the rule that each breakage breaks."""
    BREAKAGES[name](monkeypatch)
    assert compare(answers).differences


def test_allowance_for_pdptes_is_about_reserved_bits(report: Report) -> None:
    assert 0 < report.allowances[PDPTE_AT_WALK] < ORDINARY // 20
