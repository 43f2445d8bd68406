"""Litmus files on disk: which there are, and the reader that each is for."""

import os
from collections.abc import Iterator

from mmuspec.interleave.litmus.litmus import Litmus
from mmuspec.interleave.litmus.sections import sections
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.litmus.x86 import VIEWS, read_x86

LARGEST = 1 << 20
"""Bytes of a litmus file: more is something else."""

ENDING = ".litmus"


class Unreadable(Exception):
    """A file without a text that could be read; the text says why."""


def litmus_files(path: str, within: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield the litmus files that *path* stands for, and what is wrong with each, or ``""``.

    A folder stands for all that end in ``.litmus`` below it, in the order of names; a file
    whose name begins with ``@`` for those that it lists, beside it.

    :param within: the lists that are being read
    """
    if os.path.isdir(path):
        found = sorted(_below(path))
        yield from ((file, "") for file in found)
        if not found:
            yield path, f"no file in this folder ends in {ENDING}"
    elif os.path.basename(path).startswith("@"):
        yield from _listed(path, within)
    else:
        yield path, ""


def _below(folder: str) -> Iterator[str]:
    """Yield the litmus files below *folder*."""
    for where, _, names in os.walk(folder):
        yield from (os.path.join(where, name) for name in names if name.endswith(ENDING))


def _listed(path: str, within: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the files of a list; empty lines and those that begin with ``#`` are nothing."""
    file = path
    if not os.path.exists(path):
        file = os.path.join(os.path.dirname(path), os.path.basename(path)[1:])
    if os.path.realpath(file) in within:
        yield path, "this list contains itself"
        return
    try:
        lines = text_of(file).splitlines()
    except Unreadable as error:
        yield path, str(error)
        return
    for line in lines:
        name = line.strip()
        if name and not name.startswith("#"):
            inner = os.path.join(os.path.dirname(file), name)
            yield from litmus_files(inner, (*within, os.path.realpath(file)))


def text_of(file: str) -> str:
    """Return the text of *file*.

    :raises Unreadable: if there is none
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(data) > LARGEST:
        raise Unreadable(f"this is no litmus file: it is longer than {LARGEST:,} bytes")
    if b"\0" in data:
        raise Unreadable("this is no litmus file: it is not text")
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def read_litmus(text: str, file: str = "<text>") -> Litmus:
    """Read a litmus file in any language that is modelled: its first word says which it is.

    :raises ProgramError: where it is wrong, and what was expected
    """
    parts = sections(Text(file, text))
    if parts.arch == "C":
        # Only who reads C needs a parser of C.
        from mmuspec.interleave.readers.kernel_litmus import read_kernel_litmus

        return read_kernel_litmus(text, file)
    if parts.arch not in VIEWS:
        at = text.index(parts.arch)
        raise parts.text.not_modelled(at, f"the architecture {parts.arch} ({_known()} are)")
    return read_x86(text, file)


def _known() -> str:
    return ", ".join((*VIEWS, "C"))
