"""Recordings as lines, and how to damage them."""

import gzip
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from mmuspec.epochs.versions import V3_11
from mmuspec.events import Event
from mmuspec.monitor import Checker, Outcome
from mmuspec.scenario.machine import Machine
from mmuspec.trace.printed import printed_fields
from mmuspec.trace.text import event_text

FOLDER = Path(__file__).parents[2] / "data" / "recordings"
PATHS = sorted(FOLDER.glob("*/*.trace.gz"))
NAMES = [str(path.relative_to(FOLDER)).removesuffix(".trace.gz") for path in PATHS]

Damage = Callable[[list[str]], list[str]]


@cache
def _text(name: str) -> str:
    return gzip.decompress((FOLDER / f"{name}.trace.gz").read_bytes()).decode()


def lines_of(name: str) -> list[str]:
    """Return the lines of a recording, or of the model's run in the text of v3.11."""
    return v3_11() if name == "v3.11" else _text(name).splitlines()


def events_of(name: str) -> list[str]:
    """Return the lines of a recording without its header."""
    return [line for line in lines_of(name) if not line.startswith("#")]


def v3_11() -> list[str]:
    """Return what a kernel v3.11 would print for a few operations: there is no recording of one."""
    shadow, direct = _operations()
    first = ftrace(((event.name, _printed(event)) for event in shadow), "qemu-7")
    second = ftrace(((event.name, _printed(event)) for event in direct), "qemu-8")
    return ["# tracer: nop", *first, "# tracer: nop", *second]


def _printed(event: Event) -> str:
    return event_text(event.name, printed_fields(event, V3_11))


def _operations() -> tuple[list[Event], list[Event]]:
    m = Machine()
    m.map(0x400000, 0x5000)
    m.map(0x500000, 0x10000000)
    m.map(0x800000, m.entry(0x400000) & ~0xFFF)
    m.read(0x400000)
    m.write(0x400000)
    m.read(0x500000)
    m.memslot(1, 0x4000000, 0x100000)
    m.read(0x500000)
    m.read(0x500000)
    m.write(0x800000, 0x6067)
    m.cr3()
    m.memslot(1, 0x4000000, 0)
    m.read(0x400000)
    events = list(m.events())
    flat = Machine("nopaging")
    flat.write(0x5000)
    flat.memslot(0, 0, 0x200000, flags=1)
    flat.dirty_log()
    flat.read(0x5000)
    flat.write(0x5000)
    return events, list(flat.events())


def ftrace(texts: Iterable[tuple[str, str]], task: str = "qemu-7") -> list[str]:
    """Return event lines in ftrace's format."""
    return [
        f"{task:>16}     [000] .... {number:8}: {name}: {text}"
        for number, (name, text) in enumerate(texts, 1)
    ]


def check(lines: list[str], **options: Any) -> Outcome:
    """Return what a check of *lines* finds."""
    checker = Checker(**options)
    checker.feed(lines)
    return checker.finish()


def find(lines: list[str], pattern: str, nth: int = 0) -> int:
    """Return the index of the line in which *pattern* is found for the *nth* time."""
    return [i for i, line in enumerate(lines) if re.search(pattern, line)][nth]


def change(pattern: str, replacement: str, nth: int = 0) -> Damage:
    """Return a damage: the *nth* line with *pattern* has it replaced."""

    def damage(lines: list[str]) -> list[str]:
        at = find(lines, pattern, nth)
        changed = re.sub(pattern, replacement, lines[at], count=1)
        assert changed != lines[at]
        return [*lines[:at], changed, *lines[at + 1 :]]

    return damage


def drop(pattern: str, nth: int = 0) -> Damage:
    """Return a damage: the *nth* line with *pattern* is missing."""

    def damage(lines: list[str]) -> list[str]:
        at = find(lines, pattern, nth)
        return lines[:at] + lines[at + 1 :]

    return damage


def double(pattern: str, nth: int = 0) -> Damage:
    """Return a damage: the *nth* line with *pattern* is there twice."""

    def damage(lines: list[str]) -> list[str]:
        at = find(lines, pattern, nth)
        return [*lines[: at + 1], *lines[at:]]

    return damage


def change_before(mark: str, pattern: str, replacement: str) -> Damage:
    """Return a damage: the last *pattern* before the first *mark* is replaced."""

    def damage(lines: list[str]) -> list[str]:
        end = find(lines, mark)
        at = [i for i, line in enumerate(lines[:end]) if re.search(pattern, line)][-1]
        return [*lines[:at], re.sub(pattern, replacement, lines[at], count=1), *lines[at + 1 :]]

    return damage
