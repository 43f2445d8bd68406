"""The marks of the rules, recomputed: each example is run under every kernel version.

A rule says since and until which version it holds.  Its examples are those of the book's version;
under another one they hold too (the rule is *shown* there) or they look different.  From that it
follows whether the marks can be true.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from mmuspec.epochs import DEFAULT, EPOCHS, Epoch, using
from mmuspec.rules.check import VERSION
from mmuspec.rules.registry import Example, Problem, Registry, Rule
from mmuspec.rules.run import namespace, run

SECONDS = 10.0
"""How long an example may take under a version that it was not written for."""

OLDEST = next(iter(EPOCHS))
"""The oldest version read.  "Since" it is said of a rule whose beginning is not known."""


@dataclass(frozen=True)
class Run:
    """What became of an example under an epoch.

    ``example`` is the line of the fence.  ``line`` is the line in it that failed, and ``how`` what
    was seen there; 0 and empty where the example holds.
    """

    chapter: str
    example: int
    epoch: str
    line: int = 0
    how: str = ""


class Status(Enum):
    """What an epoch makes of a rule."""

    SHOWN = "shown"
    DIFFERENT = "looks different"
    ABSENT = "not there"
    BROKEN = "broken"
    KEPT = "kept"
    UNKNOWN = "not run"


Outcomes = Mapping[str, Run | None]
"""Epoch -> the first run of a rule's examples that failed there, or None if all of them hold."""


def run_everywhere(chapter: str, examples: Sequence[Example]) -> list[Run]:
    """Run the examples of a chapter, which hold as they stand, under every other epoch.

    :returns: the runs of those that name a rule, under the book's epoch, too
    """
    naming = [example for example in examples if example.rules]
    if not naming:
        return []
    needed = examples[: examples.index(naming[-1]) + 1]
    found = [Run(chapter, example.line, DEFAULT.name) for example in naming]
    for epoch in EPOCHS.values():
        if epoch is not DEFAULT:
            found += _under(epoch, needed)
    return found


def _under(epoch: Epoch, examples: Iterable[Example]) -> Iterator[Run]:
    names = namespace()
    with using(epoch):
        for example in examples:
            failure = run(example, names, seconds=SECONDS)
            at, how = (failure.line, failure.text) if failure else (0, "")
            if example.rules:
                yield Run(example.chapter, example.line, epoch.name, at, how)


def outcomes(rule: Rule, runs: Iterable[Run]) -> Outcomes | None:
    """Return what every epoch made of the examples of *rule*.

    :returns: None if some were not run, or the marks of the rule are no versions
    """
    naming = {(example.chapter, example.line) for example in rule.examples}
    found = [run for run in runs if (run.chapter, run.example) in naming]
    marks = [mark for mark in (rule.since, rule.until or rule.since) if VERSION.fullmatch(mark)]
    if len(marks) < 2 or not naming or len(found) != len(naming) * len(EPOCHS):
        return None
    return {
        name: next((run for run in found if run.epoch == name and run.how), None) for name in EPOCHS
    }


def statuses(rule: Rule, runs: Iterable[Run]) -> dict[str, Status]:
    """Return the status of *rule* in each epoch."""
    found = outcomes(rule, runs)
    if found is None:
        return dict.fromkeys(EPOCHS, Status.UNKNOWN)
    return {name: _status(rule, name, failed is None) for name, failed in found.items()}


def _status(rule: Rule, epoch: str, shown: bool) -> Status:
    if _breached(rule):
        return Status.BROKEN if shown else Status.KEPT
    if shown:
        return Status.SHOWN
    return Status.DIFFERENT if _inside(rule, epoch) else Status.ABSENT


def false_marks(registry: Registry, runs: Sequence[Run]) -> Iterator[Problem]:
    """Yield a problem for each mark that the runs show to be false."""
    for rule in registry.rules:
        found = outcomes(rule, runs)
        for text in _false(rule, found) if found else ():
            yield Problem(rule.chapter, rule.line, f"rule {rule.id}: {text}")


def _false(rule: Rule, found: Outcomes) -> Iterator[str]:
    """Yield what is false in the marks of *rule*."""
    if _breached(rule):
        yield from _false_breach(rule, found)
        return
    for epoch, failed in found.items():
        if failed is None and _before(epoch, rule.since):
            yield f"'since' is {rule.since}, but its examples hold in {epoch}, too"
        elif failed is None and not _inside(rule, epoch):
            yield f"'until' is {rule.until}, but its examples still hold in {epoch}"
        elif failed and epoch == rule.since != OLDEST:
            yield f"'since' is {rule.since}, but its examples fail there: {_what(failed)}"
        elif failed and _inside(rule, epoch) and not rule.epochs:
            yield f"say in 'epochs' what is different in {epoch}: {_what(failed)}"


def _false_breach(rule: Rule, found: Outcomes) -> Iterator[str]:
    """Yield what is false in the marks of a rule that the book's version breaks.

    Its examples show the breach, so they hold where the rule is broken.
    """
    for epoch, failed in found.items():
        if failed is None and not _before(epoch, rule.since):
            yield f"'since' is {rule.since}, but {epoch} breaks it, as {DEFAULT} does"
        elif failed and _before(epoch, rule.since):
            yield f"'since' is {rule.since}, but {epoch} is not as {DEFAULT}: {_what(failed)}"


def _what(failed: Run) -> str:
    return f"{failed.chapter}:{failed.line}: {failed.how}"


def _breached(rule: Rule) -> bool:
    """Whether the book's version breaks *rule*, and a later one keeps it."""
    return _before(DEFAULT.name, rule.since)


def _inside(rule: Rule, epoch: str) -> bool:
    """Whether *epoch* is within the marks of *rule*."""
    return not _before(epoch, rule.since) and (not rule.until or _before(epoch, rule.until))


def _before(one: str, other: str) -> bool:
    """Whether version *one* is older than *other*."""
    return _numbers(one) < _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").split(".")]
