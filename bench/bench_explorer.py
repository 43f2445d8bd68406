"""How fast protocols are explored, beside Spin and Rumur on the same models.

All look at the same number of states: that is checked on each run. The tools take turns, round
by round; what is told is medians, by the clock. "First" is the first exploration of a fresh
process, once its machine code is loaded: its memory is untouched then, as that of the other
tools always is. "Warm" is the second exploration of the same process. Ratios mean something on
a busy machine too; the rest is of this machine at this moment.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from explorers import (
    FAST_PAGE_FAULT,
    FAST_PAGE_FAULT_SHORT,
    SMALL,
    SPLIT,
    SPLIT_SHORT,
    SPLIT_TSO,
    SPLIT_WIDE,
    Mmuspec,
    Model,
    Rumur,
    Spin,
    Took,
    missing,
)
from models import protocols

from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.quick.explore import explore_fast

LARGE = (SPLIT, SPLIT_TSO, FAST_PAGE_FAULT)
OTHERS = (SPLIT_SHORT, SPLIT_WIDE, FAST_PAGE_FAULT_SHORT)
WARM, FIRST, RUMUR, ANY, THREADS, BYTES = 12, 7, 25, 5, 1.5, 40
TOTAL = ((SMALL, 2.5), (SPLIT, 5))
MILLISECONDS_SMALL, MILLISECONDS_WRONG = 30, 50
REPEATS = 15

Tools = Sequence[Spin | Rumur]
Threads = tuple[int, ...]
"""Numbers of threads that are tried."""


class Report:
    """Prints figures, and counts the promises that are missed."""

    def __init__(self) -> None:
        self.missed = 0

    def quicker(self, what: str, slow: Took, quick: Took, promised: float) -> None:
        """Print how much quicker something is; by the clock that should be *promised*."""
        ratio, used = slow.clock / quick.clock, slow.processor / quick.processor
        figures = f"{ratio:6.1f} x ({used:.1f} x by processor time)"
        self.line(what, figures, f">= {promised:g} x", ratio >= promised)

    def most(self, what: str, value: float, unit: str, promised: float) -> None:
        """Print a figure that should be at most *promised*."""
        self.line(what, f"{value:6.1f} {unit}", f"<= {promised:g} {unit}", value <= promised)

    def line(self, what: str, value: str, promised: str, kept: bool) -> None:
        """Print one figure and its promise."""
        self.missed += not kept
        print(f"  {what:<40}{value:<36}promised {promised}{'' if kept else '  MISSED'}", flush=True)


class Measured:
    """The medians of all rounds on one model.

    :param times: by tool, and for mmuspec by what was done with how many threads
    :param size: bytes that a state takes
    """

    def __init__(self, model: Model, tools: Tools, threads: Threads, rounds: int) -> None:
        times: dict[str, list[Took]] = {}
        sizes = []
        with built(tools, model) as folders:
            for _ in range(rounds):
                for tool in tools:
                    times.setdefault(tool.name, []).append(tool.run(model, folders[tool.name]))
                for count in threads:
                    first, warm, size = Mmuspec(count).rates(model)
                    times.setdefault(f"first, threads: {count}", []).append(first)
                    times.setdefault(f"warm, threads: {count}", []).append(warm)
                    sizes += [size] * (count == 1)
        self.times = {what: middle(all_) for what, all_ in times.items()}
        self.size = median(sizes)
        print(f"\n{model}; in millions a second, by the clock (by processor time)")
        for what, took in self.times.items():
            by = [model.states / seconds / 1e6 for seconds in took]
            who = f"mmuspec, {what}" if ", " in what else what
            print(f"  {who:<40}{by[0]:6.2f} ({by[1]:.2f})", flush=True)

    def of(self, what: str) -> Took | None:
        """Return how long something took, if it was measured."""
        return self.times.get(what)


def middle(all_: list[Took]) -> Took:
    """Return the medians."""
    return Took(*map(median, zip(*all_, strict=True)))


@contextmanager
def built(tools: Tools, model: Model) -> Iterator[dict[str, Path]]:
    """Make the checkers of *model*, each in a folder of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {tool.name: Path(scratch) / tool.name for tool in tools}
        for tool in tools:
            folders[tool.name].mkdir()
            tool.build(model, folders[tool.name])
        yield folders


def rates(report: Report, tools: Tools, threads: Threads, rounds: int) -> None:
    """Print how many states a second everybody looks at, and how much room a state takes."""
    for model in LARGE:
        measured = Measured(model, tools, threads, rounds)
        first, warm = measured.times["first, threads: 1"], measured.times["warm, threads: 1"]
        if spin := measured.of("spin"):
            report.quicker("warm, than spin", spin, warm, WARM)
            report.quicker("first, than spin", spin, first, FIRST)
        if rumur := measured.of("rumur"):
            report.quicker("first, than rumur", rumur, first, RUMUR)
        for what, one in (("first", first), ("warm", warm)):
            if two := measured.of(f"{what}, threads: 2"):
                report.quicker(f"two threads than one, {what}", one, two, THREADS)
        report.most("a state, with what a schedule needs", measured.size, "B", BYTES)


def other_models(report: Report, tools: Tools, rounds: int) -> None:
    """Print the rates on more models, of which less is promised."""
    spins = [tool for tool in tools if isinstance(tool, Spin)]
    for model in OTHERS if spins else ():
        times = Measured(model, spins, (1,), rounds).times
        report.quicker("first, than spin", times["spin"], times["first, threads: 1"], ANY)


def verdicts(report: Report, tools: Tools, rounds: int) -> None:
    """Print how long it takes from a protocol to its verdict, everything included."""
    for model, promised in TOTAL:
        print(f"\n{model}, to a verdict from nothing, compiling included")
        times: dict[str, list[Took]] = {}
        for _ in range(rounds):
            for tool in tools:
                with tempfile.TemporaryDirectory() as scratch:
                    took = tool.build(model, Path(scratch)) + tool.run(model, Path(scratch))
                times.setdefault(tool.name, []).append(took)
            times.setdefault("mmuspec", []).append(Mmuspec().verdict(model))
        for what, all_ in times.items():
            print(f"  {what:<40}{middle(all_).clock:6.2f} s")
        if "spin" in times:
            slow, quick = middle(times["spin"]), middle(times["mmuspec"])
            report.quicker("mmuspec, than spin", slow, quick, promised)


def in_process(report: Report) -> None:
    """Print how long answers take in a running process, each for a program that is new to it."""
    print("\nIn a running process")
    small, wrong = MILLISECONDS_SMALL, MILLISECONDS_WRONG
    for what, program, memory, promised in (
        ("small", protocols.split_spte(2, 2), Memory.SC, small),
        ("wrong: no count", protocols.split_spte(2, 4, False), Memory.SC, wrong),
        ("wrong: no count, x86-TSO", protocols.split_spte(3, 3, False), Memory.TSO, wrong),
        ("wrong: no flush", protocols.fast_page_fault(3, 2, 1, 3, False), Memory.SC, wrong),
    ):
        times = [milliseconds(program, memory, number) for number in range(REPEATS)]
        report.most(f"{what} ({program.name})", median(times), "ms", promised)


def milliseconds(program: Program, memory: Memory, number: int) -> float:
    """Return how long the answer takes; *number* makes the program a new one."""
    program = replace(program, name=f"{program.name} {number}")
    started = time.perf_counter()
    explore_fast(program, memory)
    return (time.perf_counter() - started) * 1e3


def available() -> Tools:
    """Return the tools that are installed; print why the others are left out."""
    tools: list[Spin | Rumur] = []
    for tool in (Spin(), Rumur()):
        reason = missing(tool)
        if reason:
            print(f"without {tool.name}: {reason}")
        else:
            tools.append(tool)
    return tools


def main() -> int:
    """Print all figures; return 1 if a promise is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often all take their turn")
    rounds = parser.parse_args().rounds
    report, tools = Report(), available()
    threads: Threads = (1, 2)
    if not Mmuspec(2).has_threads():
        print("without two threads: the explorer has one")
        threads = (1,)
    in_process(report)
    verdicts(report, tools, rounds)
    rates(report, tools, threads, rounds)
    other_models(report, tools, rounds)
    print(f"\n{report.missed} of the promises missed" if report.missed else "\nall promises kept")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
