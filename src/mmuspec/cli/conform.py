"""Compare recordings of real kernels, operation by operation, with the model of their version.

Exit codes: 0 agreement, 1 differences, 2 unreadable input, 3 internal error.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmuspec.cli import BadInput, common
from mmuspec.conform.findings import Result, ScenarioReport, Unreadable
from mmuspec.conform.report import Total, exit_code, report_object, result_lines, total_lines

HELP = "compare recordings of real kernels with the model of their version"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a recording, or a folder with recordings"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument("--html", metavar="FILE", help="also write a report to open in a browser")
    parser.add_argument(
        "--only-differences", action="store_true", help="leave out recordings that agree"
    )
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes to use (by default, all processors)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command; see the module for what it returns."""
    from mmuspec.conform.gather import gather
    from mmuspec.conform.pool import compare_all

    tasks = list(gather(args.paths))
    compared = compare_all(tasks, timelines=bool(args.html), processes=args.processes)
    results: list[Result] = []
    total = Total()
    for result in _with_progress(compared, tasks):
        results.append(result)
        total.add(result)
        if not isinstance(result, ScenarioReport):
            print(f"mmuspec conform: {result.message}", file=sys.stderr)
        elif not args.json and not (args.only_differences and result.agrees):
            for line in result_lines(result, _statement):
                print(line)
    if args.html:
        _write_html(args.html, results)
    if args.json:
        common.print_json(report_object(results))
    else:
        for line in total_lines(total):
            print(line)
    return exit_code(results)


def _with_progress(
    results: Iterator[Result], tasks: Sequence[Path | Unreadable]
) -> Iterator[Result]:
    """Yield *results*, and tell a terminal how far they are."""
    shown = sys.stderr.isatty() and not sys.stdout.isatty()
    for number, result in enumerate(results, 1):
        if shown:
            print(f"\r{number} of {len(tasks)} recordings", end="", file=sys.stderr)
        yield result
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr)


_statements: dict[str, str] = {}


def _statement(ident: str) -> str:
    """Return what rule *ident* says."""
    if not _statements:
        from mmuspec.rules import read

        _statements.update({rule.id: rule.title for rule in read().rules})
    return _statements.get(ident, "")


def _write_html(path: str, results: Sequence[Result]) -> None:
    """Write the report for a browser.

    :raises BadInput: the file cannot be written
    """
    from mmuspec.conform.html import page

    try:
        Path(path).write_text(page(results, _statement), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"--html {path}: {error.strerror}; name a file that can be written"
        ) from None
