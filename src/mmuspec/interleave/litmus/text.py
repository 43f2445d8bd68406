"""The text of a litmus file: where a character stands, and its tokens."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.program import Source

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<comment>\(\*)
      | (?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+)(?![\w.]))
      | (?P<name>[A-Za-z_.](?:[\w.-]|/(?!\\))*)
      | (?P<sign>/\\|\\/|==|!=|<>|=>|.)""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""Names may have ``-`` and ``/`` in them, as herd's do; ``/\\`` ends one."""

COMMENT = re.compile(r"\(\*|\*\)")
LONGEST = 32
"""Characters of a number: more than 64 bits need, with a few zeros in front."""

END = "the end"


@dataclass(frozen=True)
class Token:
    """A piece of text.

    :param kind: ``number``, ``name``, ``sign`` or ``end``
    :param at: index of its first character in the file
    """

    kind: str
    text: str
    at: int

    def __str__(self) -> str:
        return self.text if self.kind == "end" else repr(self.text)


@dataclass(frozen=True)
class Text:
    """The whole text of a file, which errors point into."""

    file: str
    text: str

    @cached_property
    def lines(self) -> list[int]:
        """The index of the first character of each line."""
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def source(self, at: int, label: str = "") -> Source:
        """Return the file, line and column of the character at index *at*."""
        line = bisect_right(self.lines, at)
        return Source(self.file, line, at - self.lines[line - 1] + 1, label)

    def error(self, at: int, text: str) -> ProgramError:
        """Return an error that points at the character at index *at*."""
        return ProgramError(self.source(at), text)

    def not_modelled(self, at: int, construct: str) -> NotModelledError:
        """Return the error for a *construct* at index *at* that means something, but not here."""
        return NotModelledError(self.source(at), construct)

    def after_comment(self, at: int) -> int:
        """Return the index after the comment ``(* *)`` that begins at *at*; they nest.

        :raises ProgramError: if it does not end
        """
        depth = 0
        for found in COMMENT.finditer(self.text, at):
            depth += 1 if found[0] == "(*" else -1
            if depth == 0:
                return found.end()
        raise self.error(at, "this comment has no end; expected '*)'")

    def tokens(self, start: int, end: int) -> Iterator[Token]:
        """Yield the tokens from index *start* to *end*, without blanks and comments."""
        at = start
        while at < end and (found := TOKEN.match(self.text, at, end)):
            kind = str(found.lastgroup)
            at = self.after_comment(at) if kind == "comment" else found.end()
            if kind not in ("space", "comment"):
                yield Token(kind, found[0], found.start())
        yield Token("end", END, end)


class Tokens:
    """Tokens that a parser takes one after the other."""

    def __init__(self, text: Text, start: int, end: int) -> None:
        self.text = text
        self.all = list(text.tokens(start, end))
        self.next = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the next token, or one after it, and leave it there."""
        return self.all[min(self.next + ahead, len(self.all) - 1)]

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self.peek()
        self.next += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Tell whether *texts* come next."""
        return all(self.peek(n).text == text for n, text in enumerate(texts)) and not self.ended()

    def takes(self, *texts: str) -> bool:
        """Take *texts* if they come next, and tell whether they did."""
        found = self.sees(*texts)
        self.next += len(texts) * found
        return found

    def ended(self) -> bool:
        """Tell whether nothing is left."""
        return self.peek().kind == "end"

    def expect(self, text: str) -> Token:
        """Take *text*.

        :raises ProgramError: if something else comes next
        """
        if not self.sees(text):
            raise self.wrong(repr(text))
        return self.take()

    def kind(self, kind: str, meaning: str) -> Token:
        """Take a token of *kind*; *meaning* says what it would have been.

        :raises ProgramError: if something else comes next
        """
        if self.peek().kind != kind:
            raise self.wrong(meaning)
        return self.take()

    def number(self, meaning: str = "a number") -> int:
        """Take a number, decimal or hexadecimal."""
        token = self.kind("number", meaning)
        if len(token.text) > LONGEST:
            raise self.text.error(token.at, "expected a number of at most 64 bits")
        return int(token.text, 16 if "x" in token.text.lower() else 10)

    def wrong(self, expected: str) -> ProgramError:
        """Return an error: *expected* should have come next."""
        token = self.peek()
        return self.text.error(token.at, f"expected {expected}, found {token}")
