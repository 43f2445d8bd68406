"""The lines of ftrace and of ``trace-cmd report``, taken apart.

Both print an event as task, CPU, flags (or not), time, name and text:

```text
    vmm-105     [000] .....     24: kvm_mmu_get_page: sp gen 0 gfn 10 ...
    vmm-105   (   99) [000] d..1.  3.000024: kvm_mmu_get_page: sp gen 0 gfn 10 ...
    vmm-105     [000]  3.000024: kvm_mmu_get_page:     sp gen 0 gfn 10 ...
```

Source: Documentation/trace/ftrace.rst, "The File System"; trace-cmd-report(1).
"""

import re
from typing import NamedTuple

_HEAD = re.compile(r"\s*(?P<comm>.*)-(?P<tid>\d+)\s+(?:\(\s*(?P<tgid>\d+|-+)\)\s+)?\[(?P<cpu>\d+)")
_REST = re.compile(
    r"(?P<head>.*\[\d+)\]\s+(?:(?P<flags>\S{4,6})\s+)?(?P<time>\d+(?:\.\d+)?):\s+"
    r"(?P<name>[\w.:-]+?):\s*(?P<body>.*)"
)
_OTHER = re.compile(r".*\[\d+\]\s+(?:\S{4,6}\s+)?\d+(?:\.\d+)?:\s")


class Head(NamedTuple):
    """Who printed an event.

    :param tgid: the process, if the recording has it (option ``record-tgid``), else 0
    """

    comm: str
    tid: int
    tgid: int
    cpu: int


class Parts(NamedTuple):
    """An event line: the text up to the CPU's bracket, and what follows."""

    head: str
    flags: str
    time: float
    name: str
    body: str


def read_head(text: str) -> Head:
    """Return what stands before the time, up to the CPU's closing bracket.

    :raises ValueError: the text is something else
    """
    found = _HEAD.fullmatch(text)
    if not found:
        raise ValueError(f"expected TASK-PID [CPU, not {text!r}")
    tgid = found["tgid"] or ""
    return Head(
        found["comm"], int(found["tid"]), int(tgid) if tgid.isdigit() else 0, int(found["cpu"])
    )


def read_line(line: str) -> Parts | None:
    """Return the parts of an event line; None if it is something else."""
    found = _REST.fullmatch(line)
    if not found or not _HEAD.fullmatch(found["head"]):
        return None
    return Parts(
        found["head"], found["flags"] or "", float(found["time"]), found["name"], found["body"]
    )


def is_entry(line: str) -> bool:
    """Whether *line* has task, CPU and time, whatever follows (a function trace, a marker)."""
    return _OTHER.match(line) is not None
