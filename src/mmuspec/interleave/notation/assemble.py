"""Instructions with jumps to places that are not there yet."""

from dataclasses import replace

from mmuspec.interleave.edit import edited
from mmuspec.interleave.expressions import Expr
from mmuspec.interleave.liveness import targets
from mmuspec.interleave.operations import Jump, JumpUnless, Operation
from mmuspec.interleave.program import Instruction, Source, Thread


class Label:
    """A place in the code of a CPU."""

    def __init__(self) -> None:
        self.at = -1


class Assembler:
    """The code of one CPU as it grows."""

    def __init__(self) -> None:
        self.code: list[Instruction] = []
        self.jumps: dict[int, Label] = {}

    def emit(self, operation: Operation, source: Source) -> None:
        """Append one operation."""
        self.code.append(Instruction(operation, source))

    def jump(self, label: Label, source: Source) -> None:
        """Go on at *label*."""
        self.jumps[len(self.code)] = label
        self.emit(Jump(-1), source)

    def jump_unless(self, condition: Expr, label: Label, source: Source) -> None:
        """Go on at *label* if *condition* is 0."""
        self.jumps[len(self.code)] = label
        self.emit(JumpUnless(condition, -1), source)

    def here(self, label: Label) -> None:
        """Let *label* be the next instruction."""
        label.at = len(self.code)

    def finish(self) -> tuple[Instruction, ...]:
        """Return the code with every jump resolved, and without what nobody can come to."""
        for index, label in self.jumps.items():
            instruction = self.code[index]
            operation = instruction.operation
            assert isinstance(operation, Jump | JumpUnless)
            self.code[index] = replace(instruction, operation=replace(operation, target=label.at))
        whole = Thread("", tuple(self.code))
        gone = set(range(len(whole.code))) - reachable(whole)
        return edited(whole, dict.fromkeys(gone, ())).code


def reachable(thread: Thread) -> set[int]:
    """Return the indices that *thread* can come to."""
    found: set[int] = set()
    todo = [0]
    while todo:
        index = todo.pop()
        if index < len(thread.code) and index not in found:
            found.add(index)
            todo += targets(thread.code[index].operation, index)
    return found
