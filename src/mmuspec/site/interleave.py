"""Protocols of the book on its pages: their source, schedules, guards and counts of states."""

import inspect
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from mmuspec.interleave.answer import Answer, TooManyStates
from mmuspec.interleave.catalogue import ParameterError, UnknownProtocolError
from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.guards import UnknownGuardError
from mmuspec.interleave.notation import Protocol
from mmuspec.interleave.program import Memory
from mmuspec.interleave.schedule.end import ending, rule_of, what_is_seen
from mmuspec.interleave.schedule.rows import rows
from mmuspec.interleave.schedule.text import table
from mmuspec.site import parts
from mmuspec.site.domain import domain_of
from mmuspec.site.draw import resolve
from mmuspec.site.explored import Question, answered, question
from mmuspec.site.figures import lanes

MODELS = {Memory.SC: "SC", Memory.TSO: "x86-TSO"}

WRONG = (
    UnknownProtocolError,
    ParameterError,
    UnknownGuardError,
    ProgramError,
    TooManyStates,
    ValueError,
)
"""What is wrong with a page, rather than with the site."""


class ProtocolDirective(SphinxDirective):
    """The source of ``module:function``, or of a class."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the source, and where it stands."""
        domain_of(self.env).note_generated()
        try:
            found = resolve(self.arguments[0])
            code = found.__wrapped__ if isinstance(found, Protocol) else found
            lines, first = inspect.getsourcelines(code)
            path = Path(inspect.getsourcefile(code) or "")
        except (ImportError, AttributeError, ValueError, TypeError, OSError) as error:
            raise self.error(f"{self.arguments[0]}: {error}") from error
        inside = (
            path.parts[path.parts.index("mmuspec") :] if "mmuspec" in path.parts else path.parts
        )
        where = f"{'/'.join(inside)}:{first}"
        text = "".join(lines).rstrip()
        block = nodes.literal_block(text, text, language="python")
        place = nodes.paragraph("", "", nodes.literal(where, where), classes=["source-of"])
        return [place, block]


class Explored(SphinxDirective):
    """What the directives have in common that explore a protocol."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return what is shown; whatever is wrong with the question is an error of the page."""
        domain_of(self.env).note_generated()
        try:
            return self.shown(question(" ".join(self.arguments)))
        except WRONG as error:
            raise self.error(f"{self.arguments[0]}: {error}") from error

    def shown(self, asked: Question) -> list[nodes.Node]:
        """Return what is shown of *asked*."""
        raise NotImplementedError

    def links(self, claim: str) -> list[nodes.Node]:
        """Return what is seen where *claim* is found, its rule linked if a chapter has it."""
        ident, text = rule_of(claim), what_is_seen(claim)
        if ident is None or domain_of(self.env).registry.rule(ident) is None:
            return [nodes.Text(text)]
        return [parts.rule_link(self.env, ident), nodes.Text(text.removeprefix(ident))]


class ScheduleDirective(Explored):
    """A shortest schedule: as a table to be copied, and as a figure."""

    option_spec: ClassVar[dict[str, Any]] = {
        "found": directives.unchanged_required,
        "nothing": directives.flag,
    }

    def shown(self, asked: Question) -> list[nodes.Node]:
        """Return the schedule.

        :raises ValueError: if something else is found than the page says
        """
        answer = answered(asked.program(), asked.memory)
        self.compare(answer)
        box = nodes.container(classes=["schedule"])
        box += self.head(answer)
        if answer.found is not None:
            schedule = rows(answer)
            text = "\n".join(table(answer.program, schedule, ending(answer)))
            box += nodes.literal_block(text, text, language="text")
            if schedule:
                box += self.figure(answer)
        command = asked.command()
        box += nodes.paragraph("", "", nodes.literal(command, command), classes=["source-of"])
        return [box]

    def compare(self, answer: Answer) -> None:
        """Compare what was found with what the page says.

        :raises ValueError: if it is something else
        """
        wanted, found = self.options.get("found"), answer.found
        if "nothing" in self.options and found is not None:
            raise ValueError(f"the page says that nothing is found, but {answer}")
        if "nothing" not in self.options and found is None:
            raise ValueError(f"{answer}; say :nothing: if that is what the page is about")
        if wanted and found is not None and wanted not in (rule_of(found), found):
            raise ValueError(f"the page says that {wanted} is found, but {answer}")

    def head(self, answer: Answer) -> nodes.paragraph:
        """Return the answer in one line."""
        head = nodes.paragraph()
        count = f"{answer.states:,} states under {MODELS[answer.memory]}"
        if answer.found is None:
            head += nodes.Text(f"Nothing is found in {count}.")
            return head
        head += [nodes.strong("", "possible"), nodes.Text(": ")]
        head += [*self.links(answer.found), nodes.Text(f" ({count})")]
        return head

    def figure(self, answer: Answer) -> nodes.figure:
        """Return the schedule as a figure, with the content of the directive as its caption."""
        title = f"{answer.program.name} under {MODELS[answer.memory]}: {ending(answer)}"
        drawing = lanes.draw(answer.program, rows(answer), ending(answer), title)
        figure = nodes.figure(classes=["drawing"])
        figure += nodes.raw("", f'<div class="drawing-frame">{drawing}</div>', format="html")
        if self.content:
            caption = nodes.caption()
            caption += self.parse_inline(" ".join(self.content), lineno=self.lineno)[0]
            figure += caption
        return figure
