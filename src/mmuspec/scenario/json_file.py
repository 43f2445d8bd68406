"""The JSON, plain or gzipped, that a scenario file holds."""

import gzip
import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any, NoReturn

from .error import ScenarioError

GZIP_MAGIC = b"\x1f\x8b"


def read_content(path: str | Path) -> tuple[bytes, str]:
    """Return the bytes of the file *path* and its name for errors; ``-`` is standard input.

    :raises ScenarioError: it cannot be read
    """
    if str(path) == "-":
        return sys.stdin.buffer.read(), "standard input"
    try:
        return Path(path).read_bytes(), str(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(str(path), None, "", f"a file that can be read ({reason})") from None


def parse_json(content: bytes, file: str) -> Any:
    """Return the JSON value in *content*; *file* names it in errors.

    :raises ScenarioError: it is not JSON, or not the whole of it
    """
    text = _text(content, file)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        lines = text.count("\n") + 1
        expected = f"JSON; line {error.lineno} of {lines}, column {error.colno}: {error.msg}"
        raise ScenarioError(file, _operation_at(text, error.pos), "", expected) from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(file, None, "", f"JSON that is a scenario ({error})") from None


def _text(content: bytes, file: str) -> str:
    try:
        if content.startswith(GZIP_MAGIC):
            content = gzip.decompress(content)
        return content.decode()
    except (OSError, EOFError, zlib.error) as error:
        raise ScenarioError(file, None, "", f"a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        expected = f"UTF-8 text (byte {error.start} is not)"
        raise ScenarioError(file, None, "", expected) from None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number of JSON")


def _operation_at(text: str, position: int) -> int | None:
    """Return the number of the operation in which the text breaks off at *position*."""
    _, found, ops = text[:position].partition('"ops"')
    numbers = re.findall(r'\{\s*"n"\s*:\s*(\d{1,9})', ops) if found else []
    return int(numbers[-1]) if numbers else None
