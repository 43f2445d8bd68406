"""The registers of x86 by the names of their parts, as assembly writes them.

A protocol has one register of 64 bits for all parts, with the name that herd shows: ``rax``
on x86-64, ``EAX`` on 32-bit x86. (Intel SDM volume 1, "General-Purpose Registers".)
"""

from dataclasses import dataclass

LETTERS = ("ax", "bx", "cx", "dx")
POINTERS = ("si", "di", "bp", "sp")
NUMBERS = tuple(f"r{number}" for number in range(8, 16))


@dataclass(frozen=True)
class View:
    """A register, or a part of one.

    :param register: name of the whole
    :param bits: 8, 16, 32 or 64
    :param shift: 8 for AH and its like
    """

    register: str
    bits: int
    shift: int = 0

    @property
    def mask(self) -> int:
        """As many ones as it has bits."""
        return (1 << self.bits) - 1

    @property
    def whole(self) -> int:
        """How many bits the whole register has."""
        return 32 if self.register.startswith("E") else 64


def _views() -> dict[str, View]:
    """Return all parts of all registers."""
    views = {"rip": View("rip", 64), "cs": View("cs", 64)}
    for name in LETTERS + POINTERS:
        whole, low = f"r{name}", name[0] if name in LETTERS else name
        views |= {whole: View(whole, 64), f"e{name}": View(whole, 32), name: View(whole, 16)}
        views[f"{low}l"] = View(whole, 8)
        if name in LETTERS:
            views[f"{low}h"] = View(whole, 8, 8)
    for whole in NUMBERS:
        views[whole] = View(whole, 64)
        views |= {f"{whole}d": View(whole, 32), f"{whole}w": View(whole, 16)}
        views[f"{whole}b"] = View(whole, 8)
    return views


X86_64 = _views()
"""The parts by their names in lower case."""

X86 = {
    name: View(f"E{view.register[1:].upper()}", view.bits, view.shift)
    for name, view in X86_64.items()
    if view.bits < 64 and view.register not in NUMBERS and name not in ("sil", "dil", "bpl", "spl")
} | {"eip": View("EIP", 32)}
"""The same without what needs 64-bit mode."""

NAMES = (
    *("rip", "cs", *(f"r{name}" for name in LETTERS + POINTERS), *NUMBERS),
    *(f"E{name.upper()}" for name in (*LETTERS, *POINTERS, "ip")),
)
"""The registers, in the order in which herd prints them."""
