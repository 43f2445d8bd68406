"""Lines of text from a file, a gzip file or standard input, a chunk at a time.

Memory is bounded by the chunk and by the longest line, whatever the length of
the file.
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

CHUNK = 1 << 18
"""Bytes that are read at once."""

LONGEST_LINE = 1 << 16
"""No trace line is longer; the kernel's own limit for one is 8 KiB."""

GZIP = b"\x1f\x8b"
TRACE_DAT = b"\x17\x08\x44tracing"
"""How a file begins that ``trace-cmd record`` wrote.  Source: trace-cmd.dat(5)."""

STANDARD_INPUT = "-"

Stream = io.BufferedReader | gzip.GzipFile


class Unreadable(Exception):
    """The text ends here for a reason that is told: what was read, and what to do."""


def batches(path: str) -> Iterator[list[str]]:
    """Yield the lines of *path* in order, without line ends, some at a time.

    :param path: a file, packed by gzip or not, or ``-`` for standard input
    :raises Unreadable: there is no such file, or it is not text, or the packed data end early;
        what could be read has been yielded before
    """
    with _opened(path) as stream:
        if stream.peek(len(TRACE_DAT)).startswith(GZIP):
            yield from _lines(gzip.GzipFile(fileobj=stream))
        else:
            yield from _lines(stream)


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader]:
    """Open *path*; standard input is left open."""
    if path == STANDARD_INPUT:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115 - errors of reading are told elsewhere
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror}") from None
    with stream:
        yield stream


def _lines(stream: Stream) -> Iterator[list[str]]:
    pending = ""
    try:
        for text in _chunks(stream):
            lines = (pending + text).replace("\r\n", "\n").split("\n")
            pending = lines.pop()
            yield lines
            if len(pending) > LONGEST_LINE:
                raise Unreadable("a line of more than 64 KiB; expected trace text")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # The line that was being read is not given: a number in it may be cut.
        raise Unreadable(f"the gzip data end early or are damaged ({error})") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    if pending:
        yield [pending]


def _chunks(stream: Stream) -> Iterator[str]:
    """Yield the bytes of *stream* as text; a byte that is not UTF-8 shows as U+FFFD.

    A pipe is not waited for to fill a chunk.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    first = True
    while chunk := stream.read1(CHUNK):
        if first:
            _must_be_text(chunk)
            first = False
        yield decoder.decode(chunk)


def _must_be_text(chunk: bytes) -> None:
    if chunk.startswith(TRACE_DAT):
        raise Unreadable("a binary trace.dat; run `trace-cmd report` on it and give the text")
    if b"\0" in chunk[:4096] and chunk[:4096].count(b"\0") * 16 > min(len(chunk), 4096):
        raise Unreadable("binary data; expected ftrace or `trace-cmd report` text")
