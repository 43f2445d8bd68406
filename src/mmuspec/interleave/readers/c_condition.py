"""Conditions below a table: ``exists (CPU0:r1 == 0 && x == 2)``, or as in litmus files.

``/\\`` is ``&&``, ``\\/`` is ``||`` and ``=`` is ``==``. A string after the condition says what
is claimed: ``forall (CPU1:r2 != 1, "nobody sees half of it")``.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.program import Always, Final, Quantifier

BINDING = (
    ("||", "\\/"),
    ("&&", "/\\"),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!=", "=", "<>"),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*",),
)
"""Operators, from those that bind least."""

DEEPEST = 50
"""How deep parentheses may stand within each other; Python could not follow much more."""

MEANING = {"||": "or", "\\/": "or", "&&": "and", "/\\": "and", "=": "==", "<>": "!="}

KEYWORD = re.compile(r"~[ \t]*exists\b|not[ \t]+exists\b|exists\b|final\b|forall\b|always\b")

QUANTIFIERS = {
    "exists": Quantifier.EXISTS,
    "final": Quantifier.EXISTS,
    "forall": Quantifier.FORALL,
}

NAME = r"[A-Za-z_$][\w$]*(?:(?:\.|->)[A-Za-z_$][\w$]*|\[\d+\])*"


def token_pattern(cpus: Iterable[str]) -> re.Pattern[str]:
    """Return what pieces of conditions look like, where the CPUs have the names *cpus*."""
    names = [re.escape(cpu).replace("\\ ", r"\s*") for cpu in cpus]
    return re.compile(
        rf"""(?P<space>\s+)
          | (?P<register>(?:{"|".join([*names, r"[Pp]?[0-9]+"])}):{NAME})
          | (?P<number>0[xX][0-9a-fA-F]+|0|[1-9]\d*)(?:[uUlL]*)\b
          | (?P<name>{NAME})
          | (?P<string>"(?:[^"\\]|\\.)*")
          | (?P<sign>/\\|\\/|&&|\|\||==|!=|<>|<=|>=|<<|>>|.)""",
        re.VERBOSE | re.DOTALL | re.IGNORECASE,
    )


Claim = Final | Always

Lookup = Callable[[str, str], Expr | None]
"""What a name stands for: the name of a CPU, or ``""``, and the name."""


@dataclass(frozen=True)
class Token:
    """A piece of a condition; *at* is its index in the file."""

    kind: str
    text: str
    at: int


def claims(
    text: Text, start: int, end: int, pattern: re.Pattern[str], lookup: Lookup
) -> list[Claim]:
    """Read the conditions between two indices of a file.

    :param pattern: what their pieces look like, from `token_pattern`
    :raises ProgramError: where one is wrong, and what was expected
    """
    return Conditions(text, start, end, pattern, lookup).claims()


class Conditions:
    """Conditions while they are read."""

    def __init__(
        self, text: Text, start: int, end: int, pattern: re.Pattern[str], lookup: Lookup
    ) -> None:
        self.text, self.end, self.pattern, self.lookup = text, end, pattern, lookup
        self.at = start
        self.said = ""
        self.depth = 0

    def claims(self) -> list[Claim]:
        """Read all of them."""
        found = []
        while self.peek().kind != "end":
            found.append(self.claim())
        return found

    def claim(self) -> Claim:
        """Read one condition with its keyword."""
        begin = self.peek().at
        keyword = KEYWORD.match(self.text.text, begin, self.end)
        if not keyword:
            raise self.wrong("exists, ~exists, forall or always")
        self.at, self.said = keyword.end(), ""
        self.as_in_litmus = bool(re.search(r"/\\|\\/|[^=!<>]=[^=]", self.rest()))
        condition = self.expression(0)
        self.takes(";")
        said = self.said or " ".join(self.text.text[begin : self.at].rstrip("; \n").split())
        if keyword[0] == "always":
            return Always(condition, said)
        quantifier = QUANTIFIERS.get(keyword[0], Quantifier.NOT_EXISTS)
        return Final(quantifier, condition, said)

    def rest(self) -> str:
        """Return the text up to the next keyword."""
        following = KEYWORD.search(self.text.text, self.at, self.end)
        return self.text.text[self.at : following.start() if following else self.end]

    def expression(self, level: int) -> Expr:
        """Read operators that bind at least as *level* says."""
        if level == len(BINDING):
            return self.operand()
        left = self.expression(level + 1)
        while (token := self.peek()).text in BINDING[level] and token.kind == "sign":
            self.take()
            name = MEANING.get(token.text, token.text)
            left = Op(name, (left, self.expression(level + 1)))
        return left

    def operand(self) -> Expr:
        """Read what stands between operators."""
        token = self.take()
        match token:
            case Token("number", text):
                return Const(int(text, 0))
            case Token("name", "not") | Token("sign", "!"):
                return Op("not", (self.inner(),))
            case Token("sign", "~"):
                return Op("not" if self.as_in_litmus else "~", (self.inner(),))
            case Token("sign", "-"):
                inner = self.inner()
                if isinstance(inner, Const):
                    return Const(-inner.value)
                return Op("-", (Const(0), inner))
            case Token("name", "true" | "false" as text):
                return Const(int(text == "true"))
            case Token("sign", "("):
                return self.parenthesis()
            case Token("name" | "register", text):
                cpu, _, name = text.rpartition(":")
                found = self.lookup(" ".join(cpu.split()), name.replace("->", "."))
                if found is None:
                    what = f"no CPU {cpu} with a register {name}" if cpu else f"no word {name}"
                    raise self.text.error(token.at, f"there is {what}")
                return found
        self.at = token.at
        raise self.wrong("a word, a register such as CPU0:r1, or a number")

    def inner(self, level: int = len(BINDING)) -> Expr:
        """Read what stands after an operator or ``(``."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.text.not_modelled(self.at, "a condition that is nested so deeply")
        found = self.expression(level)
        self.depth -= 1
        return found

    def parenthesis(self) -> Expr:
        """Read what stands after ``(``."""
        inner = self.inner(0)
        if self.depth == 0 and self.takes(","):
            while self.peek().kind == "string":
                self.said += unquoted(self.take().text)
            if not self.said:
                raise self.wrong("a string that says what is claimed")
        if not self.takes(")"):
            raise self.wrong("')' or an operator")
        return inner

    def peek(self) -> Token:
        """Return the next token and leave it there."""
        before = self.at
        token = self.take()
        self.at = before
        return token

    def take(self) -> Token:
        """Return the next token and go on."""
        while found := self.pattern.match(self.text.text, self.at, self.end):
            begin, self.at = self.at, found.end()
            if found.lastgroup != "space":
                kind = str(found.lastgroup)
                return Token(kind, found[kind], begin)
        return Token("end", "the end", self.end)

    def takes(self, sign: str) -> bool:
        """Take *sign* if it comes next, and tell whether it did."""
        if self.peek().text != sign:
            return False
        self.take()
        return True

    def wrong(self, expected: str) -> ProgramError:
        """Return an error: *expected* should have come next."""
        token = self.peek()
        found = token.text if token.kind == "end" else repr(token.text)
        return self.text.error(token.at, f"expected {expected}, found {found}")


def unquoted(text: str) -> str:
    """Return the value of a C string."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text[1:-1])
