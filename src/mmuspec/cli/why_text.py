"""The answer of `mmuspec why`, as text and as data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mmuspec.interleave.answer import DEADLOCK, Answer, claims
from mmuspec.interleave.explain.guards import Without
from mmuspec.interleave.explain.why import Explanation
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.schedule.end import ending, rule_of, what_is_seen
from mmuspec.interleave.schedule.rows import Row, rows
from mmuspec.interleave.schedule.text import filled, table

MODELS = {Memory.SC: "SC", Memory.TSO: "x86-TSO"}

NOT_ASKED = "what is shown of the final states"
"""A question that only keeps registers of litmus files."""

NAMES = 10
"""Columns of the names of guards."""


@dataclass(frozen=True)
class Result:
    """What is known.

    :param without: the names of the guards that were left out
    :param explanation: why it is impossible; ``None`` if it is not, or no time was left
    :param drawing: whether nothing was asked but whether drawn rows can happen
    """

    answer: Answer
    explanation: Explanation | None
    seconds: float
    as_expected: bool
    without: Sequence[str] = ()
    drawing: bool = False

    @property
    def possible(self) -> bool:
        """Whether what was asked about can happen."""
        if self.drawing and self.answer.found is None:
            drawn = self.explanation.drawn if self.explanation else None
            return drawn is not None and not drawn.reasons
        return self.answer.found is not None


def lines(result: Result) -> Iterator[str]:
    """Yield the answer, in lines of at most 78 columns."""
    yield from filled(first_line(result), 0, 2)
    answer = result.answer
    if answer.found is not None:
        yield ""
        yield from table(answer.program, rows(answer), ending(answer))
    elif result.drawing and result.possible and result.explanation and result.explanation.drawn:
        yield ""
        yield from table(answer.program, result.explanation.drawn.rows)
    else:
        yield from impossible(result)
    yield ""
    yield last_line(result)


def first_line(result: Result) -> str:
    """Return whether it is possible, and what."""
    word = "possible" if result.possible else "impossible"
    return f"{word} under {MODELS[result.answer.memory]}: {subject(result)}"


def subject(result: Result) -> str:
    """Return what is possible or impossible."""
    if result.answer.found is not None:
        return what_is_seen(result.answer.found)
    if result.drawing:
        return "the rows, in the order in which they are drawn"
    ruled_out = excluded(result.answer.program)
    if len(ruled_out) == 1:
        return what_is_seen(ruled_out[0])
    return f"all {len(ruled_out)} that the protocol rules out" if ruled_out else DEADLOCK


def excluded(program: Program) -> list[str]:
    """Return what was looked for, but for a deadlock, which is always looked for."""
    return [text for text in claims(program) if text not in (DEADLOCK, NOT_ASKED)]


def impossible(result: Result) -> Iterator[str]:
    """Yield why it is impossible."""
    program, why = result.answer.program, result.explanation
    ruled_out = excluded(program)
    if len(ruled_out) > 1:
        for claim in ruled_out:
            yield from filled(f"- {what_is_seen(claim)}", 2, 4)
    if result.answer.gave_up:
        yield ""
        yield from filled(
            "But a CPU gave up at the bound of its loop of retries: what it would do after that "
            "was not looked at.",
            0,
        )
    if why is None:
        yield ""
        yield "No time was left to look for the step that blocks it."
        return
    if why.drawn and why.drawn.text:
        drawn = why.drawn
        yield ""
        mark = drawn.done + 1 if drawn.done < len(drawn.rows) else 0
        yield from table(program, drawn.rows, mark=mark)
        yield ""
        yield from filled(drawn.text, 0)
    yield from guarded(why)


def guarded(why: Explanation) -> Iterator[str]:
    """Yield what the impossibility rests on."""
    if why.without:
        first, *others = why.without
        yield ""
        yield from without(first, why.ordered)
        if others:
            yield ""
            yield "It is as well possible if" if why.ordered else "It is as well possible without"
            for other in others:
                yield from entry(other, why.ordered)
    elif why.too_large:
        yield ""
        yield from filled(
            "There are too many states to look for the guards that it rests on; fewer CPUs or "
            "rounds may show them, and --without NAME leaves one out.",
            0,
        )
    elif not (why.drawn and why.drawn.text) and not why.under_tso and not why.unknown:
        yield ""
        yield from filled(
            "No single guard explains it: it stays impossible when any one is taken out, and when "
            "any two neighbours change places.",
            0,
        )
    if why.unknown:
        names = ", ".join(guard.name for guard in why.unknown)
        yield ""
        yield from filled(f"Too many states to know whether it is possible without {names}.", 0)
    if why.under_tso:
        yield ""
        yield "Under x86-TSO it is possible; --model tso shows how."


def without(first: Without, ordered: bool) -> Iterator[str]:
    """Yield how it becomes possible when a guard is taken out, and where the guard matters."""
    guard = first.guard
    said = f"if {guard.text}" if ordered else f"without {guard.name} ({guard.text})"
    found = what_is_seen(first.answer.found or "")
    yield from filled(f"It is possible {said}:", 0)
    yield ""
    mark = first.done + 1 if first.done < len(first.rows) else 0
    yield from table(guard.weakened, first.rows, ending(first.answer) or found, mark)
    yield ""
    yield from filled(first.text if not ordered else first.text.replace("With it", "As it is"), 0)


def entry(other: Without, ordered: bool) -> Iterator[str]:
    """Yield a guard that is needed too."""
    count = f"{len(other.rows):>3} row{'s' if other.rows[1:] else ' '}"
    if ordered:
        yield from filled(f"{count}  {other.guard.text}", 2, 12)
    else:
        line = f"{count}  {other.guard.name.ljust(NAMES)} {other.guard.text}"
        yield from filled(line, 2, 12 + NAMES + 1)


def last_line(result: Result) -> str:
    """Return the count of states and the time."""
    answer = result.answer
    name = answer.program.name
    if result.without:
        name += f" without {', '.join(result.without)}"
    left_out = " (reduced; --no-reduction counts all)" if answer.reduced else ""
    return f"{name}: {answer.states:,} states{left_out}, {result.seconds:.2f} s"


def as_object(result: Result) -> dict[str, Any]:
    """Return the answer as data."""
    answer, why = result.answer, result.explanation
    return {
        "name": answer.program.name,
        "model": answer.memory.value,
        "without": list(result.without),
        "answer": "possible" if result.possible else "impossible",
        "as_expected": result.as_expected,
        "found": answer.found,
        "rule": rule_of(answer.found) if answer.found else None,
        "looked_for": [*excluded(answer.program), DEADLOCK],
        "states": answer.states,
        "reduced": answer.reduced,
        "depth": answer.depth,
        "gave_up": answer.gave_up,
        "seconds": result.seconds,
        "cpus": [thread.name for thread in answer.program.threads],
        "initial": {word.name: hex(word.initial) for word in answer.program.words},
        "schedule": [row_object(answer.program, row) for row in rows(answer)],
        "drawn": why and why.drawn and drawn_object(answer.program, why),
        "possible_without": [without_object(each) for each in why.without] if why else None,
    }


def drawn_object(program: Program, why: Explanation) -> dict[str, Any] | None:
    """Return how far the rows of a table get."""
    drawn = why.drawn
    if drawn is None:
        return None
    return {
        "rows": [row_object(program, row) for row in drawn.rows],
        "done": drawn.done,
        "reasons": list(drawn.reasons),
    }


def without_object(each: Without) -> dict[str, Any]:
    """Return a guard that is needed, what happens without it, and where it matters."""
    return {
        "guard": each.guard.name,
        "text": each.guard.text,
        "found": each.answer.found,
        "schedule": [row_object(each.guard.weakened, row) for row in each.rows],
        "done": each.done,
        "reasons": list(each.reasons),
    }


def row_object(program: Program, row: Row) -> dict[str, Any]:
    """Return a row of a schedule."""
    return {
        "cpu": program.threads[row.cpu].name,
        "kind": row.kind.value,
        "label": row.source.label or None,
        "line": row.source.line or None,
        "statement": row.statement,
        "value": None if row.value is None else hex(row.value),
        "changes": [
            {"word": each.word, "before": hex(each.before), "after": hex(each.after)}
            for each in row.changes
        ],
    }
