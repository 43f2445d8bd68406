"""What the chapters hold: rules, examples, mutants, and what is wrong with them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Problem:
    """Something wrong in a chapter.

    ``line`` counts from 1; 0 speaks of the chapter as a whole.
    """

    chapter: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.chapter}:{self.line}: {self.text}"


class RulesError(Exception):
    """The chapters cannot be used as they stand; one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class Example:
    """A fence that runs.

    ``line`` is the fence's own line and ``first`` that of its first source line;
    ``rules`` are the ids that it shows (none for code that only prepares).
    """

    chapter: str
    line: int
    first: int
    rules: tuple[str, ...]
    source: str

    @property
    def page(self) -> str:
        """The chapter's name as a page of the site."""
        return page_of(self.chapter)


@dataclass(frozen=True)
class Mutant:
    """A small breakage of one function of the model.

    ``target`` is ``module:qualified.name``; ``diff`` is what to change in it.
    """

    id: str
    rule: str
    target: str
    diff: str
    chapter: str
    line: int


@dataclass(frozen=True)
class Rule:
    """One rule; the text fields are written in MyST."""

    id: str
    title: str
    chapter: str
    line: int
    reads: str
    requires: str
    effect: str
    without: str
    since: str
    until: str
    epochs: str
    symbols: tuple[str, ...]
    claims: tuple[str, ...]
    body: str
    examples: tuple[Example, ...] = ()
    mutants: tuple[Mutant, ...] = ()

    @property
    def page(self) -> str:
        """The chapter's name as a page of the site, without its suffix."""
        return page_of(self.chapter)

    @property
    def anchor(self) -> str:
        """The rule's anchor on its page."""
        return f"rule-{self.id.lower()}"


@dataclass(frozen=True)
class Registry:
    """Everything found in the chapters of one folder, in reading order.

    ``problems`` are those of the syntax; :func:`mmuspec.rules.problems` adds
    those of the meaning.
    """

    folder: Path
    chapters: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    examples: tuple[Example, ...] = ()
    mutants: tuple[Mutant, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    def rule(self, ident: str) -> Rule | None:
        """Return the rule called *ident*, in upper or lower case, or None."""
        return next((rule for rule in self.rules if rule.id == ident.upper()), None)

    def nearest(self, ident: str) -> list[str]:
        """Return the ids most like *ident*: of its own family, or spelled alike."""
        ids = [rule.id for rule in self.rules]
        alike = difflib.get_close_matches(ident.upper(), ids, n=5, cutoff=0.5)
        family = [i for i in ids if i.partition("-")[0] == ident.upper().partition("-")[0]]
        return list(dict.fromkeys(alike + family))[:8]

    def examples_in(self, chapter: str) -> list[Example]:
        """Return the examples of one chapter, in order."""
        return [example for example in self.examples if example.chapter == chapter]

    def mutants_in(self, chapter: str) -> list[Mutant]:
        """Return the mutants of one chapter, in order."""
        return [mutant for mutant in self.mutants if mutant.chapter == chapter]

    def path(self, chapter: str) -> Path:
        """Return the file of one chapter."""
        return self.folder / f"{page_of(chapter)}.md"


def page_of(chapter: str) -> str:
    """Return the page name of a chapter: ``spec/zapping.md`` is ``zapping``.

    :param chapter: the chapter's path, as the registry names it
    """
    return str(PurePosixPath(*PurePosixPath(chapter).parts[1:]).with_suffix(""))
