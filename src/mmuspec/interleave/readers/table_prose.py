"""The C statements in the cells of a table, among prose and without the last semicolon."""

import re

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.program import Source

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(?<=[;}\s])#(?!define\b)[^\n]*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
HEAD = re.compile(r"\s*\}?\s*(?:else\b\s*)?(?:(?:if|while|for)\b\s*(?=\())?")
STARTS = re.compile(
    r"\s*(?:(?:if|else|while|do|for|goto|return|break|continue)\b|\w+\s*:(?!:)\s*$"
    r"|(?:unsigned|int|long|u32|u64|s32|s64|bool)\b)"
)
WORDS = re.compile(r"[^;={}()\[\]&|<>*]+$")
LAST_WORDS = re.compile(r"[^;={}]*[A-Za-z][^;={}]*(?:[.!?]|::?)$")
OPEN_END = re.compile(r"(?:[;{}:,(\[=!~|^<>+*/%?-]|&&?|\belse|\bdo)$")
OPEN_START = re.compile(r"\s*(?:[,)\]=|^<>%?]|&&|\+[^+]|-[^-]|==|!=)")


def code(page: list[str], file: str) -> str:
    """Return the lines of a column with blanks for prose, and with a semicolon where one lacks.

    :raises ProgramError: at words that neither are a statement nor end as a sentence does
    """
    lines = without_prose(without_comments("\n".join(page)).split("\n"), file)
    so_far = ""
    for number, line in enumerate(lines):
        so_far = f"{so_far} {STRING.sub('0', line).strip()}".strip()
        following = next((later for later in lines[number + 1 :] if later.strip()), "")
        if so_far.count("(") > so_far.count(")"):
            continue
        if needs_semicolon(so_far, following):
            lines[number] = line.rstrip() + ";"
            so_far = ""
        elif so_far.endswith((";", "{", "}", ":")):
            so_far = ""
    return "\n".join(lines)


def without_comments(text: str) -> str:
    """Return *text* with blanks for comments."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def without_prose(lines: list[str], file: str) -> list[str]:
    """Return *lines* with nothing where prose was."""
    found, run = list(lines), list[int]()
    for number, line in enumerate(lines):
        text = line.strip()
        if text.strip(":.") == "":
            found[number] = ""
            continue
        if is_code(text, bool(run)):
            unfinished(lines, run, file)
            run = []
            continue
        found[number] = ""
        run.append(number)
        if LAST_WORDS.match(text):
            run = []
    unfinished(lines, run, file)
    return found


def is_code(text: str, within_prose: bool) -> bool:
    """Tell whether a line is C rather than prose."""
    if STARTS.match(text) and not within_prose:
        return True
    if LAST_WORDS.match(text) and (" " in text or text[-1] in "!?.") and not STARTS.match(text):
        return False
    return not (WORDS.match(text) and re.match(r"[A-Za-z]", text) and " " in text)


def unfinished(lines: list[str], run: list[int], file: str) -> None:
    """Demand that no prose waits for its end."""
    if run:
        line = lines[run[0]]
        source = Source(file, run[0] + 1, len(line) - len(line.lstrip()) + 1)
        expected = "a C statement, or prose that ends with '.', ':' or '!'"
        raise ProgramError(source, f"expected {expected}; found {line.strip()!r}")


def needs_semicolon(text: str, following: str) -> bool:
    """Tell whether the statement *text* has ended, but no semicolon says so."""
    if not text or OPEN_END.search(text) or OPEN_START.match(following):
        return False
    return text.startswith("}") or bool(after_head(text))


def after_head(text: str) -> str:
    """Return what stands after ``if (...)``, ``else`` and the like."""
    while (head := HEAD.match(text)) and head.end():
        text = text[head.end() :]
        if text.startswith("("):
            text = text[matching(text) :]
    return text.strip()


def matching(text: str) -> int:
    """Return the index after the parenthesis that closes the first one."""
    depth = 0
    for at, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if depth == 0:
            return at + 1
    return len(text)
