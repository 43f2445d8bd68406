"""Random programs that the axioms speak of: no loops, no ghosts; dense, so that CPUs meet.

`straight` draws tests as a memory model has them: one or two words, often by halves, stores
of different values, now and then a locked access, a fence, a lock, a wait or a branch; all
registers are asked about at the end. `mixed` draws from `programs`, and asks likewise.
"""

from dataclasses import replace
from functools import reduce

from hypothesis import strategies as st

from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.liveness import written
from mmuspec.interleave.operations import (
    CompareExchange,
    Fence,
    JumpUnless,
    Load,
    Lock,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Final, Instruction, Program, Quantifier, Thread
from mmuspec.interleave.validate import validate
from mmuspec.interleave.words import Part, Place, Word
from tests.interleave.programs import Draw, Kinds, programs

LOOPLESS = Kinds(loops=False, ghosts=False, claims=False)


def mixed(max_accesses: int = 8) -> st.SearchStrategy[Program]:
    """Return a strategy of programs with every operation but loops, ghosts and claims."""
    return programs(LOOPLESS, 3, max_accesses).map(asking)


def asking(program: Program) -> Program:
    """Return *program* with a final question that looks at all of its registers."""
    regs = sorted(
        (thread.name, name)
        for thread in program.threads
        for name in {written(i.operation) for i in thread.code} - {None}
    )
    looks: tuple[Expr, ...] = (Const(0), *(Reg(name, thread) for thread, name in regs))
    condition = reduce(lambda left, right: Op("or", (left, right)), looks)
    finals = (*program.finals, Final(Quantifier.EXISTS, condition, "all registers"))
    return replace(program, finals=finals)


@st.composite
def straight(draw: Draw, max_cpus: int = 3, max_accesses: int = 8) -> Program:
    """Draw a dense program of up to *max_cpus* CPUs and *max_accesses* accesses in all."""
    bits = draw(st.sampled_from((32, 64)))
    names = draw(st.sampled_from((("x",), ("x", "y"), ("x", "y"), ("x", "y", "z"))))
    words = (*(Word(name, bits) for name in names), Word("lock", 32))
    parts = (Part.WHOLE, Part.LOW, Part.HIGH) if bits == 64 else (Part.WHOLE,)
    places = [Place(name, part) for name in names for part in parts]
    cpus = draw(st.sampled_from([n for n in (2, 2, 3) if n <= max_cpus]))
    most = max_accesses // cpus
    threads = []
    for cpu in range(cpus):
        size = draw(st.integers(min(2, most), most))
        code = [draw(operations(places, cpu, index)) for index in range(size)]
        threads.append(Thread(f"P{cpu}", tuple(map(Instruction, draw(arranged(code))))))
    return asking(validate(Program("straight", words, tuple(threads))))


@st.composite
def operations(draw: Draw, places: list[Place], cpu: int, index: int) -> Operation:
    """Draw an access to one of *places*; what it writes is not written by any other, mostly."""
    kind = draw(st.sampled_from((Load,) * 6 + (Store,) * 6 + (Update, CompareExchange, Fence)))
    place, register = draw(st.sampled_from(places)), f"r{index}"
    value = cpu * 0x10 + index + 1
    new: Expr = Const(value + ((value + 0x100) << 32))
    earlier = Reg(f"r{draw(st.integers(0, index))}")
    if kind is Load:
        return Load(register, place)
    if kind is Store:
        return Store(place, draw(st.sampled_from((new, new, new, earlier))))
    if kind is Update:
        return Update(register, place, draw(st.sampled_from("=+^")), new)
    if kind is CompareExchange:
        return CompareExchange(register, place, draw(st.sampled_from((Const(0), earlier))), new)
    return Fence()


@st.composite
def arranged(draw: Draw, code: list[Operation]) -> list[Operation]:
    """Draw *code*, or the same within a lock, after a wait, or in part within a branch."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return [Lock("lock"), *code, Unlock("lock")]
    if kind == 1:
        return [WaitUntil(Op("!=", (Read(Place("x")), Const(0)))), *code]
    if kind == 2:
        return [code[0], JumpUnless(Reg("r0"), len(code) + 1), *code[1:]]
    return code
