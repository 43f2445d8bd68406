"""Figures, drawn by functions that run the model."""

import importlib
from typing import Any, ClassVar
from xml.etree import ElementTree

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from mmuspec.rules.parse import comma_list
from mmuspec.site.domain import domain_of


class DrawDirective(SphinxDirective):
    """Call ``module:function`` and show the SVG that it returns; the content is the caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"args": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Return the figure.

        Whatever the function raises, and text that is not SVG, is an error of the page.
        """
        domain_of(self.env).note_generated()
        try:
            function = resolve(self.arguments[0])
            drawing = function(*map(argument, comma_list(self.options.get("args", ""))))
            if not ElementTree.fromstring(drawing).tag.endswith("svg"):
                raise ValueError("the function returned something else than an <svg>")
        except Exception as error:
            raise self.error(f"{self.arguments[0]}: {type(error).__name__}: {error}") from error
        figure = nodes.figure(classes=["drawing"])
        figure += nodes.raw("", f'<div class="drawing-frame">{drawing}</div>', format="html")
        if self.content:
            caption = nodes.caption()
            caption += self.parse_inline(" ".join(self.content), lineno=self.lineno)[0]
            figure += caption
        return [figure]


def resolve(name: str) -> Any:
    """Return what ``module:attribute`` names.

    :raises ValueError: when it has no colon
    :raises ImportError: when there is no such module
    :raises AttributeError: when the module has no such attribute
    """
    module, colon, path = name.partition(":")
    if not colon:
        raise ValueError(f"{name!r} is not module:attribute")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def argument(text: str) -> Any:
    """Return the value that an argument of a figure stands for.

    ``module:attribute`` is that attribute's value; a number, in any base, is the number;
    anything else is itself.
    """
    if ":" in text:
        return resolve(text)
    try:
        return int(text, 0)
    except ValueError:
        return text
