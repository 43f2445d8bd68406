"""What is read, what is not, and what stays in memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.monitor import checker as module
from mmuspec.monitor.kernel import named
from mmuspec.trace.gap import Gap

from .recordings import change, check, drop, events_of, find, ftrace, lines_of

A6, F6, F2 = "linux-6.1/a-simple-long4", "linux-6.1/f-zap-long4", "linux-6.1/f-zap-2vcpu"


@pytest.mark.parametrize(
    ("pattern", "replacement", "problem"),
    [
        ("kvm_mmu_get_page", "kvm_mmu_got_page", "unknown trace point kvm_mmu_got_page"),
        (r".*kvm_mmu_get_page.*", "kvm_mmu_get_page", "not a trace line"),
        (r"l4 8-byte", "l4 8byte", "kvm_mmu_get_page does not print"),
        (r" ad root", " root", "fields of different kernel versions"),
        (r"get_page: sp gen 0", "get_page: sp", "fields of different kernel versions"),
        (r" sync new", " sync", "fields of different kernel versions"),
        (r"level 4$", "level four", "expected 'pte {pte} level {level}'"),
        (r"(addr \w+ pferr 10) F", r"\1 X", "no flag is called 'X'"),
    ],
)
def test_a_line_that_cannot_be_read(pattern: str, replacement: str, problem: str) -> None:
    lines = lines_of(A6)
    outcome = check(change(pattern, replacement)(lines))
    ((line, text),) = outcome.problems
    assert line == find(lines, pattern) + 1
    assert problem in text
    assert outcome.violations == []
    assert outcome.events == check(lines).events - 1
    assert outcome.gaps == {Gap.UNREADABLE: 1}


def test_a_remark_that_is_no_trace_line_is_told_and_passed_over() -> None:
    lines = lines_of(A6)
    outcome = check([*lines[:60], "a remark", *lines[60:]])
    assert outcome.problems == [
        (61, "not a trace line: 'a remark'; expected 'TASK-PID [CPU] TIME: ...'")
    ]
    assert outcome.gaps == {}
    assert outcome.events == check(lines).events


def test_lines_of_two_kernels_in_one_recording() -> None:
    mixed = change(r"sp gen 0 gfn 12 l2 8-byte q0 wux nxe ad", "sp gen 0 gfn 12 2 pae q0 wux nxe")
    ((_, text),) = check(mixed(lines_of(A6))).problems
    assert "prints as in v3.11, the lines before as in v5.10" in text


def test_a_version_that_is_not_modelled_is_told_once() -> None:
    text = "sp gen 0 gfn 10 l4 pae q0 wux nxe ad root 0 sync new"
    outcome = check(ftrace([("kvm_mmu_get_page", text)] * 3))
    ((line, problem),) = outcome.problems
    assert line == 1
    assert "v4.19, a version that is not modelled" in problem
    assert outcome.events == 3


def test_the_layout_of_trace_cmds_plugin_is_a_gap() -> None:
    text = "new sp gfn 10 4 q0 wux pae nxe wp root 0 sync"
    outcome = check(ftrace([("kvm_mmu_get_page", text)]))
    assert (outcome.problems, outcome.gaps) == ([], {Gap.UNDECODED: 1})


def test_kprobes_may_be_called_anything() -> None:
    outcome = check(ftrace([("kvm_mmu_load", "(kvm_mmu_load+0x0/0x890 [kvm])")]))
    assert (outcome.problems, outcome.events, outcome.others) == ([], 0, 1)


def test_stacks_and_function_traces_are_passed_over() -> None:
    lines = ftrace([("kvm_mmu_paging_element", "pte 11007 level 4")])
    extra = [" => kvm_mmu_load", "  <stack trace>", "  qemu-7   [000] .... 9.0: f <-g", ""]
    outcome = check(lines + extra)
    assert (outcome.problems, outcome.events) == ([], 1)


def test_a_missing_event_is_no_page_found_after_its_zap() -> None:
    made = r"sp gen 0 gfn 17 l1 .* new"
    outcome = check(drop(made)(lines_of(F6)))
    assert outcome.violations == []


def test_a_finding_that_needs_the_whole_recording_is_told_only_of_one() -> None:
    damage = change(r"used_pages 8", "used_pages 9")
    lines = damage(lines_of(F6))
    assert {found.monitor for found in check(lines).violations} == {"used-pages"}
    assert check(damage(events_of(F6))).violations == []
    assert len(check(damage(events_of(F6)), from_start=True).violations) == 1


def test_a_named_kernel_decides_what_the_text_leaves_open() -> None:
    text = [("kvm_mmu_set_spte", "gfn 8 spte 1f85c63 (rwx-) level 1 at 8069040")]
    assert check(ftrace(text)).violations == []
    assert check(ftrace(text), kernel=named("v5.10")).violations == []
    found = check(ftrace(text), kernel=named("v6.1")).violations
    assert {one.monitor for one in found} == {"leaf-writable"}


def test_tasks_that_walk_nested_tables_are_left_alone() -> None:
    nested = [
        ("kvm_mmu_pagetable_walk", "addr 7f0000001000 pferr 0 "),
        ("kvm_mmu_pagetable_walk", "addr 5000 pferr 6 W|U"),
        ("kvm_mmu_paging_element", "pte 11027 level 4"),
        ("kvm_mmu_paging_element", "pte 22027 level 4"),
    ]
    outcome = check(ftrace(nested))
    assert (outcome.violations, outcome.gaps) == ([], {Gap.NESTED: 1})


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 5)
    monkeypatch.setattr(module, "MOST_TEXTS", 5)
    monkeypatch.setattr(module, "MOST_TASKS", 5)
    bad = [("check_mmio_spte", "spte 0 kvm_gen 1 spte-gen 0 valid 1")] * 9
    outcome = check([*ftrace(bad), *["nothing"] * 9])
    assert (len(outcome.violations), outcome.violations_left_out) == (5, 4)
    assert (len(outcome.problems), outcome.problems_left_out) == (5, 4)
    lines = [
        ftrace([("kvm_mmu_paging_element", f"pte {n:x} level 1")], f"t-{n}")[0] for n in range(50)
    ]
    crowded = module.Checker()
    crowded.feed(lines)
    assert len(crowded._tasks) <= 5
    assert len(crowded._heads) <= 5
    assert max(len(kind.known) for kind in crowded._kinds.values()) <= 5
    assert crowded.finish().gaps[Gap.CROWD] > 0


def test_a_task_may_have_any_name() -> None:
    lines = [line.replace("vmm-", "a] b: [c] -", 1) for line in events_of(A6)]
    outcome = check(lines)
    assert (outcome.violations, outcome.problems) == ([], [])
    assert outcome.events == check(lines_of(A6)).events


@given(st.lists(st.text(max_size=60), max_size=8), st.integers(0, 400), st.integers(0, 90))
@settings(max_examples=80, deadline=None)
def test_no_text_is_an_error_of_ours(texts: list[str], at: int, column: int) -> None:
    lines = list(lines_of(A6))
    for offset, text in enumerate(texts):
        line = lines[at + offset]
        lines[at + offset] = line[:column] + text + line[column + len(text) :]
    assert check(lines).events <= check(lines_of(A6)).events
