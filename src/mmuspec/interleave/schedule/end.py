"""What a schedule comes to, in words."""

import re
from collections.abc import Iterator

from mmuspec.interleave.answer import DEADLOCK, Answer
from mmuspec.interleave.expressions import Expr, Read, Reg, leaves
from mmuspec.interleave.operations import Access, Assign, Check
from mmuspec.interleave.program import Program, Thread
from mmuspec.interleave.run import Run
from mmuspec.interleave.schedule.statement import hidden, short, spoken
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.state import Cpu, State, Step
from mmuspec.interleave.words import extract
from mmuspec.interleave.writers.statements import number

RULE = re.compile(r"([A-Z]+-[0-9]+)(?![\w-])")
"""The id of a rule, where a claim begins with one."""

QUANTIFIED = re.compile(r"(~exists|exists)\s+")


def rule_of(claim: str) -> str | None:
    """Return the id of the rule that *claim* is about, if it names one."""
    found = RULE.match(claim)
    return found[1] if found else None


def what_is_seen(claim: str) -> str:
    """Return in words what is seen where *claim*, a text of `Answer.found`, is found."""
    if claim.startswith("forall"):
        return f"an end without {claim.removeprefix('forall').strip()}"
    return QUANTIFIED.sub("", claim, count=1)


def ending(answer: Answer) -> str:
    """Return what was found, and the values that show it; nothing if nothing was found."""
    if answer.found is None:
        return ""
    if QUANTIFIED.match(answer.found):  # it says the values itself
        return what_is_seen(answer.found)
    shown = ", ".join(dict.fromkeys(evidence(answer)))
    return what_is_seen(answer.found) + (f" ({shown})" if shown else "")


def evidence(answer: Answer) -> Iterator[str]:
    """Yield the values that what was found is about; of a deadlock, what everybody waits for."""
    semantics = Semantics(answer.program, answer.memory)
    last = answer.schedule[-1] if answer.schedule else semantics.initial()
    if answer.found == DEADLOCK:
        yield from waiting(semantics, last.state)
        return
    claims = [(claim.text, claim.condition) for claim in answer.program.always]
    claims += [(final.text, final.condition) for final in answer.program.finals]
    for text, condition in claims:
        if text == answer.found:
            yield from values(answer.program, condition, last.state)
            return
    yield from checked(semantics, answer)


def waiting(semantics: Semantics, state: State) -> Iterator[str]:
    """Yield at which access each CPU waits."""
    for thread, cpu in zip(semantics.program.threads, state.cpus, strict=True):
        if cpu.at < len(thread.code):
            text = doing(semantics.program, thread, cpu)
            yield f"{thread.name} waits: {text}"


def doing(program: Program, thread: Thread, cpu: Cpu) -> str:
    """Return the access that *cpu* does next."""
    operation = thread.code[cpu.at].operation
    assert isinstance(operation, Access)
    return spoken(operation, program, dict(cpu.registers))


def values(program: Program, condition: Expr, state: State) -> Iterator[str]:
    """Yield the values of what *condition* looks at, in *state*."""
    registers = {
        (thread.name, name): value
        for thread, cpu in zip(program.threads, state.cpus, strict=True)
        for name, value in cpu.registers
    }
    words = dict(zip(program.word, state.memory, strict=True))
    for leaf in leaves(condition):
        match leaf:
            case Reg(name, thread):
                value = number(registers.get((thread, name), 0))
                yield f"{thread}:{short(name)} = {value}"
            case Read(place):
                part = extract(words[place.word], program.word[place.word], place.part)
                yield f"{place} = {number(part)}"


def checked(semantics: Semantics, answer: Answer) -> Iterator[str]:
    """Yield the values of what the assertion looked at that failed in the last step."""
    for run in last_runs(semantics, answer.schedule):
        for instruction in run.thread.code:
            match instruction.operation:
                case Check(condition, text) if text == answer.found and not run.value(condition):
                    yield from asserted(run, condition)
                    return


def asserted(run: Run, condition: Expr) -> Iterator[str]:
    """Yield the values of what *condition* looks at, on the CPU that claims it.

    Instead of what has no name in the source, those of what it was computed from.
    """
    for leaf in leaves(condition):
        match leaf:
            case Reg(name) if hidden(name):
                for instruction in run.thread.code:
                    match instruction.operation:
                        case Assign(register, value) if register == name:
                            yield from asserted(run, value)
            case Reg(name):
                yield f"{short(name)} = {number(run.value(leaf))}"
            case Read(place):
                yield f"{place} = {number(run.see(place))}"


def last_runs(semantics: Semantics, schedule: tuple[Step, ...]) -> list[Run]:
    """Return the CPUs that computed in the last step, with all their registers."""
    program = semantics.program
    if not schedule:
        words = {word.name: word.initial for word in program.words}
        first = [Cpu(0, thread.registers) for thread in program.threads]
        return [semantics.run(cpu, number, words).compute() for number, cpu in enumerate(first)]
    step = schedule[-1]
    before = schedule[-2].state if schedule[1:] else semantics.initial().state
    if step.cpu is None or step.at is None:
        return []
    run = semantics.run(before.cpus[step.cpu], step.cpu, semantics.words(before))
    run.access()
    return [run.compute()]
