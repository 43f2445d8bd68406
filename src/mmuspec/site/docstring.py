"""Docstrings as MyST, with the roles that Python programmers write."""

import re

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser

_ROLE = re.compile(r":(mod|class|func|meth|attr|data|exc|obj):`([^`]+)`")


class Parser(MystParser):
    """A MyST parser that also takes ``:func:`name```, as most editors show it."""

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse one docstring."""
        super().parse(_ROLE.sub(r"{py:\1}`\2`", inputstring), document)
