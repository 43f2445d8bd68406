"""The parts of a litmus file: its first line, what is said about it, and where the rest stands.

The first line names the architecture and the test; ``Key=value`` lines may follow. ``{ }``
holds the initial state, the code comes next, and the questions begin with ``exists``,
``locations`` or one of their kind. All architectures, and C, have files of this form.
"""

import re
from dataclasses import dataclass, field

from mmuspec.interleave.litmus.text import Text

HEADER = re.compile(r"[ \t\r]*(\w+)[ \t]+([\w/.\-+\[\]:]+)[ \t\r]*(?:\(([^()\n]*)\))?")
DOC = re.compile(r'\s*"([^"]*)"')
KEY = re.compile(r"[ \t]*([A-Za-z][\w/.-]*)[ \t]*=[ \t]*([^\n\r]*)")
LINE = re.compile(r"[^\n{(]+|\(")

WORDS = "exists|forall|final|observed|Observed|locations|filter"
"""Those that the questions can begin with."""

PROGRAM = re.compile(
    rf"""(?P<comment>\(\*)
      | (?P<c_comment>/\*.*?\*/|//[^\n]*)
      | "[^"\n]*"
      | (?P<questions>~[ \t]*exists\b|\b(?:{WORDS})\b)
      | [A-Za-z][\w/.-]*
      | .""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""Names are taken whole, so that ``exists1`` is none of the words that begin the questions."""

Span = tuple[int, int]
"""The indices of the first character, and of the one after the last."""


@dataclass(frozen=True)
class Sections:
    """A litmus file, in parts.

    :param arch: ``X86``, ``X86_64``, ``C``, ...
    :param head: all before the initial state; comments too
    :param info: the ``Key=value`` lines
    """

    text: Text
    arch: str
    name: str
    doc: str
    head: Span
    initial: Span
    program: Span
    questions: Span
    info: tuple[tuple[str, str], ...] = field(default=())


def sections(text: Text) -> Sections:
    """Find the parts of a litmus file.

    :raises ProgramError: if one is missing; it says what was expected, and where
    """
    start = _skip(text, 0)
    header = HEADER.match(text.text, start)
    if not header:
        raise text.error(start, "expected a first line such as 'X86 SB': architecture and name")
    doc = DOC.match(text.text, header.end())
    info, opening = _info(text, (doc or header).end())
    initial = (opening + 1, _closing(text, opening))
    program = (initial[1] + 1, _questions(text, header[1], initial[1] + 1))
    return Sections(
        text=text,
        arch=header[1],
        name=header[2],
        doc=doc[1] if doc else "",
        head=(0, opening),
        initial=initial,
        program=program,
        questions=(program[1], _end(text, program[1])),
        info=info,
    )


def _skip(text: Text, at: int) -> int:
    """Return the index after the blanks and comments at *at*."""
    while at < len(text.text):
        if text.text.startswith("(*", at):
            at = text.after_comment(at)
        elif text.text[at].isspace() or text.text[at] == "\ufeff":
            at += 1
        else:
            break
    return at


def _info(text: Text, at: int) -> tuple[tuple[tuple[str, str], ...], int]:
    """Return the ``Key=value`` lines, and the index of the ``{`` after them; skip the rest."""
    found = []
    while at < len(text.text) and text.text[at] != "{":
        if text.text.startswith("(*", at):
            at = text.after_comment(at)
        elif text.text[at] == "\n":
            at += 1
        elif key := KEY.match(text.text, at):
            found.append((key[1], key[2].rstrip()))
            at = key.end()
        elif line := LINE.match(text.text, at):
            at = line.end()
    if at >= len(text.text):
        raise text.error(at, "expected '{' and the initial state, found the end")
    return tuple(found), at


def _closing(text: Text, opening: int) -> int:
    """Return the index of the brace that closes the one at *opening*."""
    depth, at = 0, opening
    while at < len(text.text):
        if text.text.startswith("(*", at):
            at = text.after_comment(at)
            continue
        depth += {"{": 1, "}": -1}.get(text.text[at], 0)
        if depth == 0:
            return at
        at += 1
    raise text.error(opening, "this initial state has no end; expected '}'")


def _questions(text: Text, arch: str, start: int) -> int:
    """Return where the questions begin, or where the file ends."""
    at = start
    while found := PROGRAM.match(text.text, at):
        if found["questions"]:
            return at
        c_comment = found["c_comment"] and arch != "C"
        if found["comment"] and arch != "C":
            at = text.after_comment(at)
        else:
            at += 1 if c_comment else len(found[0])
    return len(text.text)


def _end(text: Text, start: int) -> int:
    """Return where the questions end: before ``<<``, which old files have, or with the file."""
    at = start
    while at < len(text.text) and not text.text.startswith("<<", at):
        at = text.after_comment(at) if text.text.startswith("(*", at) else at + 1
    return at
