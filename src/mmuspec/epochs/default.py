"""The version that is meant where none is named."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from .epoch import Epoch
from .versions import V3_11

DEFAULT: Final = V3_11
"""The version that the series documents, and the book is about."""

_current: ContextVar[Epoch] = ContextVar("epoch", default=DEFAULT)


def current() -> Epoch:
    """Return the version that a machine gets when none is named: the book's, as a rule."""
    return _current.get()


@contextmanager
def using(epoch: Epoch) -> Iterator[None]:
    """Let *epoch* be the version that is meant where none is named, inside the block."""
    token = _current.set(epoch)
    try:
        yield
    finally:
        _current.reset(token)
