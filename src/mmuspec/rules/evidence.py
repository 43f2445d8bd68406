"""The evidence for the rules: examples that hold, and mutants that they catch.

Each chapter's examples are run as they stand; then once for each mutant of the chapter.  A
mutant is caught when an example that names its rule fails.  An example that fails with a
NameError does not count: it never reached the model.

The examples are also run under every other kernel version, which shows whether the rules' marks
(since, until) can be true.
"""

import functools
import hashlib
import json
import multiprocessing
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from mmuspec.rules import places
from mmuspec.rules.check import problems
from mmuspec.rules.epochs import Run, false_marks, run_everywhere
from mmuspec.rules.mutate import applied
from mmuspec.rules.parse import read
from mmuspec.rules.registry import Example, Mutant, Problem, Registry, RulesError
from mmuspec.rules.run import namespace, run

SECONDS = 10.0
"""How long the examples of a chapter may take with a mutant in the model."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    ``example`` is the line of the fence that caught it and ``line`` the line in it that
    failed (both 0 for a survivor); ``how`` says what was seen.
    """

    mutant: str
    example: int
    line: int
    how: str

    @property
    def killed(self) -> bool:
        """Whether an example caught the mutant."""
        return self.example > 0


@dataclass(frozen=True)
class Evidence:
    """What running the chapters showed.

    A verdict for each mutant that ran, what is wrong, and what became of the examples under
    every epoch.
    """

    verdicts: tuple[Verdict, ...] = ()
    problems: tuple[Problem, ...] = ()
    runs: tuple[Run, ...] = ()

    def verdict(self, mutant: str) -> Verdict | None:
        """Return the verdict on the mutant with this id, or None if it did not run."""
        return next((verdict for verdict in self.verdicts if verdict.mutant == mutant), None)


def collect(registry: Registry | None = None, *, cache: Path | None = None) -> Evidence:
    """Run the examples and the mutants of every chapter.

    :param registry: the chapters; without one, those of the project, and their results are
        kept in the checkout's build folder
    :param cache: file of earlier results, each kept by a digest of the sources, the data and
        its chapter
    """
    workers = 1
    if registry is None:
        registry, root, workers = read(), places.checkout(), os.cpu_count() or 1
        cache = cache or (root and root / "build" / "evidence.json")
    known = _load(cache)
    keys = {
        chapter: _digest([registry.path(chapter)], digest_of_sources())
        for chapter in registry.chapters
    }
    stale = [chapter for chapter, key in keys.items() if known.get(chapter, {}).get("key") != key]
    fresh = dict(zip(stale, _gather_all(registry, stale, workers), strict=True))
    results = {
        chapter: {"key": key, **asdict(fresh[chapter])} if chapter in fresh else known[chapter]
        for chapter, key in keys.items()
    }
    if cache and results != known:
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    runs = tuple(Run(**fields) for entry in results.values() for fields in entry["runs"])
    found = [Problem(**fields) for entry in results.values() for fields in entry["problems"]]
    return Evidence(
        tuple(Verdict(**fields) for entry in results.values() for fields in entry["verdicts"]),
        (*found, *false_marks(registry, runs)),
        runs,
    )


def _gather_all(registry: Registry, chapters: list[str], workers: int) -> list[Evidence]:
    """Run each of *chapters*, in processes of their own if there are several of both."""
    if min(workers, len(chapters)) <= 1:
        return [gather(registry, chapter) for chapter in chapters]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        return list(pool.map(functools.partial(gather, registry), chapters))


def gather(registry: Registry, chapter: str, *, seconds: float = SECONDS) -> Evidence:
    """Run the examples of one chapter, then its mutants, then the examples under every epoch.

    :param seconds: the time limit of each example with a mutant in the model
    :returns: the evidence; its problems are examples that fail as they stand (then no mutant
        or other epoch is run), mutants that do not fit the model, and survivors; a chapter that
        skips its rest, because its data are not installed, has no evidence
    """
    examples = registry.examples_in(chapter)
    names = namespace()
    failures = [failure for example in examples if (failure := run(example, names))]
    if failures:
        real = takewhile(lambda failure: failure.kind != "skipped", failures)
        texts = ((failure.line, f"the example fails: {failure.text}") for failure in real)
        return Evidence(problems=tuple(Problem(chapter, line, text) for line, text in texts))
    verdicts: list[Verdict] = []
    found: list[Problem] = []
    for mutant in registry.mutants_in(chapter):
        try:
            verdicts.append(judge(mutant, examples, seconds=seconds))
        except RulesError as error:
            found += error.problems
            continue
        if not verdicts[-1].killed:
            text = f"mutant {mutant.id} survives: no example that shows {mutant.rule} notices it"
            found.append(Problem(chapter, mutant.line, text))
    return Evidence(tuple(verdicts), tuple(found), tuple(run_everywhere(chapter, examples)))


def judge(mutant: Mutant, examples: Iterable[Example], *, seconds: float = SECONDS) -> Verdict:
    """Run *examples* with *mutant* in the model, until one that names its rule fails.

    An example that does not end is a catch too, whatever it names: the rest cannot be run.

    :raises RulesError: when the mutant does not fit the model
    """
    names = namespace()
    with applied(mutant):
        for example in examples:
            failure = run(example, names, seconds=seconds)
            if failure is None or failure.kind == "unbound":
                continue
            if failure.kind == "endless" or mutant.rule in example.rules:
                return Verdict(mutant.id, example.line, failure.line, failure.text)
    return Verdict(mutant.id, 0, 0, "no example noticed")


def _load(cache: Path | None) -> dict[str, Any]:
    """Return the earlier results, or nothing when there are none that can be read."""
    if cache is None or not cache.is_file():
        return {}
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


@functools.cache
def digest_of_sources() -> str:
    """Return a digest of what examples depend on besides their chapter: code, data, Python."""
    data = (path for path in places.DATA.rglob("*") if path.is_file())
    return sys.version + _digest([*places.PACKAGE.rglob("*.py"), *data])


def _digest(paths: Iterable[Path], *more: str) -> str:
    state = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        state.update(path.name.encode() + b"\0" + path.read_bytes())
    return state.hexdigest()


def main() -> int:
    """Print the verdict on each mutant, then the problems; return 1 if there are any."""
    registry = read()
    evidence = collect()
    for mutant in registry.mutants:
        verdict = evidence.verdict(mutant.id)
        if verdict and verdict.killed:
            print(f"{mutant.id}: caught by {mutant.chapter}:{verdict.line}: {verdict.how}")
    found = [*problems(registry), *evidence.problems]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
