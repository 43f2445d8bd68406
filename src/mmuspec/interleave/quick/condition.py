"""Conditions of properties, on packed states."""

from mmuspec.interleave.expressions import Expr, Reg, evaluate, reads, registers
from mmuspec.interleave.quick.encode import Encoding
from mmuspec.interleave.quick.fields import Field
from mmuspec.interleave.words import Place, extract


class Condition:
    """A condition on packed states.

    :param mask: the bits that decide it
    """

    def __init__(self, encoding: Encoding, expr: Expr) -> None:
        self.encoding, self.expr = encoding, expr
        self.program = encoding.shape.program
        self.number = {thread.name: n for n, thread in enumerate(self.program.threads)}
        self.known: dict[int, bool] = {}
        self.mask = 0
        for reg in registers(expr):
            self.mask |= self.field(reg).mask
        for place in reads(expr):
            self.mask |= encoding.place_mask(place)

    def __call__(self, packed: int) -> bool:
        """Tell whether it holds."""
        key = packed & self.mask
        if key not in self.known:
            value = evaluate(
                self.expr,
                lambda reg: self.field(reg).get(key),
                lambda place: self.read(place, key),
            )
            self.known[key] = bool(value)
        return self.known[key]

    def field(self, reg: Reg) -> Field[int]:
        """Return the field of a register, at the end of its CPU if it matters only there."""
        return self.encoding.cpus[self.number[reg.thread]].registers[reg.name]

    def read(self, place: Place, key: int) -> int:
        """Return what *place* holds."""
        word = self.program.word[place.word]
        if place in self.encoding.words:
            return self.encoding.words[place].get(key)
        return extract(self.encoding.get_place(Place(place.word), key), word, place.part)
