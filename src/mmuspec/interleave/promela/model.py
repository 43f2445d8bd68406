"""A protocol as a model in Promela, the language of the model checker Spin."""

from collections.abc import Iterator

from mmuspec.interleave.answer import DEADLOCK
from mmuspec.interleave.expressions import Expr, Reg
from mmuspec.interleave.liveness import live
from mmuspec.interleave.operations import GiveUp
from mmuspec.interleave.program import Memory, Program, Quantifier, Source
from mmuspec.interleave.promela.analysis import Analysis
from mmuspec.interleave.promela.buffers import Buffer
from mmuspec.interleave.promela.cpus import CpuWriter
from mmuspec.interleave.promela.halves import MACROS, Arithmetic
from mmuspec.interleave.promela.names import Names
from mmuspec.interleave.promela.steps import Steps
from mmuspec.interleave.promela.storage import Storage, declarations
from mmuspec.interleave.semantics import Semantics
from mmuspec.interleave.words import Place

SLOTS = 8
"""Slots of a store buffer of which no bound is known."""

SCRATCH = ("spare", "spare_high", "half")
"""Variables that are 0 between steps."""

MACRO_NAMES = ("BELOW", "CARRY", "RIGHT")

HEAD = """\
/* {name}, under {memory}.

   spin -a -o1 -o2 -o3 model.pml
   gcc -O2 -DSAFETY -DNOREDUCE{vector} -o pan pan.c
   ./pan -m1000000          stops at the first error
   ./pan -m1000000 -c0      goes on, and counts all states

   "errors: 0": nothing is found. An "assertion violated" is a claim that fails (or an
   "exists" that comes true); an "invalid end state" is a deadlock. "states, stored"
   is the number of states that mmuspec tells, if nothing is found or with -c0.
   -o2 and -DNOREDUCE matter: without the first Spin forgets variables that are only
   written, without the second it leaves interleavings out; both change the number.
   -o1 and -o3 switch off two more reductions. With "max search depth too small", give
   a greater -m; where an assertion names a store buffer, write the model with more slots.

   A step is an atomic sequence: an access and what the CPU computes up to the next
   one. Registers that no longer matter are set to 0, which makes states equal. */
"""


def write_promela(program: Program, memory: Memory = Memory.TSO, slots: int = SLOTS) -> str:
    """Return *program* in Promela; how to check it stands in its first lines.

    The model has as many states as `mmuspec.interleave.explore.explore` counts.

    :param slots: size of a store buffer that a loop may fill further and further; the
        model notices if it does not suffice
    :raises NotModelledError: if the program computes what Promela cannot
    """
    return "\n".join(ModelWriter(program, memory, slots).lines()) + "\n"


class ModelWriter:
    """Writes one model."""

    def __init__(self, program: Program, memory: Memory, slots: int) -> None:
        self.program, self.memory, self.names = program, memory, Names()
        self.storage = Storage(program, Analysis(program), self.names)
        self.first = Semantics(program, memory).initial()
        for word in program.words:
            self.storage.place(Place(word.name))
        self.buffers = [Buffer(program, t, self.storage, memory, slots) for t in program.threads]
        self.giving_up = any(
            isinstance(instruction.operation, GiveUp)
            for thread in program.threads
            for instruction in thread.code
        )

    def lines(self) -> Iterator[str]:
        """Yield the whole model."""
        body = [*self.processes(), *self.judge()]
        macros = [line for buffer in self.buffers for line in buffer.macros(body)]
        text = "\n".join([*macros, *body])
        variables = [
            *self.variables(),
            *(f"int {name};" for name in SCRATCH if f"{name} =" in text),
        ]
        yield HEAD.format(
            name=comment(self.program.name),
            memory=f"{'x86-TSO' if self.memory is Memory.TSO else 'sequential consistency'}",
            vector=" -DVECTORSZ=8192" if len(variables) > 150 else "",
        )
        yield from [MACROS] if any(f"{name}(" in text for name in MACRO_NAMES) else []
        yield from [*self.names.defined(), ""] if self.names.numbers else []
        yield from [*variables, ""]
        yield from [*self.place_codes(), *macros, ""] if macros or any(self.places()) else []
        yield from body

    def variables(self) -> Iterator[str]:
        """Yield the declarations of everything that makes up a state."""
        for word, value in zip(self.program.words, self.first.state.memory, strict=True):
            where = "/* ghost */" if word.ghost else ""
            yield from declarations(self.storage.place(Place(word.name)), value, where)
        for thread, cpu in zip(self.program.threads, self.first.state.cpus, strict=True):
            values = dict(cpu.registers)
            for name in sorted(frozenset().union(*live(self.program, thread))):
                target = self.storage.register(Reg(name, thread.name))
                yield from declarations(target, values.get(name, 0))
        for buffer in self.buffers:
            yield from buffer.declared()
        standing = [
            thread.code[cpu.at].operation if cpu.at < len(thread.code) else None
            for thread, cpu in zip(self.program.threads, self.first.state.cpus, strict=True)
        ]
        yield f"byte ended = {standing.count(None)};  /* CPUs that ran off their end */"
        if self.giving_up:
            given_up = sum(isinstance(operation, GiveUp) for operation in standing)
            yield f"byte stopped = {given_up};  /* CPUs that gave up */"

    def places(self) -> list[Place]:
        """Return the places that stores wait for."""
        return list(dict.fromkeys(place for buffer in self.buffers for place in buffer.places))

    def place_codes(self) -> list[str]:
        """Return the definitions of the numbers that stand for places in store buffers."""
        codes = [self.buffers[0].code(place) for place in self.places()]
        return [f"#define {code} {number}" for number, code in enumerate(codes, 1)]

    def processes(self) -> Iterator[str]:
        """Yield the CPUs and their store buffers."""
        cpus = zip(self.program.threads, self.first.state.cpus, self.buffers, strict=True)
        for thread, cpu, buffer in cpus:
            steps = Steps(self.program, thread, self.storage, buffer)
            yield from CpuWriter(steps, cpu.at, self.giving_up).lines()
            yield ""
            yield from buffer.drain()

    def judge(self) -> Iterator[str]:
        """Yield the process that watches: it never changes anything."""
        claims = list(self.claims())
        if not claims:
            return
        for number, (text, holds) in enumerate(claims):
            yield f"/* {comment(text)} */"
            yield f"#define claim_{number} ({holds})"
        yield from ["active proctype judge() {", "end:", "    do"]
        for number in range(len(claims)):
            yield f"    :: d_step {{ !claim_{number} -> assert(claim_{number}) }}"
        yield from ["    od", "}"]

    def claims(self) -> Iterator[tuple[str, str]]:
        """Yield each claim, and the condition that must hold in every state."""
        if self.first.broken:
            yield f"{self.first.broken[0]} (fails before the first step)", "false"
        if self.giving_up:
            yield DEADLOCK, f"!(timeout && stopped == 0 && !({self.everybody_ended()}))"
        for claim in self.program.always:
            yield f"always: {claim.text}", self.truth(claim.condition)
        for final in self.program.finals:
            condition = self.truth(final.condition)
            wanted = f"!{condition}" if final.quantifier is Quantifier.FORALL else condition
            text = f"{final.quantifier.value}: {final.text}"
            yield text, f"!({self.everybody_ended()} && {wanted})"

    def everybody_ended(self) -> str:
        """Return the condition that every CPU has ended and every store is visible."""
        empty = [f"{buffer.count} == 0" for buffer in self.buffers if buffer.slots]
        return " && ".join([f"ended == {len(self.program.threads)}", *empty])

    def truth(self, condition: Expr) -> str:
        """Return the condition of a property."""
        storage = self.storage
        arithmetic = Arithmetic(self.names, storage.held, storage.analysis.anywhere, Source())
        return arithmetic.truth(condition)


def comment(text: str) -> str:
    """Return *text* so that it can stand in a comment."""
    return " ".join(text.replace("*/", "* /").split())
