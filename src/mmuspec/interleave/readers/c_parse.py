"""C statements as a syntax tree, with the places where they stand in a file."""

import re
from dataclasses import dataclass

import tree_sitter_c
from tree_sitter import Language, Node, Parser

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.program import Source

HEAD = "void f(void) {\n"
"""Statements stand in a function, or C would not take them; they begin on the line after this."""

PAIRS = {"(": ")", "{": "}", "[": "]"}

BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|//[^\n]*|[()\[\]{}]', re.DOTALL)
"""A bracket, or what brackets in it do not count."""

UNENDED = re.compile(r"\w\s*=\s*[\w&*]")
"""What a statement looks like that lacks only its end."""

KEYWORDS = ("break", "case", "continue", "do", "else", "for", "goto", "if", "return", "while")
"""Words that the parser may take for names when it repairs a text."""

parser = Parser(Language(tree_sitter_c.language()))


@dataclass(frozen=True)
class Statements:
    """Parsed statements.

    :param nodes: the statements, without comments
    :param start: where the text begins
    """

    nodes: tuple[Node, ...]
    start: Source
    text: str

    def source(self, node: Node) -> Source:
        """Return where *node* begins."""
        return _source(node, self.start)

    def original(self, node: Node) -> str:
        """Return the text of *node* with all its characters."""
        return self.text[node.start_byte - len(HEAD) : node.end_byte - len(HEAD)]


def parse(text: str, start: Source) -> Statements:
    """Parse *text*, which begins at *start*, as the body of a function.

    :raises ProgramError: if it is no C; it says where, and what was expected
    """
    # One byte a character, or columns would be counted in bytes.
    root = parser.parse((HEAD + text + "\n}").encode("ascii", "replace")).root_node
    if wrong := _first_error(root):
        if bracket := _unmatched(text):
            raise ProgramError(_at(text, bracket[0], start), bracket[1])
        raise ProgramError(_source(wrong, start), _expected(wrong))
    (function,) = real(root)
    body = function.child_by_field_name("body")
    assert body is not None
    return Statements(real(body), start, text)


def real(node: Node) -> tuple[Node, ...]:
    """Return the named children of *node* that are no comments."""
    return tuple(child for child in node.named_children if child.type != "comment")


def written(node: Node) -> str:
    """Return the text of *node* on one line."""
    return " ".join((node.text or b"").decode().split())


def _source(node: Node, start: Source) -> Source:
    """Return where *node* begins, in a text that begins at *start*."""
    row, column = node.start_point
    column += start.column if row <= 1 else 1
    return Source(start.file, start.line + max(row - 1, 0), column)


def _first_error(node: Node) -> Node | None:
    """Return the first place within *node* where the text is no C."""
    if node.type == "ERROR" or node.is_missing:
        return node
    if node.type in ("identifier", "type_identifier") and written(node) in KEYWORDS:
        return node
    if node.type == "translation_unit" and len(real(node)) > 1:
        return real(node)[1]  # a brace too many ended the function
    found = (_first_error(child) for child in node.children)
    return next((wrong for wrong in found if wrong), None)


def _expected(wrong: Node) -> str:
    """Return what should have been at *wrong*."""
    if wrong.is_missing:
        return f"expected {wrong.type if wrong.is_named else repr(wrong.type)}"
    found = written(wrong).removeprefix(" ".join(HEAD.split())).strip()
    shown = found if len(found) <= 30 else found[:27] + "..."
    bare = "; is a ';' missing?" if UNENDED.search(found) else ""
    return f"expected a C statement, found {shown!r}{bare}"


def _unmatched(text: str) -> tuple[int, str] | None:
    """Return the index of a bracket in *text* that has no other, and what is wrong with it."""
    opened: list[int] = []
    for found in BRACKET.finditer(text):
        if found[0] in PAIRS:
            opened.append(found.start())
        elif found[0] in PAIRS.values():
            if not opened or PAIRS[text[opened[-1]]] != found[0]:
                at = opened[-1] if opened else found.start()
                return at, f"{text[at]!r} without its other half"
            opened.pop()
    return (opened[-1], f"this {text[opened[-1]]!r} is never closed") if opened else None


def _at(text: str, index: int, start: Source) -> Source:
    """Return where the character at *index* of *text* stands, which begins at *start*."""
    lines = text[:index].split("\n")
    column = len(lines[-1]) + (start.column if len(lines) == 1 else 1)
    return Source(start.file, start.line + len(lines) - 1, column)
