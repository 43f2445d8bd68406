# mypy: ignore-errors
"""What the kernel is written in: 64-bit numbers at addresses, and a few instructions."""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

GOLDEN = -0x61C8864680B583EB  # 2**64 divided by the golden ratio
OTHER = -0x3D4D51C2D82B14B1  # any odd number without a pattern
TOP = -(1 << 63)


def small(function):
    """Compile a function that others call."""
    return njit(error_model="numpy", inline="never")(function)


def inlined(function):
    """Compile a function into those that call it."""
    return njit(error_model="numpy", inline="always")(function)


def _operation(result, arguments, emit):
    """Return an intrinsic that *emit* writes in LLVM's language."""
    signature = result(*arguments)

    def codegen(context, builder, _, values):
        found = emit(builder, *values)
        return context.get_dummy_value() if found is None else found

    return signature, codegen


def _address(builder, base, index):
    return builder.gep(builder.inttoptr(base, ir.IntType(64).as_pointer()), [index])


def _call(builder, name, *values):
    word = ir.IntType(64)
    kind = ir.FunctionType(word, [value.type for value in values])
    return builder.call(builder.module.declare_intrinsic(name, (), kind), values)


@intrinsic
def peek(_, base, index):
    """Return the number at *index* from the address *base*."""
    return _operation(
        types.int64,
        (types.int64, types.int64),
        lambda b, base, index: b.load(_address(b, base, index)),
    )


@intrinsic
def poke(_, base, index, value):
    """Write *value* at *index* from the address *base*."""

    def emit(b, base, index, value):
        b.store(value, _address(b, base, index))

    return _operation(types.void, (types.int64,) * 3, emit)


@intrinsic
def prefetch(_, base, index):
    """Tell the processor that this number will be wanted soon."""

    def emit(b, base, index):
        flag, pointer = ir.IntType(32), ir.IntType(64).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, flag, flag, flag])
        target = b.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        b.call(target, [_address(b, base, index), flag(0), flag(3), flag(1)])

    return _operation(types.void, (types.int64,) * 2, emit)


@intrinsic
def shr(_, value, count):
    """Shift right, zeros in."""
    return _operation(types.int64, (types.int64,) * 2, lambda b, v, n: b.lshr(v, n))


@intrinsic
def pext(_, value, mask):
    """Gather the bits of *mask*."""
    return _operation(
        types.int64,
        (types.int64,) * 2,
        lambda b, v, m: _call(b, "llvm.x86.bmi.pext.64", v, m),
    )
