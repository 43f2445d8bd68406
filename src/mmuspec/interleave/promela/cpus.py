"""One CPU as a process of Promela: a label and an atomic sequence for each step."""

from collections.abc import Iterator

from mmuspec.interleave.liveness import targets, written
from mmuspec.interleave.operations import (
    ACCESSES,
    Barrier,
    GiveUp,
    Jump,
    JumpUnless,
    Lock,
    WaitUntil,
)
from mmuspec.interleave.promela.steps import DONE_NOTHING, Steps
from mmuspec.interleave.writers.statements import statement


class CpuWriter:
    """Writes one process.

    :param start: index of the first access
    :param giving_up: whether some CPU of the protocol may give up
    """

    def __init__(self, steps: Steps, start: int, giving_up: bool) -> None:
        self.steps, self.start, self.giving_up = steps, start, giving_up
        self.thread, self.program = steps.thread, steps.program

    def lines(self) -> Iterator[str]:
        """Yield the process."""
        yield f"active proctype {self.steps.buffer.name}() {{"
        seen, todo = {self.start}, [self.start]
        while todo:
            index = todo.pop()
            yield from self.location(index)
            found = {i for i in self.region(index) if self.is_exit(i)} - seen
            todo += sorted(found, reverse=True)
            seen |= found
        yield "}"

    def location(self, index: int) -> Iterator[str]:
        """Yield what happens at *index*, where the CPU stands between two steps."""
        if index == len(self.thread.code):
            yield f"{self.label(index)}: false"
            return
        yield f"{self.label(index)}: {self.comment(index)}"
        if isinstance(self.thread.code[index].operation, GiveUp):
            yield "    false"
            return
        yield "    atomic {"
        yield from (f"        {line}" for line in self.step(index))
        yield "    }"

    def step(self, index: int) -> Iterator[str]:
        """Yield the statements of the step that begins with the access at *index*."""
        yield from (f"{text};" for text in self.steps.statements(index))
        order = self.region(index)
        inside = [i for i in order if not self.is_exit(i)]
        if not inside:
            yield from self.leave(index, index, index + 1)
            return
        joined = self.joined(index, inside)
        for here, following in zip(inside, [*inside[1:], None], strict=True):
            if here in joined:
                yield f"{self.inner(index, here)}:"
            yield self.comment(here)
            yield from self.local(index, here, following)

    def local(self, start: int, index: int, following: int | None) -> Iterator[str]:
        """Yield a local operation, and how the CPU goes on; *following* is what is written next."""
        operation = self.thread.code[index].operation
        goes_on = targets(operation, index)[0]
        if isinstance(operation, JumpUnless) and operation.target != index + 1:
            condition = self.steps.arithmetic(index).truth(operation.condition)
            away = self.go(start, index, operation.target)
            yield "if"
            yield f":: {condition}"
            yield f":: else -> {' '.join(away)}"
            yield "fi;"
        elif not isinstance(operation, Jump | JumpUnless | Barrier):
            texts = self.steps.statements(index)
            yield from (f"{text};" for text in texts if text != DONE_NOTHING)
        if goes_on != following:
            yield from self.go(start, index, goes_on)

    def go(self, start: int, last: int, index: int) -> list[str]:
        """Return statements that go on at *index* after *last*, in this step or after it."""
        if self.is_exit(index):
            return self.leave(start, last, index)
        return [f"goto {self.inner(start, index)}"]

    def leave(self, start: int, last: int, index: int) -> list[str]:
        """Return statements that end a step after *last*: forget registers, and go to *index*."""
        found = [
            f"{name} = 0;"
            for register in sorted(self.touched(start, last) - self.steps.live[index])
            for name in self.steps.register(register)
            if name is not None
        ]
        if index == len(self.thread.code):
            found.append("ended++;")
        elif isinstance(self.thread.code[index].operation, GiveUp):
            found.append("stopped++;")
        return [*found, f"goto {self.label(index)}"]

    def touched(self, start: int, last: int) -> set[str]:
        """Return the registers that may not be 0 in a step from *start*, after *last*."""
        live, order = self.steps.live, [start, *self.region(start)]
        found = set(live[start])
        for index in order[: order.index(last) + 1]:
            register = None if self.is_exit(index) and index != start else self.writes(index)
            found |= {register} & live[index + 1] if register is not None else set()
        return found

    def writes(self, index: int) -> str | None:
        """Return the register that the operation at *index* writes."""
        return written(self.thread.code[index].operation)

    def region(self, index: int) -> list[int]:
        """Return what can come after *index* in the same step, and where it can end, in order."""
        order: list[int] = []
        seen: set[int] = set()

        def visit(here: int) -> None:
            if here in seen:
                return
            seen.add(here)
            if not self.is_exit(here):
                for target in reversed(targets(self.thread.code[here].operation, here)):
                    visit(target)
            order.append(here)

        for target in () if index == len(self.thread.code) else self.targets(index):
            visit(target)
        return order[::-1]

    def targets(self, index: int) -> tuple[int, ...]:
        """Return where the CPU goes on after the operation at *index*."""
        return targets(self.thread.code[index].operation, index)

    def joined(self, start: int, inside: list[int]) -> set[int]:
        """Return the operations of a step that are jumped to from within it."""
        found = set()
        for here, following in zip(inside, [*inside[1:], None], strict=True):
            goes_on, *away = self.targets(here)
            found |= {goes_on} - {following}
            found |= {target for target in away if target != here + 1}
        return found

    def is_exit(self, index: int) -> bool:
        """Tell whether a step ends at *index*: an access or the end is there."""
        code = self.thread.code
        return index == len(code) or isinstance(code[index].operation, ACCESSES)

    def label(self, index: int) -> str:
        """Return the label of a place between two steps; Spin lets a process stay at ``end...``."""
        if index == len(self.thread.code):
            return "end"
        operation = self.thread.code[index].operation
        stays = isinstance(operation, GiveUp) or (
            self.giving_up and isinstance(operation, Lock | WaitUntil)
        )
        return f"end_L{index}" if stays else f"L{index}"

    def inner(self, start: int, index: int) -> str:
        """Return the label of a place within the step that begins at *start*."""
        return f"L{start}_{index}"

    def comment(self, index: int) -> str:
        """Return the operation at *index*, in the kernel's words."""
        instruction = self.thread.code[index]
        label = f"{instruction.source.label}: " if instruction.source.label else ""
        text = f"{label}{statement(instruction.operation, self.program)}"
        return f"/* {text.replace('*/', '* /')} */"
