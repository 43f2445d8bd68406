"""Store buffers in Promela: an array for each CPU that stores, oldest store first, then zeros."""

import re
from collections.abc import Iterable

from mmuspec.interleave.liveness import targets
from mmuspec.interleave.operations import LOCKED, Operation, Store, Unlock
from mmuspec.interleave.program import Memory, Program, Thread
from mmuspec.interleave.promela.storage import Storage
from mmuspec.interleave.words import Part, Place


def place_stored(operation: Operation) -> Place | None:
    """Return the place of a store that may wait in a buffer."""
    match operation:
        case Store(place, _):
            return place
        case Unlock(word):
            return Place(word)
    return None


def most_waiting(thread: Thread) -> int | None:
    """Return how many stores of *thread* can wait at once; ``None`` if a loop has no bound."""
    code = [instruction.operation for instruction in thread.code]
    stores = sum(place_stored(operation) is not None for operation in code)
    waiting, todo = {0: 0}, [0]
    while todo:
        index = todo.pop()
        if index == len(code):
            continue
        after = 0 if isinstance(code[index], LOCKED) else waiting[index]
        after += place_stored(code[index]) is not None
        if after > stores:
            return None
        for target in targets(code[index], index):
            if after > waiting.get(target, -1):
                waiting[target] = after
                todo.append(target)
    return max(waiting.values())


class Buffer:
    """The store buffer of one CPU; without slots there is none.

    :param spare: how many slots to give where no bound is known
    """

    def __init__(
        self, program: Program, thread: Thread, storage: Storage, memory: Memory, spare: int
    ) -> None:
        self.program, self.thread, self.storage = program, thread, storage
        most = most_waiting(thread) if memory is Memory.TSO else 0
        self.bounded = most is not None
        self.slots = spare if most is None else most
        operations = (instruction.operation for instruction in thread.code)
        found = [place_stored(operation) for operation in operations]
        self.places = list(dict.fromkeys(p for p in found if p is not None)) if self.slots else []
        self.name = storage.names.name(thread.name)
        self.seen: dict[str, str] = {}

    def array(self, what: str) -> str:
        """Return the name of one of the arrays."""
        return self.storage.names.name(self.name, what)

    @property
    def count(self) -> str:
        """The name of the number of waiting stores."""
        return self.array("waiting")

    def code(self, place: Place) -> str:
        """Return the name of the number that stands for *place* in a slot."""
        return self.storage.names.name("TO", str(place))

    def is_wide(self) -> bool:
        """Tell whether some store has an upper half that is not 0."""
        return any(
            p.part is Part.WHOLE and self.storage.place(p).high is not None for p in self.places
        )

    def arrays(self) -> list[str]:
        """Return the names of the arrays: where stores go, and what they store."""
        return [self.array("to"), self.array("value"), *[self.array("high")] * self.is_wide()]

    def declared(self) -> list[str]:
        """Return the declarations."""
        if not self.slots:
            return []
        to, *values = self.arrays()
        return [
            f"byte {self.count};",
            f"byte {to}[{self.slots}];",
            *(f"int {array}[{self.slots}];" for array in values),
        ]

    def see(self, name: str, word: str, part: Part) -> str:
        """Return what the CPU reads in the half *part* of *word*, which memory has as *name*."""
        hits = {
            Place(word): self.array("value" if part is Part.LOW else "high"),
            Place(word, part): self.array("value"),
        }
        hits = {place: array for place, array in hits.items() if place in self.places}
        if not hits:
            return name
        macro = self.storage.names.name(self.name, "sees", name)
        self.seen[macro] = self.lookup(name, hits)
        return macro

    def lookup(self, name: str, hits: dict[Place, str]) -> str:
        """Return the newest waiting store of *hits*, or else the memory *name*."""
        text = name
        for slot in range(self.slots):
            for place, array in hits.items():
                there = f"{self.array('to')}[{slot}] == {self.code(place)}"
                text = f"({there} -> {array}[{slot}] : \\\n    {text})"
        return text

    def macros(self, body: list[str]) -> list[str]:
        """Return the definitions of what *body* looks at through the buffer."""
        used = "\n".join(body)
        return [
            f"#define {name} {text}"
            for name, text in self.seen.items()
            if re.search(rf"\b{name}\b", used)
        ]

    def put(self, place: Place, low: str, high: str) -> list[str]:
        """Return statements that append a store."""
        slot = f"[{self.count}]"
        checked = [] if self.bounded else [f"assert({self.count} < {self.slots})"]
        statements = [f"{self.array('to')}{slot} = {self.code(place)}"]
        if low != "0":
            statements.append(f"{self.array('value')}{slot} = {low}")
        if high != "0" and self.storage.place(place).high is not None:
            statements.append(f"{self.array('high')}{slot} = {high}")
        return [*checked, *statements, f"{self.count}++"]

    def drain(self) -> list[str]:
        """Return the process that makes stores visible."""
        if not self.slots:
            return []
        return [
            f"/* The stores of {self.name} become visible, the oldest first. */",
            f"inline {self.array('shift')}() {{",
            *(f"    {statement};" for statement in self.shifted()),
            "}",
            "",
            f"active proctype {self.array('buffer')}() {{",
            "end:",
            "    do",
            *(line for place in self.places for line in self.option(place)),
            "    od",
            "}",
            "",
        ]

    def shifted(self) -> Iterable[str]:
        """Yield statements that take the oldest store away."""
        for array in self.arrays():
            for slot in range(1, self.slots):
                yield f"{array}[{slot - 1}] = {array}[{slot}]"
            yield f"{array}[{self.slots - 1}] = 0"
        yield f"{self.count}--"

    def option(self, place: Place) -> list[str]:
        """Return the step in which a store to *place* becomes visible."""
        target = self.storage.place(place)
        writes = [] if target.low is None else [f"{target.low} = {self.array('value')}[0];"]
        writes += [] if target.high is None else [f"{target.high} = {self.array('high')}[0];"]
        return [
            f"    :: d_step {{ {self.array('to')}[0] == {self.code(place)} ->",
            f"        {' '.join(writes)} {self.array('shift')}()".rstrip(),
            "    }",
        ]
