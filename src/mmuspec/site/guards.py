"""Tables of what protocols rest on: their guards, and their counts of states."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives

from mmuspec.interleave.answer import DEADLOCK, Answer
from mmuspec.interleave.guards import Verdict
from mmuspec.interleave.schedule.end import ending, rule_of
from mmuspec.interleave.schedule.rows import rows
from mmuspec.interleave.schedule.text import table
from mmuspec.rules.parse import comma_list
from mmuspec.site import parts
from mmuspec.site.domain import domain_of
from mmuspec.site.explored import BOTH, Question, answered, examined, question
from mmuspec.site.interleave import MODELS, Explored


class GuardsDirective(Explored):
    """What fails when each guard is taken out, with the shortest schedules."""

    option_spec: ClassVar[dict[str, Any]] = {"nothing": directives.unchanged}

    def shown(self, asked: Question) -> list[nodes.Node]:
        """Return the table, and the schedules to be folded out.

        :raises ValueError: if something is found with all guards, or nothing fails without
            other guards than the page says
        """
        program = asked.program()
        for memory in BOTH:
            answer = answered(program, memory)
            if answer.found is not None:
                raise ValueError(f"something is wrong with all guards in place: {answer}")
        verdicts = examined(program)
        self.compare(verdicts)
        head = ("Guard", "In the protocol", "Without it", *(MODELS[memory] for memory in BOTH))
        lines = [self.row(verdict) for verdict in verdicts]
        return [parts.table(head, lines, "guards"), *self.schedules(verdicts)]

    def compare(self, verdicts: Sequence[Verdict]) -> None:
        """Compare the guards without which nothing fails with those that the page names.

        :raises ValueError: if they are others
        """
        if "nothing" in self.options:
            harmless = [verdict.guard.name for verdict in verdicts if not verdict.harmful]
            named = comma_list(self.options["nothing"])
            if sorted(harmless) != sorted(named):
                said, found = ", ".join(named) or "none", ", ".join(harmless) or "none"
                raise ValueError(f"nothing fails without {found}; the page says: {said}")

    def row(self, verdict: Verdict) -> list[list[nodes.Node]]:
        """Return the row of a guard."""
        guard = verdict.guard
        code = source_line(guard.source.file, guard.source.line)
        return [
            [nodes.literal(guard.name, guard.name)],
            [nodes.literal(code, code)],
            [nodes.Text(guard.text)],
            *(self.outcome(answer) for answer in verdict.answers),
        ]

    def outcome(self, answer: Answer | None) -> list[nodes.Node]:
        """Return what is found without a guard, in few words."""
        if answer is None:
            return [nodes.Text("too many states to know")]
        if answer.found is None:
            return [nodes.Text("nothing fails")]
        ident, count = rule_of(answer.found), len(rows(answer))
        what = "deadlock" if answer.found == DEADLOCK else (ident or "fails")
        if ident and domain_of(self.env).registry.rule(ident) is not None:
            return [parts.rule_link(self.env, ident), nodes.Text(f" in {plural(count)}")]
        return [nodes.Text(f"{what} in {plural(count)}")]

    def schedules(self, verdicts: Sequence[Verdict]) -> Iterator[nodes.Node]:
        """Yield a fold-out for each guard without which something fails."""
        for verdict in verdicts:
            answer = next((each for each in verdict.answers if each and each.found), None)
            if answer is not None:
                schedule = rows(answer)
                text = "\n".join(table(answer.program, schedule, ending(answer)))
                title = (
                    f"Without <code>{verdict.guard.name}</code>, under {MODELS[answer.memory]}, "
                    f"in {plural(len(schedule))}"
                )
                opening = f'<details class="without"><summary>{title}</summary>'
                yield nodes.raw("", opening, format="html")
                yield nodes.literal_block(text, text, language="text")
                yield nodes.raw("", "</details>", format="html")


class StatesDirective(Explored):
    """How many states a protocol has; a line for each variant, with the counts that are pinned.

    A line is ``key=value ... : COUNT COUNT``, under SC and under x86-TSO.
    """

    def shown(self, asked: Question) -> list[nodes.Node]:
        """Return the table.

        :raises ValueError: for a line of another form, or if the counts are others
        """
        head = ("Variant", *(f"states, {MODELS[memory]}" for memory in BOTH), "found")
        lines = [self.row(asked, line) for line in self.content if line.strip()]
        return [parts.table(head, lines, "states")]

    def row(self, asked: Question, line: str) -> list[list[nodes.Node]]:
        """Return the row of one line.

        :raises ValueError: as `shown`
        """
        variant, colon, counts = line.rpartition(":")
        pinned = [word.replace(",", "") for word in counts.split()]
        if not colon or len(pinned) != len(BOTH) or not all(map(str.isdigit, pinned)):
            raise ValueError(f"{line!r}: expected key=value ... : COUNT COUNT")
        program = question(f"{self.arguments[0]} {variant}").program()
        answers = [answered(program, memory) for memory in BOTH]
        states = [answer.states for answer in answers]
        if states != list(map(int, pinned)):
            shown = " ".join(f"{count:,}" for count in states)
            raise ValueError(f"{line!r}: there are {shown} states")
        found = dict.fromkeys(answer.found for answer in answers if answer.found is not None)
        text = variant.strip() or "as it is"
        counted: list[list[nodes.Node]] = [[nodes.Text(f"{count:,}")] for count in states]
        return [
            [nodes.literal(text, text)],
            *counted,
            parts.joined([nodes.Text(rule_of(claim) or claim) for claim in found])
            or [nodes.Text("nothing")],
        ]


def plural(count: int) -> str:
    """Return a number of rows."""
    return "1 row" if count == 1 else f"{count} rows"


def source_line(file: str, line: int) -> str:
    """Return a line of a file, without its comment, blanks and colon; nothing if there is none."""
    try:
        text = Path(file).read_text(encoding="utf-8").split("\n")[line - 1]
    except (OSError, IndexError):
        return ""
    return text.partition("  #")[0].strip().removesuffix(":")
