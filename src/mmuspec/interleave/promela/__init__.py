"""Protocols in Promela, so that anyone can check them with Spin."""

from mmuspec.interleave.promela.model import write_promela

__all__ = ["write_promela"]
