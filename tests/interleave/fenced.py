"""A protocol with more fences."""

from dataclasses import replace

from mmuspec.interleave.operations import Fence, Jump, JumpUnless, Store, Unlock
from mmuspec.interleave.program import Instruction, Program, Thread


def fenced(program: Program) -> Program:
    """Return *program* with MFENCE after each store and unlock; jumps lead where they did."""
    return replace(program, threads=tuple(map(fenced_thread, program.threads)))


def fenced_thread(thread: Thread) -> Thread:
    new_index = [0]
    for instruction in thread.code:
        stores = isinstance(instruction.operation, Store | Unlock)
        new_index.append(new_index[-1] + 1 + stores)
    code = []
    for instruction in thread.code:
        operation = instruction.operation
        if isinstance(operation, Jump | JumpUnless):
            operation = replace(operation, target=new_index[operation.target])
        code.append(Instruction(operation))
        if isinstance(operation, Store | Unlock):
            code.append(Instruction(Fence()))
    return replace(thread, code=tuple(code))
