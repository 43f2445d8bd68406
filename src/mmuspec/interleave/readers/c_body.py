"""The C code of one CPU, written out as micro-operations."""

import ast
from collections.abc import Callable

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.expressions import Const, Expr, Op, Reg
from mmuspec.interleave.notation.assemble import Label
from mmuspec.interleave.notation.body import Body
from mmuspec.interleave.notation.calls import Exit
from mmuspec.interleave.notation.declared import Operand, Scope, Shared
from mmuspec.interleave.notation.values import source_of
from mmuspec.interleave.operations import Assign, Check, GiveUp, Load
from mmuspec.interleave.program import Instruction
from mmuspec.interleave.readers.c_asked import Asked
from mmuspec.interleave.readers.c_ast import Code
from mmuspec.interleave.readers.c_functions import function
from mmuspec.interleave.readers.c_types import narrowed, type_of
from mmuspec.interleave.readers.c_values import Addresses, CValues, named

SPECIAL = ("*", "&", "?", "=", "()")
"""What `c_ast` writes as a call and is none."""


class CBody(CValues, Body):
    """The C code of one CPU while it is written.

    :param cpu: the name of the CPU
    """

    def __init__(self, cpu: str, addresses: Addresses, signed: bool = False) -> None:
        super().__init__(addresses, signed)
        self.cpu = cpu
        self.sections: dict[str, int] = {}
        self.declared: dict[str, str] = {}
        self.places: dict[str, Label] = {}
        self.gotos: dict[str, ast.Call] = {}

    def code(self, code: Code, scope: Scope) -> tuple[Instruction, ...]:
        """Write out the whole code of a CPU.

        :raises ProgramError: if it is wrong; with file, line and column
        """
        end = Label()
        self.returns.append((Exit(end, 0), None))
        self.declared = code.declared
        self.block(code.body, scope)
        self.out.here(end)
        for name, node in self.gotos.items():
            if self.places[name].at < 0:
                raise ProgramError(source_of(node, scope), f"there is no label {name}")
        return self.out.finish()

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        """Write out one statement."""
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name not in SPECIAL:
                self.do(call, None, scope)
            case ast.Expr(value=value):
                self.expr(value, scope)
            case _:
                super().statement(node, scope)

    def assign(self, target: ast.expr, value: ast.expr, node: ast.stmt, scope: Scope) -> None:
        """Write out ``target = value``."""
        if isinstance(target, ast.Name) and not self.is_place(target, scope):
            self.set(target.id, value, scope)
            return
        new = self.expr(value, scope)
        place = self.target(target, scope)
        self.at_each(place, target, scope, lambda operand: self.store(operand, new, node, scope))

    def set(self, register: str, value: ast.expr, scope: Scope) -> None:
        """Write out what gives a local variable a new value, as much of it as its type holds."""
        kind = self.declared.get(register, "")
        type = type_of(kind)
        if type is None or narrowed(kind, type, Reg(register), self.signed) == Reg(register):
            self.into(register, value, scope)
        else:
            whole = narrowed(kind, type, self.expr(value, scope), self.signed)
            self.emit(Assign(register, whole), value, scope)

    def is_place(self, node: ast.Name, scope: Scope) -> bool:
        """Tell whether *node* is no register."""
        return named(node.id, scope.names) is not None

    def into(self, register: str, value: ast.expr, scope: Scope) -> None:
        """Compute *value* into *register*."""
        match value:
            case ast.Name(id=name) if isinstance(operand := named(name, scope.names), Operand):
                if operand.shared.ghost:
                    self.emit(Assign(register, self.expr(value, scope)), value, scope)
                else:
                    self.emit(Load(register, operand.place), value, scope)
            case ast.Call(func=ast.Name(id="*")):
                self.load(self.target(value, scope), register, value, scope)
            case ast.Call(func=ast.Name(id=name)) if name not in SPECIAL:
                self.do(value, register, scope)
            case _:
                self.emit(Assign(register, self.expr(value, scope)), value, scope)

    def load(self, place: Operand | Expr, register: str, node: ast.expr, scope: Scope) -> None:
        """Load from *place* into *register*."""

        def load(operand: Operand) -> None:
            if operand.shared.ghost:
                self.emit(
                    Assign(register, CValues.operand(self, operand, node, scope)), node, scope
                )
            else:
                self.emit(Load(register, operand.place), node, scope)

        self.at_each(place, node, scope, load)

    def at_each(
        self,
        place: Operand | Expr,
        node: ast.expr,
        scope: Scope,
        access: Callable[[Operand], None],
    ) -> None:
        """Do *access* at *place*; if it is a pointer, at the word whose address that holds."""
        if isinstance(place, Operand):
            access(place)
            return
        end = Label()
        for name, address in self.addresses.candidates().items():
            other = Label()
            self.out.jump_unless(Op("==", (place, Const(address))), other, source_of(node, scope))
            word = scope.names[f"&{name}"]
            assert isinstance(word, Shared)
            access(word)
            self.out.jump(end, source_of(node, scope))
            self.out.here(other)
        text = f"{source_of(node, scope)}: this pointer holds the address of a word"
        self.emit(Check(Const(0), text), node, scope)
        self.emit(GiveUp(), node, scope)
        self.out.here(end)

    def branch(self, node: ast.If, scope: Scope) -> None:
        """Write out ``if``; one that only jumps is a single jump."""
        match node:
            case ast.If(
                test=test,
                body=[ast.Expr(value=ast.Call(func=ast.Name(id="goto")) as goto)],
                orelse=[],
            ):
                label = self.place_of(goto)
                if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
                    self.unless(test.operand, label, scope)
                else:
                    self.unless(self.negated(test), label, scope)
                return
        otherwise, end = Label(), Label()
        self.unless(node.test, otherwise, scope)
        self.block(node.body, scope)
        if node.orelse:
            self.out.jump(end, source_of(node, scope))
        self.out.here(otherwise)
        self.block(node.orelse, scope)
        self.out.here(end)

    def negated(self, node: ast.expr) -> ast.expr:
        """Return ``!node``."""
        return ast.copy_location(ast.UnaryOp(ast.Not(), node), node)

    def unless(self, test: ast.expr, label: Label, scope: Scope) -> None:
        """Jump to *label* unless *test* holds; one that takes no step is a single jump."""
        if self.is_local(test, scope):
            self.out.jump_unless(self.expr(test, scope), label, source_of(test, scope))
        else:
            super().unless(test, label, scope)

    def is_local(self, node: ast.expr, scope: Scope) -> bool:
        """Tell whether *node* can be computed without a step."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                return False
            if isinstance(part, ast.Name):
                operand = named(part.id, scope.names)
                if isinstance(operand, Operand) and not operand.shared.ghost:
                    return False
        return True

    def logic(self, operator: str, left: ast.expr, right: ast.expr, scope: Scope) -> Expr:
        """Return ``&&`` or ``||``; what need not be looked at takes no step."""
        if self.is_local(right, scope):
            return super().logic(operator, left, right, scope)
        result, end = Reg(self.temporary()), Label()
        first = self.expr(left, scope)
        self.emit(Assign(result.name, Op("!=", (first, Const(0)))), left, scope)
        again = result if operator == "and" else Op("not", (result,))
        self.out.jump_unless(again, end, source_of(left, scope))
        second = self.expr(right, scope)
        self.emit(Assign(result.name, Op("!=", (second, Const(0)))), right, scope)
        self.out.here(end)
        return result

    def call(self, node: ast.Call, scope: Scope) -> Expr:
        """Return the value of a call, or of what `c_ast` writes as one."""
        match node:
            case ast.Call(func=ast.Name(id="*")):
                register = self.temporary()
                self.load(self.target(node, scope), register, node, scope)
                return Reg(register)
            case ast.Call(func=ast.Name(id="?"), args=[test, yes, no]):
                return self.chosen(test, yes, no, scope)
            case ast.Call(func=ast.Name(id="="), args=[target, value]):
                register = self.temporary()
                self.into(register, value, scope)
                read = ast.copy_location(ast.Name(register), value)
                inner = scope_with(scope, register)
                self.assign(target, read, node, inner)  # type: ignore[arg-type]
                return Reg(register)
        return super().call(node, scope)

    def chosen(self, test: ast.expr, yes: ast.expr, no: ast.expr, scope: Scope) -> Expr:
        """Return the value of ``test ? yes : no``."""
        register, other, end = self.temporary(), Label(), Label()
        self.unless(test, other, scope)
        self.into(register, yes, scope)
        self.out.jump(end, source_of(test, scope))
        self.out.here(other)
        self.into(register, no, scope)
        self.out.here(end)
        return Reg(register)

    def do(self, node: ast.Call, register: str | None, scope: Scope) -> None:
        """Write out a call of a function of the kernel, its value to *register*."""
        assert isinstance(node.func, ast.Name)
        match node.func.id, node.args:
            case "goto", _:
                self.out.jump(self.place_of(node), source_of(node, scope))
            case "label", [ast.Constant(value=str(name))]:
                if self.places.setdefault(name, Label()).at >= 0:
                    raise ProgramError(source_of(node, scope), f"a second label {name}")
                self.out.here(self.places[name])
            case name, args:
                self.kernel(Asked(self, name, args, register, node, scope))

    def kernel(self, call: Asked) -> None:
        """Write out a call of a function of the kernel."""
        entry = function(call.name)
        if entry is None:
            raise call.not_modelled(f"a call of {call.name}()")
        write, counts = entry
        if len(call.args) not in counts:
            expected = " or ".join(map(str, counts))
            text = f"{call.name}() takes {expected} arguments, found {len(call.args)}"
            raise ProgramError(source_of(call.node, call.scope), text)
        write(call)

    def place_of(self, goto: ast.Call) -> Label:
        """Return where a jump leads."""
        match goto.args:
            case [ast.Constant(value=str(name))]:
                self.gotos.setdefault(name, goto)
                return self.places.setdefault(name, Label())
        raise AssertionError(goto)


def scope_with(scope: Scope, register: str) -> Scope:
    """Return *scope* with one more register."""
    return Scope(scope.names, scope.registers | {register}, scope.file, scope.labels, scope.prefix)
