"""Check recordings of any machine: does what KVM's MMU reported follow the rules?

Reads the text of /sys/kernel/tracing/trace, or of trace-cmd report, packed by gzip or not, with
the events of the trace system kvmmmu. No scenario is needed. What the events alone cannot decide
is never accused; where something is missing, that is counted as a gap.

Exit codes: 0 no violation, 1 violations, 2 something could not be read, 3 an error of mmuspec.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmuspec.cli import BadInput, common
from mmuspec.epochs.versions import EPOCHS
from mmuspec.monitor import MONITORS, Checker, Outcome
from mmuspec.monitor.kernel import Kernel, named
from mmuspec.trace.stream import STANDARD_INPUT, Unreadable, batches

HELP = "check any machine's trace against the rules"

INTERNAL_ERROR = 3
SHOWN = 20
"""Problems, and violations, of a file that are shown unless --limit says otherwise."""


@dataclass(frozen=True)
class Checked:
    """A file, and what its check told."""

    file: str
    lines: int
    outcome: Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("trace", nargs="*", metavar="TRACE", help="trace text; - is standard input")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--list", action="store_true", help="list the monitors and stop")
    parser.add_argument("--kernel", metavar="VERSION", help="the kernel's version, such as v6.1")
    parser.add_argument(
        "--one-vm", action="store_true", help="all tasks of a trace serve one virtual machine"
    )
    parser.add_argument(
        "--from-start", action="store_true", help="the trace begins before its machines do"
    )
    parser.add_argument(
        "--limit", type=int, default=SHOWN, metavar="N", help=f"show so many of each ({SHOWN})"
    )


def run(args: argparse.Namespace) -> int:
    """Check each file, tell what was found, and return the exit code."""
    if args.list:
        print_monitors(args.json)
        return 0
    if not args.trace:
        raise BadInput("no TRACE is given; name a file of trace text, or - for standard input")
    kernel = _kernel(args.kernel)
    results = []
    for path in args.trace:
        result = _checked(path, kernel, args)
        if result is None:
            return INTERNAL_ERROR
        results.append(result)
        _print_problems(result, args.limit)
        if not args.json:
            print("\n".join(_lines(result, args.limit)), flush=True)
    if args.json:
        common.print_json(as_object(results))
    return _exit_code([result.outcome for result in results])


def _exit_code(outcomes: list[Outcome]) -> int:
    """Return 2 if the answer is not complete, as diff(1) does; then 1 for violations."""
    if any(outcome.problems for outcome in outcomes):
        return 2
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _kernel(version: str | None) -> Kernel | None:
    if version is None:
        return None
    if version not in EPOCHS:
        known = ", ".join(EPOCHS)
        raise BadInput(f"--kernel {version}: not modelled; known versions are {known}")
    return named(version)


def _checked(path: str, kernel: Kernel | None, args: argparse.Namespace) -> Checked | None:
    """Check one file; after an error of our own, tell it and return None."""
    checker = Checker(kernel, one_machine=args.one_vm, from_start=args.from_start)
    try:
        try:
            for lines in _with_progress(path):
                checker.feed(lines)
        except Unreadable as error:
            checker.note_end(str(error))
        return Checked(path, checker.number, checker.finish())
    except Exception:
        print(f"mmuspec check: {path}:{checker.number}: an error of mmuspec:", file=sys.stderr)
        traceback.print_exc()
        return None


def _with_progress(path: str) -> Iterator[list[str]]:
    """Yield the lines of *path*; on a terminal, tell every second how many there were."""
    shows, count, last = sys.stderr.isatty(), 0, time.monotonic()
    for lines in batches(path):
        yield lines
        count += len(lines)
        if shows and time.monotonic() - last > 1:
            last = time.monotonic()
            print(f"\r{path}: {count} lines", end="", file=sys.stderr, flush=True)
    if shows:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


# --- what is told ---------------------------------------------------------------------


def _lines(result: Checked, limit: int) -> Iterator[str]:
    """Yield the violations of a file, and its summary."""
    outcome, shown = result.outcome, _name(result.file)
    for found in outcome.violations[:limit]:
        yield f"{shown}:{found.line}: {found.rule} ({found.monitor}): {found.message}"
    total = len(outcome.violations) + outcome.violations_left_out
    if total > limit:
        yield f"{shown}: {total - limit} more violations"
    gaps = sum(outcome.gaps.values())
    yield (
        f"{shown}: {outcome.events} events of the MMU, {outcome.others} others, "
        f"{_count(gaps, 'gap')}, {_count(total, 'violation')}"
    )
    for gap, count in outcome.gaps.items():
        yield f"  {_count(count, 'gap')}: {gap.value}"


def _print_problems(result: Checked, limit: int) -> None:
    """Tell on standard error what could not be read, a line each, then how many more."""
    outcome, shown = result.outcome, _name(result.file)
    for line, text in outcome.problems[:limit]:
        print(f"mmuspec check: {shown}:{line}: {text}", file=sys.stderr)
    more = len(outcome.problems) + outcome.problems_left_out - limit
    if more > 0:
        print(f"mmuspec check: {shown}: {more} more lines could not be read", file=sys.stderr)


def _name(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else path


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def as_object(results: list[Checked]) -> dict[str, Any]:
    """Return what was found in all files, as JSON shows it."""
    outcomes = [result.outcome for result in results]
    reasons: Counter[str] = Counter()
    for outcome in outcomes:
        reasons.update({gap.name.lower(): count for gap, count in outcome.gaps.items()})
    return {
        "events": sum(outcome.events for outcome in outcomes),
        "others": sum(outcome.others for outcome in outcomes),
        "gaps": sum(reasons.values()),
        "gap_reasons": dict(reasons),
        "violations": [violation for result in results for violation in _violations(result)],
        "violations_left_out": sum(outcome.violations_left_out for outcome in outcomes),
        "problems": [
            {"file": result.file, "line": line, "message": text}
            for result in results
            for line, text in result.outcome.problems
        ],
        "problems_left_out": sum(outcome.problems_left_out for outcome in outcomes),
    }


def _violations(result: Checked) -> Iterator[dict[str, Any]]:
    for found in result.outcome.violations:
        yield {
            "file": result.file,
            "line": found.line,
            "rule": found.rule,
            "monitor": found.monitor,
            "message": found.message,
        }


def print_monitors(as_json: bool) -> None:
    """Print every monitor: its name, rule, statement, and the trace points it listens to."""
    if as_json:
        common.print_json(
            [
                {
                    "name": monitor.name,
                    "rule": monitor.rule,
                    "statement": monitor.statement,
                    "events": list(monitor.events),
                }
                for monitor in MONITORS.values()
            ]
        )
        return
    rows = [(monitor.name, monitor.rule, monitor.statement) for monitor in MONITORS.values()]
    print("\n".join(common.table([("MONITOR", "RULE", "STATEMENT"), *rows])))
