"""What may happen next: the meaning of a protocol, for both memory models.

A step is one access of one CPU, with all that the CPU computes after it up to its next
access; or, on x86, one store that leaves a CPU's buffer and becomes visible. (Sewell,
Sarkar, Owens, Zappa Nardelli and Myreen, "x86-TSO: a rigorous and usable programmer's
model for x86 multiprocessors", 2010.)
"""

from collections.abc import Iterator

from mmuspec.interleave.expressions import Expr, Reg, evaluate
from mmuspec.interleave.operations import GiveUp
from mmuspec.interleave.program import Memory, Program
from mmuspec.interleave.run import Run
from mmuspec.interleave.state import Cpu, State, Step, Values
from mmuspec.interleave.words import Place, extract


class Semantics:
    """A program under a memory model: where it begins and which steps it can take."""

    def __init__(self, program: Program, memory: Memory = Memory.TSO) -> None:
        self.program, self.memory = program, memory

    def initial(self) -> Step:
        """Return how it begins, as a step of nobody: each CPU computes up to its first access."""
        words = {word.name: word.initial for word in self.program.words}
        start = tuple(Cpu(0, thread.registers) for thread in self.program.threads)
        runs = [self.run(cpu, number, words).compute() for number, cpu in enumerate(start)]
        broken = tuple(text for run in runs for text in run.broken)
        return Step(
            None, None, State(tuple(run.cpu() for run in runs), tuple(words.values())), broken
        )

    def steps(self, state: State) -> Iterator[Step]:
        """Yield the steps that *state* allows: CPU by CPU, the buffer before the program."""
        for number, cpu in enumerate(state.cpus):
            if cpu.buffer:
                run = self.run(cpu, number, self.words(state))
                run.drain()
                yield self.taken(state, number, None, run)
            run = self.run(cpu, number, self.words(state))
            if run.access():
                yield self.taken(state, number, cpu.at, run.compute())

    def run(self, cpu: Cpu, number: int, words: Values) -> Run:
        """Return a CPU ready to go on."""
        thread = self.program.threads[number]
        return Run(self.program, thread, cpu, words, self.memory is Memory.TSO)

    def taken(self, state: State, number: int, at: int | None, run: Run) -> Step:
        """Return the step that led from *state* to where *run* stands."""
        cpus = (*state.cpus[:number], run.cpu(), *state.cpus[number + 1 :])
        return Step(number, at, State(cpus, tuple(run.words.values())), tuple(run.broken))

    def words(self, state: State) -> Values:
        """Return the words of *state* by name."""
        return dict(zip(self.program.word, state.memory, strict=True))

    def ended(self, state: State) -> bool:
        """Tell whether every CPU has run off its end and every store is visible."""
        return all(
            cpu.at == len(thread.code) and not cpu.buffer
            for cpu, thread in zip(state.cpus, self.program.threads, strict=True)
        )

    def gave_up(self, state: State) -> bool:
        """Tell whether some CPU reached the bound of a retry loop."""
        return any(
            cpu.at < len(thread.code) and isinstance(thread.code[cpu.at].operation, GiveUp)
            for cpu, thread in zip(state.cpus, self.program.threads, strict=True)
        )

    def holds(self, condition: Expr, state: State) -> bool:
        """Tell whether a property's *condition* holds in *state*."""
        words = self.words(state)
        registers = {
            (thread.name, name): value
            for thread, cpu in zip(self.program.threads, state.cpus, strict=True)
            for name, value in cpu.registers
        }

        def register(reg: Reg) -> int:
            return registers.get((reg.thread, reg.name), 0)

        def read(place: Place) -> int:
            return extract(words[place.word], self.program.word[place.word], place.part)

        return bool(evaluate(condition, register, read))
