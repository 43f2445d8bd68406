"""The code of a kernel litmus file: ``P0(int *x, spinlock_t *s) { ... }``."""

import re
from dataclasses import dataclass

from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.readers.c_ast import Code, statements

HEAD = re.compile(r"(?:(?:static|void|int)\s+)*P(\d+)\s*\(([^()]*)\)\s*\{")
PARAMETER = re.compile(r"(?P<type>.*?)(?P<stars>[\s*]*\*[\s*]*)(?P<name>\w+)\s*", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass
class Function:
    """The code of one CPU.

    :param parameters: types of the words that it sees, by their names
    """

    cpu: str
    parameters: dict[str, str]
    code: Code


def without_comments(text: Text, *spans: tuple[int, int]) -> Text:
    """Return *text* with blanks for the C comments in *spans*."""
    plain = text.text
    for start, end in spans:
        plain = plain[:start] + COMMENT.sub(blanks, plain[start:end]) + plain[end:]
    return Text(text.file, plain)


def blanks(comment: re.Match[str]) -> str:
    """Return as many blanks as *comment* is long; lines stay lines."""
    return re.sub(r"[^\n]", " ", comment[0])


def functions(text: Text, start: int, end: int) -> list[Function]:
    """Read the code of all CPUs, between two indices of a text without C comments.

    :raises ProgramError: if something else stands there
    """
    found: list[Function] = []
    at = skipped(text, start, end)
    while at < end:
        head = HEAD.match(text.text, at, end)
        if not head or int(head[1]) != len(found):
            expected = f"'P{len(found)}(int *x) {{', or exists, ~exists or forall"
            raise text.error(at, f"expected {expected}")
        close = closing(text, head.end() - 1, end)
        code = statements(text.text[head.end() : close], text.source(head.end()))
        found.append(Function(f"P{head[1]}", parameters(text, head), code))
        at = skipped(text, close + 1, end)
    return found


def skipped(text: Text, at: int, end: int) -> int:
    """Return the index after the blanks and herd's comments at *at*."""
    while at < end:
        if text.text.startswith("(*", at):
            at = text.after_comment(at)
        elif text.text[at].isspace() or text.text[at] == ";":
            at += 1
        else:
            break
    return at


def closing(text: Text, opening: int, end: int) -> int:
    """Return the index of the brace that closes the one at *opening*."""
    depth = 0
    for at in range(opening, end):
        depth += {"{": 1, "}": -1}.get(text.text[at], 0)
        if depth == 0:
            return at
    raise text.error(opening, "this code has no end; expected '}'")


def parameters(text: Text, head: re.Match[str]) -> dict[str, str]:
    """Return the types of the words to which the parameters point, by name."""
    found, at = {}, head.start(2)
    for part in head[2].split(","):
        if part.strip() not in ("", "void"):
            match = PARAMETER.fullmatch(part)
            if not match:
                begin = at + len(part) - len(part.lstrip())
                raise text.error(begin, f"expected 'int *x' or the like, found {part.strip()!r}")
            single = match["stars"].count("*") == 1
            found[match["name"]] = match["type"].strip() if single else "intptr_t"
        at += len(part) + 1
    return found
