"""What `mmuspec why` is asked: a protocol of the book, a litmus file or a table."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mmuspec.cli import BadInput
from mmuspec.interleave.catalogue import (
    ParameterError,
    UnknownProtocolError,
    built,
    find,
    weakened,
)
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.guards import UnknownGuardError
from mmuspec.interleave.operations import Check
from mmuspec.interleave.program import Program, Quantifier

if TYPE_CHECKING:
    from mmuspec.interleave.litmus.litmus import Litmus

LITMUS = re.compile(r"\s*(?:\(\*.*?\*\)\s*)*(X86|X86_64|C)[ \t]+\S", re.DOTALL)
"""How a litmus file begins."""


@dataclass(frozen=True)
class Asked:
    """A question.

    :param program: the protocol, without the guards that are to be left out
    :param order: how the rows of a table are drawn; ``None`` if nothing is drawn
    :param litmus: the litmus test, if it is one
    """

    program: Program
    order: tuple[tuple[int, int], ...] | None = None
    litmus: "Litmus | None" = None

    @property
    def is_drawing(self) -> bool:
        """Whether nothing is asked but whether the rows can happen as they are drawn."""
        program = self.program
        code = (each.operation for thread in program.threads for each in thread.code)
        claims = program.finals or program.always or any(isinstance(op, Check) for op in code)
        return self.order is not None and not claims

    def parts(self) -> Iterator[Program]:
        """Yield what is looked at one after the other: first all claims, then each question."""
        finals = self.program.finals
        questions = [final for final in finals if final.quantifier is Quantifier.EXISTS]
        claims = tuple(final for final in finals if final not in questions)
        if self.litmus is not None or not questions or len(finals) == 1:
            yield self.program
            return
        yield replace(self.program, finals=claims)
        for question in questions:
            yield replace(self.program, finals=(question,))


def asked(args: argparse.Namespace) -> Asked:
    """Return what the command line asks.

    :raises BadInput: if that cannot be read
    """
    with _epoch(args.epoch):
        try:
            question = _protocol(args) if _is_protocol(args.what) else _text(args)
            program = weakened(question.program, args.without)
        except (UnknownProtocolError, ParameterError, UnknownGuardError) as error:
            raise BadInput(str(error)) from None
        except ProgramError as error:
            where = "" if error.source.file else f"{args.what}: "
            raise BadInput(f"{where}{error}") from None
    # Rows that are left out are not drawn either, and the others have moved.
    order = question.order if program is question.program else None
    return replace(question, program=program, order=order)


def _epoch(name: str | None) -> AbstractContextManager[None]:
    """Return a context in which the version of that name is meant.

    :raises BadInput: if it is not modelled
    """
    if name is None:
        return nullcontext()
    from mmuspec.epochs import epoch_named
    from mmuspec.epochs.default import using

    try:
        return using(epoch_named(name))
    except KeyError as error:
        raise BadInput(error.args[0]) from None


def _is_protocol(what: str) -> bool:
    """Tell whether *what* is meant as the name of a protocol, not of a file."""
    return what != "-" and not os.path.exists(what) and not re.search(r"[/.](?!.*:)", what)


def _protocol(args: argparse.Namespace) -> Asked:
    """Return the protocol that the command line names."""
    return Asked(built(find(args.what), dict(map(_setting, args.parameter))))


def _setting(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"-p {text}: expected NAME=VALUE")
    return name, value


def _text(args: argparse.Namespace) -> Asked:
    """Read a litmus file or a table.

    :raises BadInput: if there is no such text
    """
    if args.parameter:
        raise BadInput(f"-p {args.parameter[0]}: only a protocol of the book has parameters")
    file = "<stdin>" if args.what == "-" else args.what
    text = _contents(args.what)
    if LITMUS.match(text) or file.endswith(".litmus"):
        from mmuspec.interleave.litmus.files import read_litmus

        litmus = read_litmus(text, file)
        return Asked(litmus.program, litmus=litmus)
    from mmuspec.interleave.readers.table import read_table

    table = read_table(text, file)
    return Asked(table.program, table.drawn_order)


def _contents(what: str) -> str:
    """Return the text of a file, or of standard input.

    :raises BadInput: if it is not text, or cannot be read
    """
    try:
        if what == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(what, "rb") as stream:
                data = stream.read()
        return data.decode("utf-8").replace("\r\n", "\n")
    except OSError as error:
        raise BadInput(
            f"{what}: {error.strerror}; expected a table, a litmus file, or the name of a protocol "
            "(`mmuspec why` lists them)"
        ) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{what}: no text, byte {error.start} is not UTF-8") from None
