"""The model with one function broken, for a while."""

from contextlib import AbstractContextManager

from mmuspec.rules.mutate import applied
from mmuspec.rules.registry import Mutant


def broken(target: str, before: str, after: str) -> AbstractContextManager[None]:
    """Replace the line *before* of ``module:function`` of the model by *after*."""
    diff = f"-{before}\n+{after}"
    return applied(Mutant("TEST-1/broken", "TEST-1", f"mmuspec.kvm.{target}", diff, __file__, 1))
