"""What stands above a table: its name, the first values, constants.

``name: SB``; ``u64 spte = 0xa11110001;``, ``u32 count;``, ``ghost u64 seen;`` declare words, and
then all words are declared; ``initially: x = 0; y = 1``, ``{ x=0; CPU0:r1=5; }`` only say what
words and registers begin with; ``#define W 2`` names a constant. Other lines are prose.
"""

import ast
import re
from dataclasses import dataclass, field

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, evaluate
from mmuspec.interleave.notation.declared import Scope, Shared
from mmuspec.interleave.program import Source
from mmuspec.interleave.readers.c_ast import statements
from mmuspec.interleave.readers.c_values import Addresses, CValues

NAMED = re.compile(r"\s*(?:name|test|protocol)\s*:\s*(\S.*?)\s*$", re.IGNORECASE)
DEFINE = re.compile(r"\s*#define\s+(\w+)\s+(\S.*)$")
INITIALLY = re.compile(
    r"\s*(?:initial(?:ly)?(?:\s+(?:values?|state))?|init|at the beginning)\s*:*,?", re.IGNORECASE
)
WORD = re.compile(r"(?=[\w./+-]*\w)[\w./+-]+$")
TYPE = (
    r"(?:(?:volatile|const|unsigned|signed|struct|static)\s+)*"
    r"(?:u32|u64|s32|s64|int|long(?:\s+long)?|bool|uint32_t|uint64_t|int32_t|int64_t|unsigned"
    r"|atomic_t|atomic64_t|atomic_long_t|spinlock_t|raw_spinlock_t)"
)
PLACE = r"[A-Za-z_]\w*(?:(?:\.|->)\w+|\[\d+\])*"
ENTRY = re.compile(
    rf"(?:(?P<ghost>ghost)\s+)?(?:(?P<type>{TYPE})\b\s*)?(?P<stars>\**)\s*"
    rf"(?:(?P<cpu>[\w][\w. -]*?)\s*:\s*)?(?P<name>{PLACE})\s*(?:==?\s*(?P<value>.+?))?\s*$"
)
NARROW = ("u32", "uint32_t", "unsigned", "unsigned int")
LIKELY = re.compile(r"[={;]")


@dataclass
class Head:
    """What is known before the rows.

    :param words: by name; those that only have a first value are among them
    :param typed: whether some word is declared with a type; then all are declared
    :param registers: first values by CPU, as it is written, and register
    :param constants: those of ``#define``
    :param pointers: words that hold the address of a word at first, ``u64 *p = &x;``
    """

    name: str = ""
    words: dict[str, Shared] = field(default_factory=dict)
    typed: bool = False
    registers: dict[tuple[str, str], int] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)


def read_head(lines: list[str], file: str) -> Head:
    """Read the lines above the names of the CPUs.

    :raises ProgramError: where a first value is wrong
    """
    head = Head()
    for number, line in enumerate(lines):
        text = line.strip().strip("|").rstrip()
        at = len(line) - len(line.lstrip().lstrip("|"))
        if found := NAMED.match(text):
            head.name = found[1]
        elif found := DEFINE.match(text):
            begin = at + found.start(2)
            head.constants[found[1]] = value(found[2], Source(file, number + 1, begin + 1), head)
        elif LIKELY.search(text):
            entries(text, Source(file, number + 1, at + 1), head)
        elif WORD.match(text) and not head.name:
            head.name = text
    return head


def entries(text: str, start: Source, head: Head) -> None:
    """Read one line of declarations or first values."""
    at = found.end() if (found := INITIALLY.match(text)) else 0
    for part in re.split(r"([;,{}])", text[at:]):
        blanks = len(part) - len(part.lstrip())
        if part.strip() and part not in ";,{}":
            source = Source(start.file, start.line, start.column + at + blanks)
            entry(part.strip(), source, head)
        at += len(part)


def entry(text: str, source: Source, head: Head) -> None:
    """Read one declaration, or one first value."""
    found = ENTRY.match(text)
    if not found:
        raise ProgramError(source, f"expected a first value such as 'x = 0', found {text!r}")
    name = found["name"].replace("->", ".")
    first = 0
    if (found["value"] or "").startswith("&"):
        head.pointers[name] = found["value"].removeprefix("&").replace("->", ".")
    elif found["value"]:
        column = source.column + found.start("value")
        first = value(found["value"], Source(source.file, source.line, column), head)
    if found["cpu"]:
        head.registers[found["cpu"], name] = first
        return
    typed = bool(found["type"] or found["ghost"])
    narrow = not found["stars"] and (found["type"] or "") in NARROW
    bits = 32 if narrow else 64
    if first < 0:
        first &= (1 << bits) - 1
    if name in head.words:
        raise ProgramError(source, f"{name} has a first value already")
    if first >> bits:
        raise ProgramError(source, f"{name} has {bits} bits, which is too few for {first:#x}")
    head.typed |= typed
    head.words[name] = Shared(bits, first, ghost=bool(found["ghost"]), name=name)


def value(text: str, source: Source, head: Head) -> int:
    """Return the value of a constant expression."""
    scope = Scope(head.constants, (), source.file)
    body = statements(f"{text};", source).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ProgramError(source, f"expected a number, found {text!r}")
    written = body[0].value
    for part in ast.walk(written):
        if isinstance(part, ast.Name) and part.id not in head.constants:
            expected = f"a number; a line '#define {part.id} 1' would make {part.id} one"
            raise ProgramError(source, f"expected {expected}")
    expr = CValues(Addresses(())).expr(written, scope)
    if isinstance(expr, Const):
        return expr.value
    return evaluate(expr, lambda register: 0, lambda place: 0)
