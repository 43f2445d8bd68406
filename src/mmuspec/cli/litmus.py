"""Run litmus files: every way in which they can end, under x86-TSO or SC, in herd's form.

Reads herd's X86 and X86_64 assembly, and the kernel's C litmus files, judged as x86. A folder
stands for all *.litmus below it; a file whose name begins with @ holds names of files, one a
line. Results go to standard output, one block after the other as herd prints them.

Exit codes, as in the kernel's judgelitmus: 0 what the files expect (or they do not say), 1
something else came out, 124 a limit of time or memory was reached, 2 something could not be
read, 3 an error of mmuspec. Of several, the highest of 3, 2, 124 and 1 in this order.
"""

import argparse
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from mmuspec.cli import BadInput, common
from mmuspec.cli.limits import TimeLimit, time_limit
from mmuspec.interleave.answer import TooManyStates
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.litmus.answer import Outcome, ask, block, named
from mmuspec.interleave.litmus.files import Unreadable, litmus_files, read_litmus, text_of
from mmuspec.interleave.program import Memory

HELP = "run litmus files and print herd's result blocks"

EXPECTED, OTHER, UNREADABLE, INTERNAL_ERROR, LIMIT = 0, 1, 2, 3, 124
WORST = (INTERNAL_ERROR, UNREADABLE, LIMIT, OTHER, EXPECTED)
"""Which exit code stands for several files."""


@dataclass(frozen=True)
class Judged:
    """A file, and what it came to.

    :param problem: what is to be told on standard error, or ``""``
    """

    file: str
    code: int
    problem: str
    outcome: Outcome | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "path", nargs="+", metavar="PATH", help="litmus file, folder, or @list of files"
    )
    parser.add_argument(
        "--model",
        choices=[memory.value for memory in Memory],
        default=Memory.TSO.value,
        help="the memory model (tso)",
    )
    parser.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="give up a file after that time"
    )
    parser.add_argument("--json", action="store_true", help="print one object")


def run(args: argparse.Namespace) -> int:
    """Run each file, print what it came to, and return the exit code."""
    if args.timeout is not None and not args.timeout > 0:
        raise BadInput(f"--timeout {args.timeout:g}: expected a number of seconds above 0")
    all_judged = []
    for path in args.path:
        for file, problem in litmus_files(path):
            judged = _judged(file, problem, args)
            all_judged.append(judged)
            if judged.outcome and not args.json:
                print(block(judged.outcome), end="\n\n", flush=True)
            if judged.problem:
                sys.stdout.flush()
                print(f"mmuspec litmus: {judged.problem}", file=sys.stderr)
    if args.json:
        common.print_json([as_object(judged) for judged in all_judged])
    codes = [judged.code for judged in all_judged]
    return next(code for code in WORST if code in codes or code == EXPECTED)


def _judged(file: str, problem: str, args: argparse.Namespace) -> Judged:
    """Run one file, unless there is a *problem* with it already."""
    try:
        if problem:
            raise Unreadable(problem)
        with time_limit(args.timeout):
            outcome = ask(read_litmus(text_of(file), file), Memory(args.model))
    except ProgramError as error:
        return Judged(file, UNREADABLE, str(error) if error.source.file else f"{file}: {error}")
    except Unreadable as error:
        return Judged(file, UNREADABLE, f"{file}: {error}")
    except TimeLimit:
        text = f"not decided in {args.timeout:g} seconds; give more with --timeout"
        return Judged(file, LIMIT, f"{file}: {text}")
    except TooManyStates as error:
        return Judged(file, LIMIT, f"{file}: {error}")
    except Exception:
        text = f"{file}: an error of mmuspec:\n{traceback.format_exc().rstrip()}"
        return Judged(file, INTERNAL_ERROR, text)
    if outcome.as_expected:
        return Judged(file, EXPECTED, "", outcome)
    text = f"expected {outcome.expected}, found {outcome.observation}"
    return Judged(file, OTHER, f"{file}: {text}", outcome)


def as_object(judged: Judged) -> dict[str, Any]:
    """Return what ``--json`` prints of one file."""
    found: dict[str, Any] = {"file": judged.file, "code": judged.code, "problem": judged.problem}
    outcome = judged.outcome
    if outcome:
        litmus = outcome.litmus
        found |= {
            "test": litmus.name,
            "arch": litmus.arch,
            "model": outcome.memory.value,
            "condition": litmus.claim,
            "ok": outcome.holds,
            "observation": outcome.observation,
            "expected": outcome.expected,
            "positive": outcome.positive,
            "negative": outcome.negative,
            "counted": "executions" if outcome.executions else "final states",
            "states": [dict(named(litmus, values)) for values in outcome.states],
            "seconds": outcome.seconds,
        }
    return found
