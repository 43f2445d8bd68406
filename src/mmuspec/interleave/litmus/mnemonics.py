"""What the names of instructions say: the instruction, how wide it is, and when it applies.

(Intel SDM volume 2, "Instruction Set Reference". AT&T names may end in the letter of a size.)
"""

from dataclasses import dataclass

from mmuspec.interleave.expressions import Const, Expr, Op, Reg

SIZES = {"b": 8, "w": 16, "l": 32, "q": 64}
"""The letters that AT&T names end in, and the bits that they stand for."""

OPERANDS = {
    **dict.fromkeys(
        ("mov", "add", "sub", "and", "or", "xor", "cmp", "test", "shl", "shr", "lea"), 2
    ),
    **dict.fromkeys(("xchg", "xadd", "cmpxchg"), 2),
    **dict.fromkeys(("inc", "dec", "neg", "not", "jmp"), 1),
    **dict.fromkeys(("mfence", "sfence", "lfence", "pause", "nop", "endbr64", "ret"), 0),
}
"""The instructions that are modelled, and how many operands they have."""

ALIASES = {"movabs": "mov", "sal": "shl"}

LOCKABLE = (
    *("add", "sub", "and", "or", "xor", "inc", "dec", "not", "neg"),
    *("xchg", "xadd", "cmpxchg"),
)
"""Those that LOCK may stand before, if they write to memory."""

ARITHMETIC = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^", "inc": "+", "dec": "-"}
"""The operators of those that combine."""


def _flag(name: str) -> Expr:
    return Reg(name)


def _not(condition: Expr) -> Expr:
    return Op("not", (condition,))


_LESS = Op("^", (_flag("SF"), _flag("OF")))
_LESS_OR_EQUAL = Op("or", (_flag("ZF"), _LESS))
_BELOW_OR_EQUAL = Op("or", (_flag("CF"), _flag("ZF")))

CONDITIONS: dict[str, Expr] = {
    **dict.fromkeys(("e", "z"), _flag("ZF")),
    **dict.fromkeys(("ne", "nz"), _not(_flag("ZF"))),
    **dict.fromkeys(("b", "c", "nae"), _flag("CF")),
    **dict.fromkeys(("ae", "nc", "nb"), _not(_flag("CF"))),
    **dict.fromkeys(("be", "na"), _BELOW_OR_EQUAL),
    **dict.fromkeys(("a", "nbe"), _not(_BELOW_OR_EQUAL)),
    **dict.fromkeys(("l", "nge", "lt"), _LESS),
    **dict.fromkeys(("ge", "nl"), _not(_LESS)),
    **dict.fromkeys(("le", "ng"), _LESS_OR_EQUAL),
    **dict.fromkeys(("g", "nle", "gt"), _not(_LESS_OR_EQUAL)),
    "s": _flag("SF"),
    "ns": _not(_flag("SF")),
    "o": _flag("OF"),
    "no": _not(_flag("OF")),
}
"""When Jcc, SETcc and CMOVcc apply (SDM volume 1, "EFLAGS Condition Codes"); herd adds lt, gt."""


@dataclass(frozen=True)
class Mnemonic:
    """The name of an instruction, understood.

    :param name: of `OPERANDS`, or ``j``, ``set`` or ``cmov``
    :param bits: what the letter at its end says, if there is one
    :param condition: for ``j``, ``set`` and ``cmov``
    """

    name: str
    bits: int | None = None
    condition: Expr | None = None

    @property
    def operands(self) -> int:
        """How many operands it has."""
        return OPERANDS.get(self.name, 2 if self.name == "cmov" else 1)


def mnemonic(text: str) -> Mnemonic | None:
    """Return what *text*, in either case, names; ``None`` if that is not modelled."""
    text = text.lower()
    for name, bits in ((text, None), (text[:-1], SIZES.get(text[-1]))):
        if name == text or bits:
            name = ALIASES.get(name, name)
            if name in OPERANDS:
                return Mnemonic(name, bits)
            for group in ("j", "set", "cmov"):
                condition = CONDITIONS.get(name.removeprefix(group))
                if name.startswith(group) and condition is not None:
                    return Mnemonic(group, bits, condition)
    return None


def flags(name: str, left: Expr, right: Expr, result: Expr, bits: int) -> dict[str, Expr]:
    """Return what becomes of the flags after the instruction *name*; the others stay.

    (Intel SDM volume 1, "Status Flags".)

    :param left: the destination before
    :param right: the source
    :param result: the destination after; all of them cut to *bits*
    """
    top = Const(bits - 1)
    sign = Op(">>", (result, top))
    found: dict[str, Expr] = {"ZF": Op("==", (result, Const(0))), "SF": sign}
    both = Op("^", (left, right))
    turned = Op("^", (left, result))
    match name:
        case "add" | "xadd":
            found["CF"] = Op("<", (result, left))
            found["OF"] = Op(">>", (Op("&", (Op("^", (both, _ones(bits))), turned)), top))
        case "sub" | "cmp" | "cmpxchg" | "neg":
            found["CF"] = Op("<", (left, right))
            found["OF"] = Op(">>", (Op("&", (both, turned)), top))
        case "shl":
            bit = Op("-", (Const(bits), right))
            out = Op("&", (Op(">>", (left, bit)), Const(1)))
            found |= {"CF": out, "OF": Op("^", (sign, out))}
        case "shr":
            out = Op("&", (Op(">>", (left, Op("-", (right, Const(1))))), Const(1)))
            found |= {"CF": out, "OF": Op(">>", (left, top))}
        case "inc":
            found["OF"] = Op("==", (result, Const(1 << (bits - 1))))
        case "dec":
            found["OF"] = Op("==", (left, Const(1 << (bits - 1))))
        case "and" | "or" | "xor" | "test":
            found |= {"CF": Const(0), "OF": Const(0)}
    return found


def _ones(bits: int) -> Expr:
    return Const((1 << bits) - 1)
