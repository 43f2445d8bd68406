"""The micro-operations of one CPU while they are written down."""

from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.operations import Jump, JumpUnless, Operation
from mmuspec.interleave.program import Instruction

END = None
"""The label of the end of the code."""


class Emitter:
    """Code under way.

    :param at: index in the file of the instruction that is being translated
    """

    def __init__(self, text: Text) -> None:
        self.text, self.at = text, 0
        self.code: list[tuple[Operation, int]] = []
        self.labels: dict[str | None, int] = {}
        self.jumps: list[tuple[int, str | None]] = []

    def emit(self, operation: Operation) -> int:
        """Add an operation and return its index."""
        self.code.append((operation, self.at))
        return len(self.code) - 1

    def label(self, name: str) -> None:
        """Let *name* stand for what comes next.

        :raises ProgramError: if it stands for something else
        """
        if name in self.labels:
            raise self.text.error(self.at, f"there are two labels {name}")
        self.labels[name] = len(self.code)

    def jump(self, operation: Jump | JumpUnless, label: str | None) -> None:
        """Add a jump to *label*, which may be still to come."""
        self.jumps.append((self.emit(operation), label))

    def land(self, index: int) -> None:
        """Let the jump at *index* lead to what comes next."""
        self.aim(index, len(self.code))

    def aim(self, index: int, target: int) -> None:
        """Let the jump at *index* lead to *target*."""
        operation, at = self.code[index]
        if isinstance(operation, JumpUnless):
            self.code[index] = JumpUnless(operation.condition, target), at
        else:
            self.code[index] = Jump(target), at

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the code, complete.

        :raises ProgramError: for a jump to a label that is not there
        """
        self.labels[END] = len(self.code)
        for index, label in self.jumps:
            if label not in self.labels:
                raise self.text.error(self.code[index][1], f"this CPU has no label {label}")
            self.aim(index, self.labels[label])
        return tuple(Instruction(each, self.text.source(at)) for each, at in self.code)
