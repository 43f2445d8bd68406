"""Random small protocols, all valid: few CPUs, few accesses, every operation there is.

`programs` is the hypothesis strategy. A program with ten accesses has some hundred
states under TSO, so that the plain explorer answers in a moment.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import assume
from hypothesis import strategies as st

from mmuspec.interleave.computed import early_ghosts
from mmuspec.interleave.expressions import Const, Expr, Op, Read, Reg
from mmuspec.interleave.operations import (
    ACCESSES,
    Assign,
    Barrier,
    Check,
    CompareExchange,
    Fence,
    GiveUp,
    Jump,
    JumpUnless,
    Load,
    Lock,
    Note,
    Operation,
    Store,
    Unlock,
    Update,
    WaitUntil,
)
from mmuspec.interleave.program import Always, Final, Instruction, Program, Quantifier, Thread
from mmuspec.interleave.validate import UPDATES, validate
from mmuspec.interleave.words import HALF, Part, Place, Word

Draw = Callable[[st.SearchStrategy], object]
Code = list[Operation]
"""Operations; jumps are relative to their own index until `absolute` has seen them."""

REGISTERS = ("a", "b", "c")
COUNTER = "tries"
VALUES = (0, 1, 2, 3, HALF, HALF + 1, HALF + 2, (1 << 64) - 1)
OPERATORS = ("+", "-", "*", "&", "|", "^", "<<", ">>", "and", "or")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Kinds:
    """What may occur in a program; without everything it is a litmus test."""

    loops: bool = True
    branches: bool = True
    ghosts: bool = True
    halves: bool = True
    locks: bool = True
    waits: bool = True
    claims: bool = True
    properties: bool = True
    symmetric: bool = True


EVERYTHING = Kinds()
LITMUS = Kinds(loops=False, ghosts=False, locks=False, waits=False, claims=False, symmetric=False)
"""No loop, nothing that waits, nothing that only a proof needs; with branches and halves."""


@st.composite
def programs(
    draw: Draw, kinds: Kinds = EVERYTHING, max_cpus: int = 3, max_accesses: int = 10
) -> Program:
    """Draw a valid program of up to *max_cpus* CPUs with up to *max_accesses* accesses in all."""
    writer = Writer(draw, kinds, words(draw, kinds))
    cpus = draw(st.sampled_from([n for n in (2, 3, 2, 3, 1) if n <= max_cpus]))
    share = max(1, max_accesses // cpus)
    if kinds.symmetric and cpus > 1 and draw(st.integers(0, 3)) == 0:
        first = writer.thread("P0", share)
        threads = [Thread(f"P{n}", first.code, first.registers) for n in range(cpus)]
    else:
        threads = [writer.thread(f"P{n}", share) for n in range(cpus)]
    finals, always = writer.finals(threads), writer.always(threads)
    program = Program("random", writer.words, tuple(threads), finals, always)
    assume(not list(early_ghosts(program)))
    return validate(program)


def words(draw: Draw, kinds: Kinds) -> tuple[Word, ...]:
    """Draw the shared words: one to three plain ones, perhaps a lock, perhaps a ghost."""
    names = ("x", "y", "z")[: draw(st.integers(1, 3))]
    found = []
    for name in names:
        bits = draw(st.sampled_from((32, 64)))
        initial = draw(st.sampled_from((0, 0, 0, 1, HALF, HALF + 1)))
        found.append(Word(name, bits, initial & ((1 << bits) - 1)))
    if kinds.locks:
        found.append(Word("lock", 32))
    if kinds.ghosts:
        found.append(Word("ghost", 64, draw(st.sampled_from((0, 1))), ghost=True))
    return tuple(found)


def absolute(code: Code) -> tuple[Instruction, ...]:
    """Return *code* with targets counted from its beginning."""
    found = []
    for index, operation in enumerate(code):
        match operation:
            case Jump(target):
                operation = Jump(index + target)
            case JumpUnless(condition, target):
                operation = JumpUnless(condition, index + target)
        found.append(Instruction(operation))
    return tuple(found)


def started(code: Code) -> bool:
    """Tell whether *code* has an access that no branch can avoid, perhaps after others."""
    return any(
        isinstance(op, ACCESSES)
        for index, op in enumerate(code)
        if not any(isinstance(other, JumpUnless | Jump) for other in code[:index])
    )


class Writer:
    """Draws the pieces of one program."""

    def __init__(self, draw: Draw, kinds: Kinds, words: tuple[Word, ...]) -> None:
        self.draw, self.kinds, self.words = draw, kinds, words
        self.shared = [word for word in words if not word.ghost and word.name != "lock"]
        self.left = 0

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def thread(self, name: str, accesses: int) -> Thread:
        self.left = accesses
        code: Code = []
        while self.left > 0:
            statement = self.statement(nested=False)
            if not started(code) and any(isinstance(op, Note) for op in statement):
                code += self.access()  # nobody may write a ghost before that
            code += statement
        registers = ((self.pick(*REGISTERS), self.pick(*VALUES)),) if self.pick(0, 0, 1) else ()
        return Thread(name, absolute(code), registers)

    def statement(self, nested: bool) -> Code:
        """Draw an operation, or a construct of a few."""
        kinds, choices = self.kinds, [self.access] * 12 + [self.assign, self.barrier]
        choices += [self.note] * 2 * kinds.ghosts + [self.check] * kinds.claims
        choices += [self.wait] * kinds.waits
        if not nested:
            choices += [self.branch] * 2 * kinds.branches + [self.critical] * kinds.locks
            choices += [self.retry, self.poll] * kinds.loops
        return self.pick(*choices)()

    def body(self) -> Code:
        """Draw what stands inside a construct."""
        return [op for _ in range(self.pick(1, 1, 2)) for op in self.statement(nested=True)]

    def access(self) -> Code:
        self.left -= 1
        kind = self.pick(Load, Load, Load, Store, Store, Store, Update, CompareExchange, Fence)
        register = self.pick(*REGISTERS)
        if kind is Load:
            return [Load(register, self.place())]
        if kind is Store:
            return [Store(self.place(), self.value())]
        if kind is Fence:
            return [Fence()]
        wanted = self.pick(register, register, None)
        if kind is Update:
            return [Update(wanted, self.place(), self.pick(*UPDATES), self.value())]
        return [CompareExchange(wanted, self.place(), self.value(), self.value())]

    def assign(self) -> Code:
        return [Assign(self.pick(*REGISTERS), self.value())]

    def barrier(self) -> Code:
        return [Barrier(self.pick("smp_wmb", "smp_rmb", "barrier"))]

    def note(self) -> Code:
        return [Note("ghost", self.value())]

    def check(self) -> Code:
        return [Check(self.condition(), f"claim {self.pick(1, 2)}")]

    def wait(self) -> Code:
        self.left -= 1
        looks = Read(self.place())
        return [WaitUntil(Op(self.pick(*COMPARISONS), (looks, self.value())))]

    def branch(self) -> Code:
        """Draw an if, with or without an else."""
        condition, then = self.condition(), self.body()
        if not self.pick(0, 1):
            return [JumpUnless(condition, len(then) + 1), *then]
        other = self.body()
        return [
            JumpUnless(condition, len(then) + 2),
            *then,
            Jump(len(other) + 1),
            *other,
        ]

    def critical(self) -> Code:
        self.left -= 2
        return [Lock("lock"), *self.body(), Unlock("lock")]

    def retry(self) -> Code:
        """Draw a loop that is left when a condition holds, and given up after a few rounds."""
        body = [*self.access(), *self.body()]
        again = [
            JumpUnless(Op("not", (self.condition(),)), 5),
            Assign(COUNTER, Op("+", (Reg(COUNTER), Const(1)))),
            JumpUnless(Op(">=", (Reg(COUNTER), Const(self.pick(1, 2)))), 2),
            GiveUp(),
        ]
        return [Assign(COUNTER, Const(0)), *body, *again, Jump(-len(body) - len(again))]

    def poll(self) -> Code:
        """Draw an endless loop that only reads."""
        self.left -= 1
        register = self.pick(*REGISTERS)
        leave = Op(self.pick(*COMPARISONS), (Reg(register), Const(self.pick(*VALUES))))
        return [Load(register, self.place()), JumpUnless(leave, -1)]

    def place(self) -> Place:
        word = self.pick(*self.shared)
        halves = (Part.LOW, Part.HIGH) if self.kinds.halves and word.bits == 64 else ()
        return Place(word.name, self.pick(Part.WHOLE, *halves))

    def value(self) -> Expr:
        """Draw what a CPU can compute from its registers (and ghosts)."""
        kind = self.pick(0, 0, 0, 1, 1, 2)
        if kind == 2:
            return Op(self.pick(*OPERATORS), (self.leaf(), self.leaf()))
        return self.leaf() if kind else Const(self.pick(*VALUES))

    def leaf(self) -> Expr:
        ghost = (Read(Place("ghost")),) if self.kinds.ghosts else ()
        return self.pick(Const(1), *(Reg(name) for name in REGISTERS), *ghost)

    def condition(self) -> Expr:
        return Op(self.pick(*COMPARISONS), (self.leaf(), Const(self.pick(*VALUES))))

    def property(self, threads: list[Thread]) -> Expr:
        """Draw a condition on any place and any CPU's registers."""
        parts = []
        for _ in range(self.pick(1, 2)):
            reg = Reg(self.pick(*REGISTERS), self.pick(*threads).name)
            looks = self.pick(Read(Place(self.pick(*self.words).name)), Read(self.place()), reg)
            parts.append(Op(self.pick(*COMPARISONS), (looks, Const(self.pick(*VALUES)))))
        return parts[0] if len(parts) == 1 else Op(self.pick("and", "or"), tuple(parts))

    def finals(self, threads: list[Thread]) -> tuple[Final, ...]:
        count = self.pick(0, 1, 2) if self.kinds.properties else 0
        return tuple(
            Final(self.pick(*Quantifier), self.property(threads), f"final {n}")
            for n in range(count)
        )

    def always(self, threads: list[Thread]) -> tuple[Always, ...]:
        count = self.pick(0, 0, 1) if self.kinds.properties else 0
        return tuple(Always(self.property(threads), f"always {n}") for n in range(count))


def accesses(program: Program) -> int:
    """Return how many accesses stand in the code of *program*."""
    return sum(
        isinstance(instruction.operation, ACCESSES)
        for thread in program.threads
        for instruction in thread.code
    )
