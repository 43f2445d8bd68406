"""Drive the model with a recorded scenario and show its events beside the recorded ones."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator

from mmuspec.cli import BadInput, common
from mmuspec.epochs import DEFAULT, EPOCHS, Epoch, epoch_named
from mmuspec.kvm.state.errors import ModelError
from mmuspec.scenario.error import ScenarioError
from mmuspec.scenario.read import read_scenario
from mmuspec.scenario.recording import Scenario
from mmuspec.trace.compare import Comparison, WitnessStep
from mmuspec.trace.report import (
    LEGEND,
    filled,
    operation_lines,
    operation_object,
    summary_lines,
    summary_object,
)
from mmuspec.trace.rows import OperationReport, Summary, without_context

HELP = "run a recorded scenario on the model and compare"

Witness = Callable[[Scenario, Epoch], Iterable[WitnessStep]]
"""Something that runs a scenario, step by step."""

PROGRESS_EVERY = 64
"""Operations between two updates of the progress line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a recording; - is standard input")
    parser.add_argument(
        "--epoch", metavar="VERSION", help=f"kernel version of the model: {', '.join(EPOCHS)}"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument("--only-differences", action="store_true", help="leave out all that agrees")
    parser.add_argument("--operation", type=int, metavar="N", help="show and count only this one")
    parser.add_argument(
        "--context", action="store_true", help="show recorded events that are not compared, too"
    )


def run(args: argparse.Namespace) -> int:
    """Run the command: 0 complete agreement, 1 differences, 2 bad input."""
    from mmuspec.scenario.run import run_on_model

    return compare(args, run_on_model)


def compare(args: argparse.Namespace, witness: Witness) -> int:
    """Compare *witness* with the scenario that *args* name; return the exit code.

    :raises BadInput: the scenario, the epoch or the operation is not there
    """
    try:
        scenario = read_scenario(args.scenario)
    except ScenarioError as error:
        raise BadInput(str(error)) from None
    epoch = _epoch(args.epoch, scenario)
    last = _last_operation(args.operation, scenario)
    reports = _reports(scenario, epoch, witness, last)
    chosen = (r for r in reports if args.operation in (None, r.operation.n))
    shown = chosen if args.context else map(without_context, chosen)
    summary = _print_json if args.json else _print_text
    return 1 if summary(args, scenario, epoch, shown).differ else 0


def _epoch(name: str | None, scenario: Scenario) -> Epoch:
    """Return the epoch asked for, or the recorded kernel's, or the default."""
    if name is None:
        return EPOCHS.get(scenario.kernel_version or "", DEFAULT)
    try:
        return epoch_named(name)
    except KeyError as error:
        raise BadInput(f"--epoch: {error.args[0]}") from None


def _last_operation(asked: int | None, scenario: Scenario) -> int:
    count = len(scenario.steps)
    if asked is not None and not 1 <= asked <= count:
        raise BadInput(f"--operation {asked}: {scenario.file} has operations 1 to {count}")
    return asked or count


def _reports(
    scenario: Scenario, epoch: Epoch, witness: Witness, last: int
) -> Iterator[OperationReport]:
    """Yield the comparison of each operation up to number *last*.

    :raises BadInput: the model says that an operation is impossible
    """
    comparison = Comparison(scenario, epoch)
    steps = iter(witness(scenario, epoch))
    progress = sys.stderr.isatty() and not sys.stdout.isatty()
    for recorded in scenario.steps[:last]:
        n = recorded.operation.n
        if progress and n % PROGRESS_EVERY == 0:
            print(f"\roperation {n} of {last}", end="", file=sys.stderr)
        try:
            step = next(steps)
        except ModelError as error:
            raise BadInput(f"{scenario.file}: operation {n}: {error}") from None
        yield comparison.step(recorded, step)
    if progress:
        print("\r\x1b[K", end="", file=sys.stderr)


def _print_text(
    args: argparse.Namespace, scenario: Scenario, epoch: Epoch, reports: Iterable[OperationReport]
) -> Summary:
    print("\n".join(filled(f"{scenario.name}, recorded on {scenario.kernel}", 0)))
    print(f"model of {epoch} ({_why(args, scenario)})")
    print(LEGEND)
    summary = Summary()
    for report in reports:
        summary.add(report)
        if args.only_differences and report.agrees:
            continue
        for note in scenario.notes:
            if note.before_op == report.operation.n:
                print("\n".join(filled(f"# {note.text}", 0)))
        for line in operation_lines(report, only_differences=args.only_differences):
            print(line)
    for line in summary_lines(summary):
        print(line)
    return summary


def _why(args: argparse.Namespace, scenario: Scenario) -> str:
    """Return why this epoch was taken."""
    if args.epoch:
        return "as asked"
    if scenario.kernel_version in EPOCHS:
        return "the recorded kernel"
    return "the default: the recorded kernel is not modelled"


def _print_json(
    args: argparse.Namespace, scenario: Scenario, epoch: Epoch, reports: Iterable[OperationReport]
) -> Summary:
    summary, operations = Summary(), []
    for report in reports:
        summary.add(report)
        if not (args.only_differences and report.agrees):
            operations.append(operation_object(report))
    common.print_json(
        {
            "scenario": scenario.name,
            "kernel": scenario.kernel,
            "epoch": epoch.name,
            "operations": operations,
            "summary": summary_object(summary),
        }
    )
    return summary
