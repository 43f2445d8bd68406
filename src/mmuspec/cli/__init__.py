"""The command ``mmuspec``.

Exit codes: 0 all is well, 1 there are differences or findings, 2 the input is bad.

Each subcommand is a module of this package with a one-line ``HELP``,
``add_arguments(parser)`` and ``run(args) -> int``; it is imported when it is asked for.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from mmuspec import __version__

COMMANDS = ("rules", "explain", "epochs", "run", "conform", "check", "why", "litmus")
"""The subcommands, as the help lists them."""

CLOSED_PIPE = 141
"""What a shell reports for a program whose reader went away."""


class BadInput(Exception):
    """The input cannot be used; the text says what, where, and what was expected."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    :param arguments: those of the command line, by default
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser(arguments)
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return 2
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except BadInput as error:
        print(f"mmuspec {args.command}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # What is still buffered has nowhere to go: let the interpreter flush it into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return a parser of the subcommand that is asked for, or of all when none is."""
    parser = argparse.ArgumentParser(
        prog="mmuspec",
        description="An executable specification of the Linux KVM x86 shadow MMU.",
        epilog="Exit codes: 0 all is well, 1 differences or findings, 2 bad input.",
    )
    parser.add_argument("--version", action="version", version=f"mmuspec {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    asked = [name for name in arguments[:1] if name in COMMANDS]
    for name in asked or COMMANDS:
        module = importlib.import_module(f"mmuspec.cli.{name}")
        child = subparsers.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(child)
        child.set_defaults(run=module.run)
    return parser
