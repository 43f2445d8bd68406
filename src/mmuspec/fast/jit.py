"""How a function becomes a kernel."""

import os
from collections.abc import Callable
from typing import Any

NO_JIT = "MMUSPEC_NO_JIT"
"""Environment variable: 1 leaves kernels uncompiled, for coverage and debugging."""


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile *function* to machine code, kept on disk if a place for it can be written.

    numba is imported here and not above, so that tools which only read the
    sources need not follow it.
    """
    if os.environ.get(NO_JIT) == "1":
        return function
    from numba import njit

    try:
        compiled: Callable[..., Any] = njit(cache=True)(function)
    except RuntimeError:  # numba found no folder for its cache that it may write
        compiled = njit(function)
    return compiled
