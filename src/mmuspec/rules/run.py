"""Run the examples of a chapter, in order, in one namespace."""

import doctest
import io
import linecache
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import zip_longest
from types import FrameType
from typing import Any, Literal
from unittest import SkipTest

from mmuspec.rules.registry import Example

OPTIONS = doctest.ELLIPSIS
"""How the output of an example is compared, wherever it is run."""


class TimeLimit(BaseException):
    """An example ran for too long.  Not an Exception, so that no handler takes it for one."""


@dataclass(frozen=True)
class Failure:
    """Where an example failed, and how.

    ``unbound`` is a NameError: the example never reached what it is about, because an earlier
    one failed to prepare it, or because the code at fault is not even sound.  ``skipped`` is a
    SkipTest: what the rest of the chapter needs is not installed.
    """

    line: int
    kind: Literal["differs", "raises", "unbound", "endless", "skipped"]
    text: str


def namespace() -> dict[str, Any]:
    """Return what a chapter's first example finds: nothing but a module's name."""
    return {"__name__": "__test__"}


def run(example: Example, names: dict[str, Any], *, seconds: float = 0.0) -> Failure | None:
    """Run one example.

    :param names: the chapter's namespace; the example adds to it
    :param seconds: stop the example after so long; 0 for never
    :returns: the first failure that is not merely a missing name, else the first, else None
    """
    try:
        with limited(seconds), redirect_stdout(io.StringIO()):
            failures = _run(example, names)
    except TimeLimit:
        return Failure(example.line, "endless", f"still runs after {seconds:g} seconds")
    telling = [failure for failure in failures if failure.kind != "unbound"]
    return next(iter(telling or failures), None)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimit` in the block once *seconds* have passed, and each second after.

    Works in the main thread of a system with interval timers; elsewhere there is no limit.
    """
    possible = threading.current_thread() is threading.main_thread()
    if not seconds or not possible or not hasattr(signal, "setitimer"):
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TimeLimit

    former = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _run(example: Example, names: dict[str, Any]) -> list[Failure]:
    if example.source.startswith(">>>"):
        return _session(example, names)
    source = "\n" * (example.first - 1) + example.source
    filename = f"<{example.chapter}:{example.first}>"
    # A protocol that an example writes down is read from its source, so that has to be found.
    linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
    try:
        exec(compile(source, filename, "exec", dont_inherit=True), names)
    except SkipTest as reason:
        return [Failure(example.first, "skipped", str(reason))]
    except Exception as error:
        return [_raised(example.first, error)]
    return []


def _session(example: Example, names: dict[str, Any]) -> list[Failure]:
    """Run an example that is an interactive session."""
    try:
        parsed = doctest.DocTestParser().get_examples(example.source, example.chapter)
    except ValueError as error:
        return [Failure(example.first, "raises", f"cannot be read: {error}")]
    test = doctest.DocTest(parsed, names, example.chapter, example.chapter, 0, None)
    test.globs = names  # the chapter's own, not the copy that DocTest makes
    runner = _Runner(example.first)
    runner.run(test, out=lambda _text: None, clear_globs=False)
    return runner.found


def _difference(want: str, got: str) -> str:
    """Return how two outputs differ: by the first line that is not the same."""
    pairs = zip_longest(want.split("\n"), got.split("\n"), fillvalue="")
    first = next(((w, g) for w, g in pairs if w.rstrip() != g.rstrip()), (want, got))
    return f"expected {first[0]!r}, got {first[1]!r}"


def _raised(line: int, error: BaseException) -> Failure:
    kind: Literal["raises", "unbound"] = "unbound" if isinstance(error, NameError) else "raises"
    return Failure(line, kind, f"raises {type(error).__name__}: {error}")


class _Runner(doctest.DocTestRunner):
    """Collects failures instead of printing them."""

    def __init__(self, first: int) -> None:
        super().__init__(verbose=False, optionflags=OPTIONS)
        self.first = first
        self.found: list[Failure] = []

    def report_failure(
        self, out: object, test: doctest.DocTest, example: doctest.Example, got: str
    ) -> None:
        """Note an output, or an exception, that is not the expected one."""
        got = got.strip()
        if got.startswith("Traceback"):
            got = got.splitlines()[-1]
        kind: Literal["differs", "unbound"] = "unbound" if "NameError:" in got else "differs"
        text = _difference((example.exc_msg or example.want).strip(), got)
        self.found.append(Failure(self.first + example.lineno, kind, text))

    def report_unexpected_exception(
        self, out: object, test: doctest.DocTest, example: doctest.Example, exc_info: Any
    ) -> None:
        """Note an exception where output was expected."""
        if isinstance(exc_info[1], TimeLimit):
            raise exc_info[1]
        self.found.append(_raised(self.first + example.lineno, exc_info[1]))
