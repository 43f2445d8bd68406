"""A program with some instructions replaced: jumps follow."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmuspec.interleave.operations import Jump, JumpUnless
from mmuspec.interleave.program import Instruction, Program, Thread

Edits = Mapping[int, Sequence[Instruction]]
"""What stands in the place of an instruction, by its index; nothing deletes it.

Jumps within count in old indices.
"""


def edited(thread: Thread, edits: Edits) -> Thread:
    """Return *thread* with *edits* made.

    A jump to an instruction that is gone leads to what follows it.
    """
    pieces = [edits.get(index, [instruction]) for index, instruction in enumerate(thread.code)]
    begins = [0]
    for piece in pieces:
        begins.append(begins[-1] + len(piece))
    code = [moved(instruction, begins) for piece in pieces for instruction in piece]
    return replace(thread, code=tuple(code))


def moved(instruction: Instruction, begins: Sequence[int]) -> Instruction:
    """Return *instruction* with its jump, if it is one, led to where the old target begins."""
    operation = instruction.operation
    if not isinstance(operation, Jump | JumpUnless):
        return instruction
    return replace(instruction, operation=replace(operation, target=begins[operation.target]))


def with_threads(program: Program, threads: Mapping[str, Thread]) -> Program:
    """Return *program* with the threads of those names replaced."""
    return replace(
        program, threads=tuple(threads.get(thread.name, thread) for thread in program.threads)
    )
