"""Figures for the pages of the tests."""

from mmuspec.site.figures import bitfield
from mmuspec.x86.entry import Field


def entry(value: int = 0, title: str = "An entry") -> str:
    return bitfield.draw([Field("P", 0, 0, "present")], title, value=value)


def broken() -> str:
    return "<p>not a drawing</p>"
