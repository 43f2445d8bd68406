"""Print a rule in full: its fields, its examples and the mutants that break it."""

import argparse
from collections.abc import Iterator

from mmuspec.cli import BadInput, common
from mmuspec.cli.rules import add_folder, as_object, registry_of
from mmuspec.rules import Registry, Rule
from mmuspec.rules.check import claims

HELP = "print one rule in full"

_LABEL = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("ids", nargs="+", metavar="ID", help="the rule, as in ZAP-1")
    parser.add_argument("--json", action="store_true", help="print an array of objects")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the rules that are asked for.

    :raises BadInput: for an id that no rule has
    """
    registry = registry_of(args)
    rules = [_find(registry, ident) for ident in args.ids]
    if args.json:
        common.print_json([as_object(rule) for rule in rules])
    else:
        print("\n\n".join("\n".join(explain(rule)) for rule in rules))
    return 0


def _find(registry: Registry, ident: str) -> Rule:
    rule = registry.rule(ident)
    if rule is None:
        nearest = ", ".join(registry.nearest(ident))
        hint = f"nearest are {nearest}" if nearest else "`mmuspec rules` lists them all"
        raise BadInput(f"no rule {ident!r}; {hint}")
    return rule


def explain(rule: Rule) -> Iterator[str]:
    """Yield the full text of *rule*, in lines of at most 78 columns."""
    yield from common.labelled(rule.id, rule.title, max(_LABEL, len(rule.id) + 2))
    yield f"{'':{_LABEL}}{rule.chapter}:{rule.line}"
    yield ""
    for label, text in _fields(rule):
        if text:
            yield from common.labelled(label, text, _LABEL)
    if rule.body:
        yield ""
        yield from common.prose(rule.body)
    for example in rule.examples:
        yield ""
        yield f"Example, {example.chapter}:{example.line}"
        yield from common.code(example.source, 4)
    for mutant in rule.mutants:
        yield ""
        yield f"Mutant {mutant.id}, {mutant.chapter}:{mutant.line}, in"
        yield from common.code(mutant.target, 4)
        yield from common.code(mutant.diff, 4)


def _fields(rule: Rule) -> Iterator[tuple[str, str]]:
    yield "Reads", rule.reads
    yield "Requires", rule.requires
    yield "Effect", rule.effect
    yield "Without it", rule.without
    yield "Since", rule.since
    yield "Until", rule.until
    yield "Epochs", rule.epochs
    yield "Symbols", ", ".join(rule.symbols)
    for claim in rule.claims:
        yield claim, claims().get(claim, "")
