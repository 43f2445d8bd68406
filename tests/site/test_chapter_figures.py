"""The figures of the chapters say what the model says."""

from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from mmuspec.epochs import V3_11
from mmuspec.site.figures import contract, pages, walk
from mmuspec.x86.controls import CR4_PSE, Controls
from mmuspec.x86.entry import Field
from mmuspec.x86.mode import LEGACY32, LONG4, PAE


def words(drawing: str) -> list[str]:
    root = ElementTree.fromstring(drawing)
    assert root.tag.endswith("svg")
    return [node.text or "" for node in root.iter() if node.tag.endswith("text")]


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (contract.translation, {"gva", "gpa", "hva", "hpa", "4 levels"}),
        (contract.stretches, {"nobody waits", "someone waits"}),
        (walk.path, {"level 4", "level 1", "page", "0x5000"}),
        (walk.leaf_entry, {"P", "R/W", "XD", "reserved", "address"}),
        (pages.role_word, {"level", "quadrant", "access", "smep_andnot_wp"}),
        (pages.shared_table, {"access wux", "access -ux", "[2] [3]", "[4]"}),
        (pages.quadrants, {f"quadrant {n}" for n in range(4)}),
    ],
)
def test_a_figure_shows_what_its_machine_did(draw: Callable[[], str], expected: set[str]) -> None:
    assert expected <= set(words(draw()))


def test_someone_who_waits_shortens_every_stretch() -> None:
    alone, shared = contract.stretches_of_work(waits=False), contract.stretches_of_work(waits=True)
    assert len(alone) == 1 < len(shared)
    assert max(shared) < alone[0]
    assert sum(shared) >= sum(alone)


def covered(fields: list[Field]) -> list[int]:
    return sorted(bit for field in fields for bit in range(field.low, field.high + 1))


@pytest.mark.parametrize("mode", [LEGACY32, PAE, LONG4])
@pytest.mark.parametrize(("number", "large"), [(1, False), (2, False), (2, True)])
def test_the_fields_of_an_entry_do_not_overlap_and_fit(mode, number, large) -> None:
    controls = Controls(cr4=CR4_PSE)
    bits = covered(walk.entry_fields(controls, mode, number, large=large))
    assert len(bits) == len(set(bits))
    assert max(bits) == 8 * mode.entry_size - 1


def test_the_role_has_a_field_for_each_part_of_the_word() -> None:
    assert [field.name for field in pages.role_fields(V3_11)] == list(V3_11.role_layout)
