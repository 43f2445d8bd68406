"""Find which events of two lists belong together.

One missing event must not make every later one differ, so events are aligned
as ``diff`` aligns lines: first by trace point and the fields that say what the
event is about, then, in the gaps that are left, by trace point alone.
"""

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher

KEY_FIELDS = {
    "kvm_mmu_pagetable_walk": ("addr",),
    "kvm_mmu_paging_element": ("level",),
    "kvm_mmu_set_accessed_bit": ("gpa",),
    "kvm_mmu_set_dirty_bit": ("gpa",),
    "kvm_mmu_get_page": ("gfn", "level", "quadrant"),
    "kvm_mmu_sync_page": ("gfn", "level", "quadrant"),
    "kvm_mmu_unsync_page": ("gfn", "level", "quadrant"),
    "kvm_mmu_prepare_zap_page": ("gfn", "level", "quadrant"),
    "mark_mmio_spte": ("gfn",),
    "handle_mmio_page_fault": ("gfn",),
    "fast_page_fault": ("addr",),
    "kvm_mmu_set_spte": ("gfn", "level"),
    "kvm_mmu_spte_requested": ("gfn",),
    "kvm_tdp_mmu_spte_changed": ("gfn", "level"),
    "kvm_mmu_split_huge_page": ("gfn",),
}
"""The fields that say what an event is about; none for a trace point that is not here."""

Pair = tuple[int | None, int | None]
"""Index into the first list and into the second; ``None`` where one has no counterpart."""


def align(first: Sequence[Hashable], second: Sequence[Hashable]) -> Iterator[Pair]:
    """Yield the pairs of equal elements, and the elements without a pair, in order."""
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for tag, low, high, from_, to in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(range(low, high), range(from_, to), strict=True)
        else:
            yield from ((i, None) for i in range(low, high))
            yield from ((None, j) for j in range(from_, to))


def align_twice(
    first: Sequence[tuple[str, Hashable]], second: Sequence[tuple[str, Hashable]]
) -> Iterator[Pair]:
    """Align by name and key; then what is left between two matches by name alone."""
    gap: tuple[list[int], list[int]] = ([], [])
    for i, j in align(first, second):
        if i is not None and j is not None:
            yield from _fill(first, second, gap)
            gap = ([], [])
            yield i, j
        elif i is not None:
            gap[0].append(i)
        elif j is not None:
            gap[1].append(j)
    yield from _fill(first, second, gap)


def _fill(
    first: Sequence[tuple[str, Hashable]],
    second: Sequence[tuple[str, Hashable]],
    gap: tuple[list[int], list[int]],
) -> Iterator[Pair]:
    names = [first[i][0] for i in gap[0]], [second[j][0] for j in gap[1]]
    for i, j in align(*names):
        yield (None if i is None else gap[0][i]), (None if j is None else gap[1][j])
