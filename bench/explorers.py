"""Explorers side by side: how each is built and run on the same model."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

MODELS = Path(__file__).parent / "models"
NO_SUCH_THREADS = 3
"""What ``rates.py`` exits with if there is no exploring with several threads."""


@dataclass(frozen=True)
class Model:
    """A protocol with its numbers, which stand in all three forms of it.

    :param file: the name of the models for Spin and Rumur
    :param protocol: the name of the protocol in ``protocols.py``
    :param memory: ``sc`` or ``tso``
    :param numbers: by their names in the models, in the order of the protocol's parameters
    :param states: how many there are
    """

    file: str
    protocol: str
    memory: str
    numbers: dict[str, int]
    states: int

    def __str__(self) -> str:
        sizes = ", ".join(f"{n} {name.lower()}" for name, n in self.numbers.items())
        return f"{self.file} ({sizes}; {self.states:,} states)"

    def arguments(self) -> list[str]:
        """Return what the scripts of mmuspec are told."""
        return [self.protocol, self.memory, *map(str, self.numbers.values())]


def split_spte(readers: int, updates: int, states: int) -> Model:
    """Return the model of an spte in two halves."""
    return Model("split_spte", "split_spte", "sc", {"READERS": readers, "UPDATES": updates}, states)


def fast_page_fault(vcpus: int, rounds: int, pages: int, writes: int, states: int) -> Model:
    """Return the model of fast page faults and get-dirty-log."""
    numbers = {"VCPUS": vcpus, "ROUNDS": rounds, "PAGES": pages, "WRITES": writes}
    return Model("fast_page_fault", "fast_page_fault", "sc", numbers, states)


SMALL = split_spte(2, 2, 7_546)
SPLIT = split_spte(3, 4, 3_653_810)
SPLIT_SHORT = split_spte(3, 2, 251_100)
SPLIT_WIDE = split_spte(4, 2, 9_071_590)
SPLIT_TSO = Model("split_spte_tso", "split_spte", "tso", {"READERS": 3, "UPDATES": 3}, 2_513_270)
FAST_PAGE_FAULT = fast_page_fault(3, 2, 2, 6, 2_805_008)
FAST_PAGE_FAULT_SHORT = fast_page_fault(3, 3, 2, 2, 163_829)


class Unlike(Exception):
    """A tool did not see the states that the others see: nothing can be compared."""


class Took(NamedTuple):
    """How long something took in seconds: by the clock, and of the processors."""

    clock: float
    processor: float

    def __add__(self, other: object) -> "Took":
        """Return how long both took, one after the other."""
        if not isinstance(other, Took):
            return NotImplemented
        return Took(self.clock + other.clock, self.processor + other.processor)


def timed(command: list[str], folder: Path) -> tuple[Took, str]:
    """Return how long *command* takes, and what it prints.

    :raises SystemExit: if it fails, with what it printed
    """
    started, used = time.perf_counter(), of_children()
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    took = Took(time.perf_counter() - started, of_children() - used)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return took, done.stdout


def of_children() -> float:
    """Return the processor time of all processes that were started and have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    """Return the environment of a process that may keep what it compiled."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def expect(model: Model, pattern: str, text: str) -> None:
    """Make sure that a tool saw all states, and found nothing wrong."""
    found = re.search(pattern, text)
    if found is None or int(found[1]) != model.states:
        raise Unlike(f"{model}: expected {model.states} states and no error, not\n{text}")


class Spin:
    """Spin: depth first, no reduction, one core."""

    name = "spin"
    needs = ("spin", "gcc")

    def build(self, model: Model, folder: Path) -> Took:
        """Make the checker; return how long that takes."""
        shutil.copy(MODELS / f"{model.file}.pml", folder)
        numbers = [f"-D{name}={number}" for name, number in model.numbers.items()]
        made, _ = timed(["spin", "-o2", *numbers, "-a", f"{model.file}.pml"], folder)
        options = ["-O2", "-DSAFETY", "-DNOREDUCE"]
        compiled, _ = timed(["gcc", *options, "-o", "pan", "pan.c"], folder)
        return made + compiled

    def run(self, model: Model, folder: Path) -> Took:
        """Look at all states; return how long that takes, start of the process too."""
        took, text = timed(["./pan", "-m100000", f"-w{model.states.bit_length()}"], folder)
        expect(model, r"errors: 0\s+(\d+) states, stored", text)
        return took


class Rumur:
    """Rumur: breadth first, one thread."""

    name = "rumur"
    needs = ("rumur", "gcc")

    def build(self, model: Model, folder: Path) -> Took:
        """Make the checker; return how long that takes."""
        text = (MODELS / f"{model.file}.m").read_text(encoding="utf-8")
        for name, number in model.numbers.items():
            text = re.sub(rf"const {name}: \d+;", f"const {name}: {number};", text)
        (folder / "model.m").write_text(text, encoding="utf-8")
        options = ["--threads", "1", "--deadlock-detection", "off"]
        made, _ = timed(["rumur", *options, "--output", "model.c", "model.m"], folder)
        options = ["-std=c11", "-O3", "-march=native", "-w"]
        if os.uname().machine == "x86_64":
            options.append("-mcx16")
        compiled, _ = timed(["gcc", *options, "-o", "model", "model.c", "-lpthread"], folder)
        return made + compiled

    def run(self, model: Model, folder: Path) -> Took:
        """Look at all states; return how long that takes, start of the process too."""
        took, text = timed(["./model"], folder)
        expect(model, r"No error found[\s\S]*?(\d+) states, ", text)
        return took


class Mmuspec:
    """mmuspec, in a fresh process.

    :param threads: how many of them
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def rates(self, model: Model) -> tuple[Took, Took, float]:
        """Return how long the first and the second exploration take, and the bytes of a state."""
        command = [sys.executable, "rates.py", str(self.threads), *model.arguments()]
        _, text = timed(command, MODELS)
        found = json.loads(text)
        if found["states"] != model.states:
            raise Unlike(f"{model}: mmuspec sees {found['states']:,} states")
        return Took(*found["first"]), Took(*found["warm"]), found["bytes"] / model.states

    def has_threads(self) -> bool:
        """Tell whether there is exploring with so many threads."""
        command = [sys.executable, "rates.py", str(self.threads), *SMALL.arguments()]
        done = subprocess.run(command, cwd=MODELS, env=environment(), capture_output=True)
        return done.returncode != NO_SUCH_THREADS

    def verdict(self, model: Model) -> Took:
        """Return how long a verdict takes, from the start of the process to its end."""
        took, text = timed([sys.executable, "verdict.py", *model.arguments()], MODELS)
        expect(model, r"(\d+) nothing found", text)
        return took


def missing(tool: Spin | Rumur, which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return why *tool* cannot be run here; ``None`` if it can."""
    lacking = [program for program in tool.needs if which(program) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else None
