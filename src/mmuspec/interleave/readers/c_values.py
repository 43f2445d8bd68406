"""The values of C expressions, and the places that C names."""

import ast
from collections.abc import Iterable, Mapping

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op, Reg
from mmuspec.interleave.notation.declared import Operand, Scope, Shared, Symbol
from mmuspec.interleave.notation.values import OPERATORS, Values, source_of
from mmuspec.interleave.readers.c_types import narrowed, type_of
from mmuspec.interleave.words import HALF, Part

SIGN = 1 << 63
"""The bit whose change turns unsigned comparisons into signed ones."""

ORDER = ("<", "<=", ">", ">=")


class Pointer(Symbol):
    """A name that is not a word, but points to one: ``int *x``, a parameter.

    :param shared: the word
    """

    def __init__(self, shared: Shared) -> None:
        self.shared = shared


class Addresses:
    """The numbers that stand for the addresses of words.

    :param names: the words
    :param holders: words that are declared as pointers
    """

    def __init__(self, names: Iterable[str], holders: Iterable[str] = ()) -> None:
        # Beyond 32 bits, so that no number that somebody counts with is an address.
        self.number = {name: (n + 1) << 32 for n, name in enumerate(names)}
        self.pointed: set[str] = set()
        self.taken: set[str] = set()
        self.followed = False
        self.holders = set(holders)

    def of(self, name: str) -> int:
        """Return the address of a word, and note that somebody has it now."""
        self.taken.add(name)
        return self.number[name]

    def candidates(self) -> dict[str, int]:
        """Return the words that a pointer may point to, with their addresses."""
        self.followed = True
        return {name: self.number[name] for name in self.number if name in self.pointed}


class CValues(Values):
    """Turns C expressions, as `c_ast` translates them, into those of the representation.

    This one takes no step; `CBody` makes loads of the shared words that it meets.

    :param addresses: of all words
    :param signed: whether numbers have signs: ``<`` and the like compare them so, and those
        of 32 bits have theirs in all 64 bits of a register
    """

    def __init__(self, addresses: Addresses, signed: bool = False) -> None:
        super().__init__()
        self.addresses, self.signed = addresses, signed

    def expr(self, node: ast.expr, scope: Scope) -> Expr:
        """Return *node* as an expression."""
        match node:
            case ast.Constant(value=int(value)):
                return Const(value)
            case ast.Name():
                return self.name(node, scope)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
                return Const(-value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Op("-", (Const(0), self.expr(operand, scope)))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expr(operand, scope)
            case ast.UnaryOp(op=op, operand=operand):
                return Op(OPERATORS[type(op)], (self.expr(operand, scope),))
            case ast.BinOp(left=left, op=binary, right=right):
                sides = (self.expr(left, scope), self.expr(right, scope))
                return Op(OPERATORS[type(binary)], sides)
            case ast.Compare(left=left, ops=[compare], comparators=[right]):
                sides = (self.expr(left, scope), self.expr(right, scope))
                return self.compared(OPERATORS[type(compare)], *sides)
            case ast.BoolOp(op=logic, values=[left, right]):
                return self.logic(OPERATORS[type(logic)], left, right, scope)
            case ast.Call(func=ast.Name(id="&"), args=[place]):
                return self.address(place, scope)
            case ast.Call(func=ast.Name(id="()"), args=[ast.Constant(value=str(kind)), inner]):
                return self.cast(kind, inner, node, scope)
            case ast.Call():
                return self.call(node, scope)
        raise ProgramError(source_of(node, scope), "expected a value")

    def cast(self, kind: str, inner: ast.expr, node: ast.expr, scope: Scope) -> Expr:
        """Return what is left of a value after a cast."""
        type = type_of(kind)
        if type is None:
            raise NotModelledError(source_of(node, scope), f"a cast to {kind}")
        return narrowed(kind, type, self.expr(inner, scope), self.signed)

    def compared(self, operator: str, left: Expr, right: Expr) -> Expr:
        """Return a comparison; a signed one if numbers have signs here."""
        if not self.signed or operator not in ORDER:
            return Op(operator, (left, right))
        return Op(operator, (shifted(left), shifted(right)))

    def logic(self, operator: str, left: ast.expr, right: ast.expr, scope: Scope) -> Expr:
        """Return ``&&`` or ``||``."""
        return Op(operator, (self.expr(left, scope), self.expr(right, scope)))

    def name(self, node: ast.Name, scope: Scope) -> Expr:
        """Return what a name stands for."""
        match named(node.id, scope.names):
            case Operand() as operand:
                return self.operand(operand, node, scope)
            case Pointer(shared=shared):
                return Const(self.addresses.of(shared.name))
            case int(value):
                return Const(value)
        if node.id not in scope.registers:
            raise ProgramError(source_of(node, scope), f"nothing gives {node.id} a value here")
        return Reg(node.id)

    def address(self, node: ast.expr, scope: Scope) -> Expr:
        """Return the address of the place *node*."""
        found = self.target(node, scope)
        if not isinstance(found, Operand):
            return found
        if found.part is not Part.WHOLE:
            raise ProgramError(source_of(node, scope), f"the address of {found.place} as a value")
        return Const(self.addresses.of(found.shared.name))

    def target(self, node: ast.expr, scope: Scope) -> Operand | Expr:
        """Return the place that *node* names, or the value of the pointer that leads there."""
        match node:
            case ast.Call(func=ast.Name(id="*"), args=[pointer]):
                return self.pointee(pointer, scope)
            case ast.Name(id=name):
                known = named(name, scope.names)
                if isinstance(known, Operand):
                    return known
                expected = f"*{name}" if isinstance(known, Pointer) else "a shared word"
                raise ProgramError(source_of(node, scope), f"expected {expected}, found {name}")
        raise ProgramError(source_of(node, scope), "expected a shared word")

    def pointee(self, node: ast.expr, scope: Scope) -> Operand | Expr:
        """Return the place that *node* points to, or the value of *node*.

        XX"""
        match node:
            case ast.Call(func=ast.Name(id="&"), args=[place]):
                return self.target(place, scope)
            case ast.Call(func=ast.Name(id="()"), args=[_, pointer]):
                return self.pointee(pointer, scope)
            case ast.Name(id=name):
                known = named(name, scope.names)
                if isinstance(known, Pointer):
                    return known.shared
                if isinstance(known, Operand) and name not in self.addresses.holders:
                    return known
        return self.expr(node, scope)


def named(name: str, names: Mapping[str, object]) -> object:
    """Return what *name* stands for; ``x.low`` is half of the word ``x``."""
    base, dot, part = name.rpartition(".")
    if name in names or not dot or part not in ("low", "high"):
        return names.get(name)
    word = names.get(base)
    word = word.shared if isinstance(word, Pointer) else word
    return getattr(word, part) if isinstance(word, Shared) else None


def shifted(value: Expr) -> Expr:
    """Return a signed *value* so that unsigned comparisons order it rightly."""
    if isinstance(value, Const):
        return Const((value.value ^ SIGN) & (2 * SIGN - 1))
    return Op("^", (value, Const(SIGN)))


def wraps(target: Operand | Expr) -> bool:
    """Tell whether sums in the place *target* are cut to 32 bits."""
    if not isinstance(target, Operand):
        return False
    return target.part is not Part.WHOLE or target.shared.bits == 32


def cut_to(target: Operand | Expr, value: Expr) -> Expr:
    """Return *value* as it would be read back from the place *target*."""
    return Op("&", (value, Const(HALF))) if wraps(target) else value
