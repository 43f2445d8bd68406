"""Machine code for the kernel: compiled once, kept on disk, loaded without numba.

numba writes the kernel in LLVM's language; LLVM makes an object file for this very
processor. A later process needs only LLVM's loader, which is there in a tenth of the
time that numba takes to begin.
"""

import ctypes
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite  # type: ignore[import-untyped]
import llvmlite.binding as llvm  # type: ignore[import-untyped]

Kernel = Callable[[int, int], int]
"""Takes a task and the address of the record of a search, as in `mmuspec.fast.explorer.context`."""

SLOW_GATHER = ("znver1", "znver2")
"""Processors that gather bits (PEXT), but in microcode."""

ENTRY = "explorer"

DIGEST = 32
"""A file begins with so many bytes that tell whether the rest is whole."""

HERE = Path(__file__).parent


@cache
def kernel(wide: bool) -> Kernel:
    """Return the kernel for states of one or (*wide*) two numbers."""
    name = key(wide)
    code = read(name)
    if code is None:
        code = compiled(wide)
        write(name, code)
    return load(code)


@cache
def target() -> tuple[str, str]:
    """Return the name of this processor, and what it has."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def gathers() -> bool:
    """Tell whether this processor gathers bits fast."""
    name, features = target()
    return "+bmi2" in features.split(",") and name not in SLOW_GATHER


def key(wide: bool) -> str:
    """Return a name for the machine code; it changes with all that the code depends on."""
    sources = [HERE / "context.py", HERE / "machine_code.py", *sorted(HERE.glob("kernel/*.py"))]
    parts = [path.read_text("utf-8") for path in sources]
    parts += [*target(), llvmlite.__version__, sys.platform]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"explorer-{'wide' if wide else 'narrow'}-{digest[:16]}.bin"


def folders() -> list[Path]:
    """Return where machine code may be kept, the best place first."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return [HERE / "__pycache__", Path(base) / "mmuspec"]


def read(name: str) -> bytes | None:
    """Return the machine code that an earlier process left, if there is any, and it is whole."""
    for folder in folders():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        digest, code = content[:DIGEST], content[DIGEST:]
        if hashlib.sha256(code).digest() == digest:
            return code
    return None


def write(name: str, code: bytes) -> None:
    """Leave *code* for later processes, if a place for it can be written."""
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(file.name, folder / name)
            return
        except OSError:
            continue


def compiled(wide: bool) -> bytes:
    """Compile the kernel into an object file for this processor."""
    from numba import cfunc, types

    from mmuspec.fast.explorer.kernel.build import build

    signature = types.int64(types.int64, types.int64)
    explorer = build(wide, gathers())  # type: ignore[no-untyped-call]
    written = cfunc(signature, error_model="numpy")(explorer)
    module = llvm.parse_assembly(written.inspect_llvm())
    strip(module, written.native_name.removeprefix("cfunc."))
    code: bytes = machine().emit_object(module)
    return code


def strip(module: Any, entry: str) -> None:
    """Leave only the function *entry* in *module*, and what it needs: nothing of Python."""
    for function in module.functions:
        if function.name == entry:
            function.name = ENTRY
        elif not function.is_declaration:
            function.linkage = llvm.Linkage.internal
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    builder = llvm.create_pass_builder(machine(), llvm.create_pipeline_tuning_options())
    passes.run(module, builder)


def machine() -> Any:
    """Return LLVM's description of this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = target()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, reloc="pic", codemodel="jitdefault", jit=True
    )


def load(code: bytes) -> Kernel:
    """Bring *code* into this process; it stays until the process ends."""
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    number = ctypes.c_int64
    # numba's functions give an error code; what they return goes through a pointer.
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int32, ctypes.POINTER(number), ctypes.POINTER(ctypes.c_void_p), number, number
    )
    function = kind(engine.get_function_address(ENTRY))

    def call(task: int, search: int) -> int:
        result, error = number(), ctypes.c_void_p()
        function(ctypes.byref(result), ctypes.byref(error), task, search)
        return result.value

    call.engine = engine  # type: ignore[attr-defined]  # the code lives as long as its engine
    return call
