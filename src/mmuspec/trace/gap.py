"""Marks in a trace that say: events are missing, or another recording begins.

Source: print_trace_line() and test_cpu_buff_start() of kernel/trace/trace.c (v6.1);
trace-cmd-report(1).
"""

import re
from enum import Enum


class Gap(Enum):
    """Why what was known before may no longer be so."""

    LOST = "events were lost"
    BUFFER = "the buffer of a CPU starts later"
    RESTART = "another recording begins, or time runs backwards"
    UNREADABLE = "a line of the MMU could not be read"
    UNDECODED = "the text lacks fields (trace-cmd's own layout)"
    TASKS = "several tasks may share a virtual machine (no process ids recorded)"
    NESTED = "a task walks nested tables, so its walks interleave"
    CROWD = "more tasks or pages than are followed at once"


_LOST = re.compile(
    r"\s*CPU:\s?\d+ \[(?:LOST (?:\d+ )?EVENTS|(?:\d+ )?EVENTS DROPPED|LOST EVENTS)\].*"
)
_BUFFER = re.compile(r"#+ CPU \d+ buffer started #+")
_WRITTEN = re.compile(r"# entries-in-buffer/entries-written: (\d+)/(\d+)\b.*")
_PREAMBLE = re.compile(
    r"(?:cpus=\d+|version = \d+|CPU \d+ is empty|trace\.dat.*|uname:.*|.*\.dat:)"
    r"|\s*<(?:stack|user stack) trace>\s*|\s*=> .*|\s*-->.*",
)


def gap_mark(line: str) -> Gap | None:
    """Return what *line* says about missing events, None if nothing."""
    if _LOST.fullmatch(line):
        return Gap.LOST
    if _BUFFER.fullmatch(line.strip()):
        return Gap.BUFFER
    return Gap.RESTART if line.startswith("# tracer:") else None


def entries_written(line: str) -> int | None:
    """Return how many entries a header promises, if it says that none was overwritten."""
    found = _WRITTEN.match(line)
    return int(found[1]) if found and found[1] == found[2] else None


def says_nothing(line: str) -> bool:
    """Whether *line* is a comment, empty, a stack entry or the preamble of a report."""
    return not line or line[0] == "#" or line.isspace() or _PREAMBLE.fullmatch(line) is not None
