"""Chapters in, registry out; the site is not built."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmuspec.rules import places
from mmuspec.rules.fences import Fence, fences
from mmuspec.rules.registry import Example, Mutant, Problem, Registry, Rule

RULE_ID = re.compile(r"[A-Z][A-Z0-9]*-[1-9][0-9]*")
MUTANT_ID = re.compile(r"([A-Z][A-Z0-9]*-[1-9][0-9]*)/[a-z0-9]+(-[a-z0-9]+)*")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")

REQUIRED = ("reads", "requires", "effect", "without", "since", "symbols")
"""Fields that every rule has."""
OPTIONAL = ("until", "epochs", "claims")
"""Fields that a rule may have."""

_FIELD = re.compile(r":([A-Za-z_-]+):(?:[ \t]+(.*)|[ \t]*)")


def read(folder: Path | None = None) -> Registry:
    """Read every chapter of *folder*.

    :param folder: the chapters; without one, those of the project
    :returns: the registry, with the problems of the syntax noted in it
    """
    folder = folder or places.SPEC
    parts = [_Chapter(name, text) for name, text in _chapters(folder)]
    examples = tuple(example for part in parts for example in part.examples)
    mutants = tuple(mutant for part in parts for mutant in part.mutants)
    rules = [_with_evidence(rule, examples, mutants) for part in parts for rule in part.rules]
    return Registry(
        folder=folder,
        chapters=tuple(part.name for part in parts),
        rules=tuple(rules),
        examples=examples,
        mutants=mutants,
        problems=tuple(problem for part in parts for problem in part.problems),
    )


def split_fields(content: str) -> tuple[list[tuple[str, str, int]], str, int]:
    """Split the content of a rule into its fields and its body.

    A field is ``:name: text``; lines that follow it indented belong to it.

    :returns: (name, text, line) of each field, the body, and the body's line;
        lines count from 0
    """
    lines = content.split("\n")
    found: list[tuple[str, str, int]] = []
    body = 0
    for body, line in enumerate([*lines, "."]):  # the last line ends the fields at the latest
        match = _FIELD.fullmatch(line)
        if match:
            found.append((match[1], (match[2] or "").strip(), body))
        elif found and line[:1].isspace() and line.strip():
            name, text, where = found[-1]
            found[-1] = (name, f"{text} {line.strip()}".strip(), where)
        else:
            break
    return found, "\n".join(lines[body:]).strip("\n"), body


def comma_list(text: str) -> tuple[str, ...]:
    """Split a field that lists names: commas between them, backquotes ignored."""
    return tuple(part.strip().strip("`") for part in text.split(",") if part.strip())


def _chapters(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of each chapter: the order of the index, then of the names."""
    texts = {
        path.relative_to(folder).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.md"))
        if "apidocs" not in path.parts
    }
    order = [entry for entry in _toctree(texts.get("index", "")) if entry in texts]
    for page in dict.fromkeys([*order, *texts]):
        yield f"spec/{page}.md", texts[page]


def _toctree(index: str) -> Iterator[str]:
    """Yield the pages that the index lists."""
    for fence in fences(index):
        if fence.directive == "toctree":
            yield from (line.strip() for line in fence.content.splitlines() if line.strip())


def _with_evidence(rule: Rule, examples: tuple[Example, ...], mutants: tuple[Mutant, ...]) -> Rule:
    return replace(
        rule,
        examples=tuple(example for example in examples if rule.id in example.rules),
        mutants=tuple(mutant for mutant in mutants if mutant.rule == rule.id),
    )


class _Chapter:
    """One chapter, taken apart fence by fence."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.rules: list[Rule] = []
        self.examples: list[Example] = []
        self.mutants: list[Mutant] = []
        self.problems: list[Problem] = []
        for fence in fences(text):
            if fence.directive == "rule":
                self._rule(fence)
            elif fence.directive == "mutant":
                self._mutant(fence)
            elif fence.directive == "doctest":
                self._example(fence, tuple(fence.argument.replace(",", " ").split()))
            elif is_python(fence):
                self._example(fence, ())

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(Problem(self.name, line, text))

    def _example(self, fence: Fence, rules: tuple[str, ...]) -> None:
        lines = fence.content.split("\n")
        options = 0
        while fence.directive and options < len(lines) and _FIELD.fullmatch(lines[options]):
            options += 1
        source = "\n".join(lines[options:])
        self.examples.append(
            Example(self.name, fence.line, fence.line + 1 + options, rules, source)
        )

    def _rule(self, fence: Fence) -> None:
        ident, _, title = fence.argument.partition(" ")
        if not RULE_ID.fullmatch(ident):
            self._problem(fence.line, f"rule id {ident!r} is not LETTERS-NUMBER, as in ZAP-1")
        if not title.strip():
            self._problem(fence.line, f"rule {ident} has no statement after its id")
        found, body, _ = split_fields(fence.content)
        values = self._values(ident, fence.line, found)
        symbols, claims = (comma_list(values.pop(name)) for name in ("symbols", "claims"))
        place = {"chapter": self.name, "line": fence.line, "body": body}
        given: dict[str, Any] = {**values, **place, "symbols": symbols, "claims": claims}
        self.rules.append(Rule(id=ident, title=title.strip(), **given))

    def _values(self, ident: str, line: int, found: list[tuple[str, str, int]]) -> dict[str, str]:
        """Return every field by name, and note the unknown, repeated and missing ones."""
        values = dict.fromkeys(REQUIRED + OPTIONAL, "")
        for name, text, at in found:
            if name not in values:
                known = ", ".join(values)
                self._problem(
                    line + 1 + at, f"rule {ident}: unknown field {name!r}; known are {known}"
                )
            elif values[name]:
                self._problem(line + 1 + at, f"rule {ident}: field {name!r} is given twice")
            else:
                values[name] = text
        for name in REQUIRED:
            if not values[name]:
                self._problem(line, f"rule {ident}: field {name!r} is missing or empty")
        return values

    def _mutant(self, fence: Fence) -> None:
        ident, _, target = fence.argument.partition(" ")
        match = MUTANT_ID.fullmatch(ident)
        if match is None:
            self._problem(
                fence.line, f"mutant id {ident!r} is not RULE/some-words, as in ZAP-1/no-check"
            )
        if not TARGET.fullmatch(target.strip()):
            self._problem(
                fence.line,
                f"mutant {ident}: target {target.strip()!r} is not module:name, "
                "as in mmuspec.kvm.lookup:kvm_mmu_get_page",
            )
        rule = match[1] if match else ""
        self.mutants.append(
            Mutant(ident, rule, target.strip(), fence.content, self.name, fence.line)
        )


def is_python(fence: Fence) -> bool:
    """Tell whether *fence* is plain Python, run as part of its chapter."""
    if fence.directive in ("code-block", "code", "sourcecode"):
        return fence.argument == "python"
    return fence.directive == "" and fence.argument == "python"
