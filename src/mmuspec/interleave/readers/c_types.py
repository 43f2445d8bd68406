"""Which values a C type can hold: what a cast, or a local variable, cuts off."""

from mmuspec.interleave.expressions import Const, Expr, Op
from mmuspec.interleave.litmus.locations import TYPES, Type

QUALIFIERS = ("volatile", "const", "struct", "static", "register", "_Atomic")

WIDE = Type(64, signed=False)

KERNEL = {
    **dict.fromkeys(("gfn_t", "gpa_t", "gva_t", "hfn_t", "hpa_t", "pfn_t", "pteval_t"), WIDE),
    **dict.fromkeys(("phys_addr_t", "atomic64_t", "atomic_long_t"), WIDE),
    "atomic_t": TYPES["int"],
}
"""Types of the kernel, on x86-64."""


def plain(kind: str) -> str:
    """Return the name of a type without what says nothing about its size."""
    return " ".join(word for word in kind.split() if word not in QUALIFIERS)


def type_of(kind: str) -> Type | None:
    """Return the type that C calls *kind*; ``None`` if it is not known here."""
    if kind.rstrip().endswith("*"):
        return WIDE
    return TYPES.get(plain(kind)) or KERNEL.get(plain(kind))


def narrowed(kind: str, type: Type, value: Expr, signs_kept: bool) -> Expr:
    """Return *value* as a variable of that type would hold it, in a register of 64 bits.

    :param kind: the name of the type
    :param signs_kept: whether an ``int`` always comes with 64 bits that have its sign
    """
    if plain(kind) in ("bool", "_Bool"):
        return Op("!=", (value, Const(0)))
    if type.bits == 64 or (signs_kept and type.signed and type.bits == 32):
        return value
    cut = Op("&", (value, Const(type.mask)))
    if not type.signed:
        return cut
    sign = Const(1 << (type.bits - 1))
    return Op("-", (Op("^", (cut, sign)), sign))
