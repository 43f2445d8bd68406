"""Can it happen? Look at every interleaving of a protocol, and show the shortest schedule.

WHAT is a protocol of the book by name (no WHAT lists them), MODULE:FUNCTION, or a file: a
CPU0/CPU1 table as people draw them in mails, or a litmus file (X86, X86_64, or the kernel's C,
judged as x86).

The answer is "possible" with the shortest schedule, or "impossible" with the step that blocks it.
Exit codes: 0 as expected, 1 not, 124 a limit of time or memory was reached and nothing is known, 2
the input cannot be read, 3 an error of mmuspec. It is expected that the claims of a protocol
hold, and of a litmus file what it says in its Result; what only asks (exists, possible) expects
nothing.
"""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mmuspec.cli import BadInput, common
from mmuspec.cli.limits import TimeLimit, time_limit

if TYPE_CHECKING:
    from mmuspec.cli.why_input import Asked
    from mmuspec.cli.why_text import Result
    from mmuspec.interleave.answer import Answer, Progress
    from mmuspec.interleave.program import Program

HELP = "tell whether a protocol, a table or a litmus test can go wrong, and how"

EXPECTED, OTHER, INTERNAL_ERROR, LIMIT = 0, 1, 3, 124

PATIENCE = 1.0
"""Seconds before a terminal is told how far the search is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "what", nargs="?", metavar="WHAT", help="a protocol of the book, a file, or -"
    )
    parser.add_argument(
        "--model", choices=("sc", "tso"), default="tso", help="the memory model (tso)"
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="GUARD", help="leave a guard out"
    )
    parser.add_argument("--epoch", metavar="VERSION", help="the kernel version that is meant")
    parser.add_argument(
        "-p",
        dest="parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a parameter of the protocol",
    )
    parser.add_argument(
        "--no-reduction",
        dest="reduction",
        action="store_false",
        help="also look at interleavings that make no difference",
    )
    parser.add_argument("--memory", type=int, metavar="BYTES", help="what the states may take")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="give up after that time")
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument(
        "--as",
        dest="form",
        choices=("promela", "table", "litmus"),
        help="write the protocol for others (spin, a mail, herd) instead of answering",
    )


def run(args: argparse.Namespace) -> int:
    """Answer, and return the exit code.

    :raises BadInput: if the input cannot be read
    """
    for option in ("timeout", "memory"):
        value = getattr(args, option)
        if value is not None and not value > 0:
            raise BadInput(f"--{option} {value:g}: expected a number above 0")
    if args.what is None:
        return _list(args)
    from mmuspec.interleave.answer import TooManyStates

    try:
        with time_limit(args.timeout):
            return _answered(args)
    except (BadInput, BrokenPipeError):
        raise
    except TimeLimit:
        return _limit(f"not decided in {args.timeout:g} seconds; give more with --timeout")
    except TooManyStates as error:
        return _limit(f"{error}; --memory BYTES gives more")
    except Exception:
        print(f"mmuspec why: an error of mmuspec:\n{traceback.format_exc()}", file=sys.stderr)
        return INTERNAL_ERROR


def _limit(text: str) -> int:
    """Say that nothing is known."""
    print(f"mmuspec why: {text}", file=sys.stderr)
    return LIMIT


def _list(args: argparse.Namespace) -> int:
    """List the protocols of the book."""
    from mmuspec.interleave.catalogue import parameters, protocols, shown, summary

    found = protocols()
    if args.json:
        common.print_json(
            [
                {"name": name, "summary": summary(each), "parameters": parameters(each)}
                for name, each in found.items()
            ]
        )
        return EXPECTED
    for name, protocol in found.items():
        print(name)
        for line in common.prose(summary(protocol), 4):
            print(line)
        settings = [f"{key}={shown(value)}" for key, value in parameters(protocol).items()]
        if settings:
            for line in common.prose("-p " + ", ".join(settings), 4):
                print(line)
    return EXPECTED


def _answered(args: argparse.Namespace) -> int:
    """Read, look, print, and return the exit code."""
    from mmuspec.cli.why_input import asked
    from mmuspec.cli.why_text import as_object, lines

    question = asked(args)
    if args.form:
        return _written(args, question)
    result = _result(args, question)
    if args.json:
        common.print_json(as_object(result))
    else:
        print("\n".join(lines(result)))
    return EXPECTED if result.as_expected else OTHER


def _written(args: argparse.Namespace, question: "Asked") -> int:
    """Print the protocol in another form."""
    from mmuspec.interleave.errors import ProgramError
    from mmuspec.interleave.litmus.writer import write_litmus
    from mmuspec.interleave.program import Memory
    from mmuspec.interleave.promela import write_promela
    from mmuspec.interleave.writers.table import write_table

    program = question.program
    try:
        if args.form == "promela":
            print(write_promela(program, Memory(args.model)), end="")
        else:
            print(write_table(program) if args.form == "table" else write_litmus(program), end="")
    except ProgramError as error:
        raise BadInput(f"{program.name} as {args.form}: {error}") from None
    return EXPECTED


def _result(args: argparse.Namespace, question: "Asked") -> "Result":
    """Look at every interleaving, and at what keeps from happening what was not found."""
    from mmuspec.cli.why_text import Result

    started = time.monotonic()
    answer = _first_found(args, question)
    seconds = time.monotonic() - started
    explanation = None
    if answer.found is None:
        from mmuspec.interleave.explain.why import explained

        try:
            explanation = explained(answer, question.order)
        except TimeLimit:
            explanation = None
    return Result(
        answer=answer,
        explanation=explanation,
        seconds=seconds,
        as_expected=_as_expected(question, answer),
        without=args.without,
        drawing=question.is_drawing,
    )


def _first_found(args: argparse.Namespace, question: "Asked") -> "Answer":
    """Return the first answer that found something, or else the last."""
    from mmuspec.interleave.decide import decide
    from mmuspec.interleave.program import Memory

    def look(program: "Program") -> "Answer":
        with _progress() as progress:
            return decide(
                program,
                Memory(args.model),
                all_states=question.litmus is not None and bool(question.litmus.expected),
                reduction=args.reduction,
                threads=min(2, os.cpu_count() or 1),
                bound=args.memory,
                progress=progress,
            )

    answers = map(look, question.parts())
    answer = next(answers)
    for other in answers:
        if answer.found is not None:
            break
        answer = other
    return answer


def _as_expected(question: "Asked", answer: "Answer") -> bool:
    """Tell whether nothing else was expected."""
    litmus = question.litmus
    if litmus is not None and litmus.expected:
        from mmuspec.interleave.litmus.answer import Outcome
        from mmuspec.interleave.semantics import Semantics

        semantics = Semantics(answer.program, answer.memory)
        ends = [end for end in answer.finals if semantics.holds(litmus.counts, end)]
        positive = sum(semantics.holds(litmus.holds, end) for end in ends)
        return Outcome(
            litmus, answer.memory, (), positive, len(ends) - positive, False, 0
        ).as_expected
    from mmuspec.interleave.program import Quantifier

    asks = [f.text for f in question.program.finals if f.quantifier is Quantifier.EXISTS]
    return answer.found is None or answer.found in asks


@contextmanager
def _progress() -> Iterator["Progress | None"]:
    """Give what tells a terminal how far a long search is."""
    if not sys.stderr.isatty():
        yield None
        return
    started = time.monotonic()
    shown = False

    def tell(states: int, frontier: int, rate: float) -> None:
        nonlocal shown
        if time.monotonic() - started > PATIENCE:
            shown = True
            text = f"{states:,} states, {frontier:,} newest, {rate / 1e6:.1f} million a second"
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
