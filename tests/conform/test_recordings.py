"""Every recording of the shadow MMU agrees with the model of its kernel, operation by operation.

``agreement.txt`` holds what agrees, exactly: a change of the model that changes a number must
change that file, where a reviewer sees it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mmuspec.conform.findings import Allowed, ScenarioReport
from mmuspec.conform.gather import gather
from mmuspec.conform.pool import compare_all
from tests.scenario.example import RECORDINGS

TABLE = Path(__file__).with_name("agreement.txt")
EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(folder, scenario) -> why it does not agree completely: none is known."""


@pytest.fixture(scope="module")
def reports() -> list[ScenarioReport]:
    results = list(compare_all(list(gather([RECORDINGS]))))
    assert [r for r in results if not isinstance(r, ScenarioReport)] == []
    return [r for r in results if isinstance(r, ScenarioReport)]


def lines(reports: list[ScenarioReport]) -> Iterator[str]:
    for report in reports:
        folder = Path(report.file).parent.name
        agree = f"{report.agree}/{report.operations}"
        yield f"{folder} {report.name} {'not-modelled' if report.not_modelled else agree}"
    for allowance in Allowed:
        used = sum(report.allowances[allowance] for report in reports)
        yield f"allowed {allowance.name.lower()} {used}"


def test_what_agrees_is_what_the_table_says(reports: list[ScenarioReport]) -> None:
    assert "\n".join(lines(reports)) + "\n" == TABLE.read_text(encoding="utf-8")


def test_all_operations_agree_but_for_the_known_exceptions(reports: list[ScenarioReport]) -> None:
    differing = {(Path(r.file).parent.name, r.name): r.findings[:3] for r in reports if r.findings}
    assert differing.keys() == EXCEPTIONS.keys(), differing
    assert sum(report.operations for report in reports) > 10_000


def test_only_the_tdp_mmu_is_not_modelled(reports: list[ScenarioReport]) -> None:
    left_out = [report.name for report in reports if report.not_modelled]
    assert left_out
    assert all(name.startswith("tdp-") for name in left_out)
    assert {report.epoch for report in reports} == {"v5.10", "v6.1"}


if __name__ == "__main__":
    found = [r for r in compare_all(list(gather([RECORDINGS]))) if isinstance(r, ScenarioReport)]
    TABLE.write_text("\n".join(lines(found)) + "\n", encoding="utf-8")
