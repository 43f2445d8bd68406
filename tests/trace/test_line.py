import pytest

from mmuspec.trace.gap import Gap, entries_written, gap_mark, says_nothing
from mmuspec.trace.line import Head, Parts, is_entry, read_head, read_line


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (
            "             vmm-105     [003] d..1.           24: kvm_mmu_set_dirty_bit: gpa 16000",
            Parts(
                "             vmm-105     [003", "d..1.", 24.0, "kvm_mmu_set_dirty_bit", "gpa 16000"
            ),
        ),
        (
            " CPU 0/KVM-7 [000]  5.000001: kvm_mmu_set_dirty_bit:   gpa 16000",
            Parts(" CPU 0/KVM-7 [000", "", 5.000001, "kvm_mmu_set_dirty_bit", "gpa 16000"),
        ),
    ],
)
def test_an_event_line(line: str, parts: Parts) -> None:
    assert read_line(line) == parts


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("   vmm-105     [003", Head("vmm", 105, 0, 3)),
        ("   CPU 0/KVM-7   (    5) [000", Head("CPU 0/KVM", 7, 5, 0)),
        ("   <...>-7   (-----) [000", Head("<...>", 7, 0, 0)),
        ("   a-b] c-7  [000", Head("a-b] c", 7, 0, 0)),
    ],
)
def test_who_printed(text: str, head: Head) -> None:
    assert read_head(text) == head


def test_what_is_no_event() -> None:
    assert read_line("vmm-105 [000] hello") is None
    assert is_entry("   bash-1 [000] .... 1.0: f <-g")
    assert not is_entry("bash-1 [000] f <-g")
    with pytest.raises(ValueError, match="expected TASK-PID"):
        read_head("nobody")


@pytest.mark.parametrize(
    ("line", "gap"),
    [
        ("CPU:0 [LOST 123 EVENTS]", Gap.LOST),
        ("CPU:12 [LOST EVENTS]", Gap.LOST),
        ("CPU:0 [123 EVENTS DROPPED]", Gap.LOST),
        ("##### CPU 1 buffer started ####", Gap.BUFFER),
        ("# tracer: nop", Gap.RESTART),
        ("# comment", None),
    ],
)
def test_marks_of_gaps(line: str, gap: Gap | None) -> None:
    assert gap_mark(line) is gap


def test_headers() -> None:
    assert entries_written("# entries-in-buffer/entries-written: 7/7   #P:1") == 7
    assert entries_written("# entries-in-buffer/entries-written: 7/9   #P:1") is None
    assert all(
        says_nothing(line) for line in ("", "  ", "# x", "cpus=2", " => f", "CPU 1 is empty")
    )
    assert not says_nothing("x")
