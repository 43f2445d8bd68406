"""List what differs between kernel versions: the clauses that the model reads, and what follows."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from mmuspec.cli import BadInput, common
from mmuspec.epochs import DEFAULT, EPOCHS, Epoch, epoch_named
from mmuspec.epochs.describe import Row, by_topic, for_machines, rows
from mmuspec.scenario.epoch_facts import (
    DefectFact,
    Fact,
    defects,
    differing,
    generation_bits,
    role_words,
)

HELP = "list what differs between kernel versions"

WIDTH = 100
"""Columns of the output."""
_NAME = 40
_VALUE = 12
"""Columns of a value; a longer one stands on a line of its own."""
_TITLES = {"roles": "Role words", "generations": "Generation bits of an MMIO spte"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    known = ", ".join(EPOCHS)
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help=f"one: its clauses; two: where they differ; none: where any differ ({known})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")


def run(args: argparse.Namespace) -> int:
    """Print the clauses, then what follows from them.

    :raises BadInput: a version is not modelled, or there are more than two
    """
    if len(args.versions) > 2:
        raise BadInput(f"two versions can be compared, not {len(args.versions)}")
    epochs = [_named(name) for name in args.versions] or list(EPOCHS.values())
    found = rows(epochs, everything=len(epochs) == 1)
    facts = {"roles": role_words(epochs), "generations": generation_bits(epochs)}
    broken = defects(epochs, everything=len(epochs) != 2)
    if len(epochs) == 2:
        facts = {kind: differing(some) for kind, some in facts.items()}
    if args.json:
        common.print_json(_object(epochs, found, facts, broken))
    else:
        print("\n".join(_text(epochs, found, facts, broken)))
    return 0


def _named(name: str) -> Epoch:
    try:
        return epoch_named(name)
    except KeyError as error:
        raise BadInput(error.args[0]) from None


def _object(
    epochs: Sequence[Epoch],
    found: Sequence[Row],
    facts: dict[str, list[Fact]],
    broken: Sequence[DefectFact],
) -> dict[str, Any]:
    names = [epoch.name for epoch in epochs]
    return {
        "versions": names,
        "default": DEFAULT.name,
        "clauses": [
            {
                **row.clause._asdict(),
                "values": dict(zip(names, map(for_machines, row.values), strict=True)),
            }
            for row in found
        ],
        "facts": {
            kind: {fact.what: dict(zip(names, fact.values, strict=True)) for fact in some}
            for kind, some in facts.items()
        },
        "defects": [
            {
                "name": fact.name,
                "what": fact.what,
                "present": dict(zip(names, fact.present, strict=True)),
                "repaired_in": fact.repaired_in,
            }
            for fact in broken
        ],
    }


def _text(
    epochs: Sequence[Epoch],
    found: Sequence[Row],
    facts: dict[str, list[Fact]],
    broken: Sequence[DefectFact],
) -> Iterator[str]:
    names = [epoch.name for epoch in epochs]
    yield f"kernel versions: {', '.join(EPOCHS)}; the chapters are about {DEFAULT}"
    for topic, some in by_topic(found).items():
        yield ""
        yield _line(topic, names)
        for row in some:
            yield from _clause(row, names)
    for kind, title in _TITLES.items():
        if facts[kind]:
            table = [(title, *names), *((f"  {fact.what}", *fact.values) for fact in facts[kind])]
            yield from ("", *common.table(table))
    if broken:
        yield ""
        yield from _defects(broken, names)


def _clause(row: Row, names: Sequence[str]) -> Iterator[str]:
    """Yield a clause: its values, and its meaning below."""
    if max(map(len, row.words)) < _VALUE:
        yield _line(f"  {row.clause.name}", row.words)
    else:
        yield f"  {row.clause.name}"
        for value in dict.fromkeys(row.words):
            having = ", ".join(n for n, word in zip(names, row.words, strict=True) if word == value)
            yield from _filled(f"{having}: {value}", 6)
    yield from _filled(row.clause.meaning.replace("``", ""), 4)


def _line(first: str, rest: Sequence[str]) -> str:
    return (f"{first:<{_NAME}}" + "".join(f"{text:<{_VALUE}}" for text in rest)).rstrip()


def _filled(text: str, indent: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
    )


def _defects(found: Sequence[DefectFact], names: Sequence[str]) -> Iterator[str]:
    """Yield a line for each defect, and below it what it is."""
    yield _line("Defects", [*names, "repaired in"])
    for fact in found:
        marks = ["yes" if present else "no" for present in fact.present]
        yield _line(f"  {fact.name}", [*marks, fact.repaired_in or "-"])
        yield from _filled(fact.what, 4)
