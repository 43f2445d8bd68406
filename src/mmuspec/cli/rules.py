"""List the rules of the chapters: what each says, and the evidence that it names."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmuspec.cli import BadInput, common
from mmuspec.rules import Registry, Rule, problems, read

HELP = "list the rules of the chapters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    add_folder(parser)


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Declare the folder of chapters, which every command about rules has."""
    parser.add_argument("--spec", type=Path, metavar="FOLDER", help="read these chapters instead")


def run(args: argparse.Namespace) -> int:
    """Print the rules; report what is wrong with the chapters and return 2 if anything is."""
    registry = registry_of(args)
    if args.json:
        common.print_json([as_object(rule) for rule in registry.rules])
    elif registry.rules:
        head = ("RULE", "SINCE", "CHAPTER", "EXAMPLES", "MUTANTS", "STATEMENT")
        rows = [head, *(_row(rule) for rule in registry.rules)]
        print("\n".join(common.table(rows)))
    found = problems(registry)
    for problem in found:
        print(problem, file=sys.stderr)
    return 2 if found else 0


def registry_of(args: argparse.Namespace) -> Registry:
    """Read the chapters that the command line names.

    :raises BadInput: when there is no such folder
    """
    if args.spec and not args.spec.is_dir():
        raise BadInput(f"{args.spec}: no such folder of chapters")
    return read(args.spec)


def as_object(rule: Rule) -> dict[str, Any]:
    """Return *rule* as JSON shows it: an absent field is null."""
    fields = {name: value if value != "" else None for name, value in asdict(rule).items()}
    fields["examples"] = [{"chapter": e.chapter, "line": e.line} for e in rule.examples]
    fields["mutants"] = [{"id": m.id, "target": m.target, "line": m.line} for m in rule.mutants]
    return fields


def _row(rule: Rule) -> tuple[str, ...]:
    since = f"{rule.since}..{rule.until}" if rule.until else rule.since
    counts = (str(len(rule.examples)), str(len(rule.mutants)))
    return (rule.id, since, rule.page, *counts, rule.title)
