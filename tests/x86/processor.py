"""QEMU's processor core (through unicorn) as a witness: what really happens on one access.

One instruction reads, writes or fetches at a linear address, under the control
registers and tables of a probe.  Things to know about unicorn 2:

* no fault is delivered through an IDT and there is no register for the error
  code: it lies in the saved context, at an offset that is found once;
* a context must be restored before each probe, or a pending fault becomes #DF;
* on stopping it looks up ``until - 1``, which may fault and overwrite CR2: so
  ``until`` lies in the code page and a count of instructions ends the probe.
"""

import ctypes
import struct
from typing import Any, NamedTuple

import unicorn
from unicorn import x86_const as reg

from mmuspec.x86.controls import EFER_LMA, Controls
from mmuspec.x86.entry import RW, US, P
from mmuspec.x86.mode import LEGACY32, LONG4, NO_PAGING, PagingMode
from mmuspec.x86.pferr import Pferr

from .probes import CODE, CODE_FRAME, DATA_FRAMES, HIGH_TABLE_FRAMES, TABLES, Probe

READ_AT, WRITE_AT, FETCH_AT, SYSRET_AT, SYSEXIT_AT, END_AT = 0x00, 0x10, 0x20, 0x30, 0x40, 0x80
INSTRUCTIONS = {
    READ_AT: b"\x8b\x03",  # mov eax, [bx]
    WRITE_AT: b"\x88\x03\x8b\x03",  # mov [bx], al; mov eax, [bx]
    FETCH_AT: b"\xff\xe3",  # jmp bx
    SYSRET_AT: b"\x48\x0f\x07",
    SYSEXIT_AT: b"\x0f\x35",
}
WRITTEN = 0x5A
LOW_MEMORY = 16 << 20
IA32_SYSENTER_CS, IA32_EFER, IA32_STAR = 0x174, 0xC0000080, 0xC0000081


class Seen(NamedTuple):
    """What one access did.

    :param exception: "" | "#PF" | "#GP" | what unicorn reported instead
    :param physical: page frame address that was reached
    :param entries: the probe's entries afterwards
    """

    exception: str
    error_code: int
    cr2: int
    physical: int
    entries: tuple[int, ...]


def frame_pattern(tag: int) -> bytes:
    """Return a page that a read and a fetch both tell by *tag*, at every 16th byte.

    It holds ``mov eax, tag`` and a jump to itself: without the jump, the processor
    would translate on, and fault on the page that follows.
    """
    return (b"\xb8" + struct.pack("<I", tag) + b"\xeb\xfe" + b"\x90" * 9) * 256


class Core:
    """One unicorn instance; 64-bit or 32-bit."""

    def __init__(self, wide: bool) -> None:
        self.wide = wide
        self.uc = unicorn.Uc(
            unicorn.UC_ARCH_X86, unicorn.UC_MODE_64 if wide else unicorn.UC_MODE_32
        )
        self.uc.ctl_set_cpu_model(reg.UC_CPU_X86_ICELAKE_SERVER)
        self.uc.ctl_set_tlb_mode(unicorn.UC_TLB_CPU)
        self.interrupts: list[int] = []
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self.interrupted)
        self.blank = self.uc.context_save()
        self.fill_memory()
        names = ("RAX", "RBX", "RCX", "RDX") if wide else ("EAX", "EBX", "ECX", "EDX")
        self.ax, self.bx, self.cx, self.dx = (getattr(reg, f"UC_X86_REG_{n}") for n in names)
        self.error_offset = -1
        self.calibrate()

    def interrupted(self, uc: Any, vector: int, _: Any) -> None:
        self.interrupts.append(vector)
        uc.emu_stop()

    def fill_memory(self) -> None:
        self.uc.mem_map(0, LOW_MEMORY)
        for frame in (*DATA_FRAMES, *HIGH_TABLE_FRAMES):
            if frame >= LOW_MEMORY:
                self.uc.mem_map(frame, 0x1000)
        for tag, frame in enumerate(DATA_FRAMES):
            self.uc.mem_write(frame, frame_pattern(tag))
        for page in (CODE_FRAME, CODE_FRAME + 0x1000):
            for offset, code in INSTRUCTIONS.items():
                self.uc.mem_write(page + offset, code)
        for mode, tables in TABLES.items():
            self.map_code(mode, tables)

    def map_code(self, mode: PagingMode, tables: tuple[int, ...]) -> None:
        size = mode.entry_size
        for level, table, following in zip(
            range(len(tables), 1, -1), tables, tables[1:], strict=False
        ):
            self.put(table + size * mode.index(CODE, level), following | P | RW | US, size)
        last = tables[-1] + size * mode.index(CODE, 1)
        self.put(last, CODE_FRAME | P | RW, size)
        self.put(last + size, CODE_FRAME + 0x1000 | P | RW | US, size)

    def put(self, address: int, value: int, size: int) -> None:
        self.uc.mem_write(address, value.to_bytes(size, "little"))

    def get(self, address: int, size: int) -> int:
        return int.from_bytes(self.uc.mem_read(address, size), "little")

    def set_controls(self, controls: Controls) -> None:
        self.uc.context_restore(self.blank)
        self.uc.msr_write(IA32_STAR, 0x0013_0008 << 32)
        self.uc.reg_write(reg.UC_X86_REG_CR4, controls.cr4)
        self.uc.reg_write(reg.UC_X86_REG_CR3, controls.cr3)
        self.uc.msr_write(IA32_EFER, controls.efer | 1)
        self.uc.reg_write(reg.UC_X86_REG_CR0, controls.cr0 | 0x10)
        self.uc.msr_write(IA32_SYSENTER_CS, 8)
        self.uc.reg_write(reg.UC_X86_REG_EFLAGS, controls.eflags | 2)
        self.uc.ctl(unicorn.UC_CTL_TLB_FLUSH, unicorn.UC_CTL_IO_WRITE)

    def start(self, probe: Probe) -> str:
        """Execute the access and return the exception; "" if there is none."""
        code = CODE_FRAME if probe.mode is NO_PAGING else CODE
        fetch, write, user = (bool(probe.access & bit) for bit in (Pferr.F, Pferr.W, Pferr.U))
        at = FETCH_AT if fetch else WRITE_AT if write else READ_AT
        begin, end = code + at, code + END_AT
        if user:
            self.uc.reg_write(self.cx if self.wide else self.dx, begin + 0x1000)
            self.uc.reg_write(
                reg.UC_X86_REG_R11 if self.wide else self.cx, probe.controls.eflags | 2
            )
            begin, end = code + (SYSRET_AT if self.wide else SYSEXIT_AT), end + 0x1000
        self.uc.reg_write(self.bx, probe.linear)
        self.uc.reg_write(self.ax, WRITTEN)
        self.interrupts.clear()
        try:
            self.uc.emu_start(begin, end, count=1 + (fetch or write) + user)
        except unicorn.UcError as error:
            return str(error)
        if not self.interrupts:
            return ""
        return {13: "#GP", 14: "#PF"}.get(self.interrupts[0], f"vector {self.interrupts[0]}")

    def run(self, probe: Probe) -> Seen:
        """Put the probe's tables into memory, execute it, and look at what it did."""
        self.set_controls(probe.controls)
        words = probe.words if probe.mode is NO_PAGING else (*probe.words, probe.code_entry())
        for word in words:
            self.put(*word)
        exception = self.start(probe)
        reached = self.reached(probe) if not exception else 0
        entries = tuple(self.get(address, size) for address, _, size in probe.words)
        for address, _, size in words:
            self.put(address, 0, size)
        if exception != "#PF":
            return Seen(exception, 0, 0, reached, entries)
        cr2 = self.uc.reg_read(reg.UC_X86_REG_CR2)
        return Seen(exception, self.error_code(), cr2, 0, entries)

    def reached(self, probe: Probe) -> int:
        """Return the page frame that the access reached, by the tag that it read."""
        value = self.uc.reg_read(self.ax) & 0xFFFF_FFFF
        tag = value if probe.access & Pferr.F else value >> 8
        frame = DATA_FRAMES[tag]
        if probe.access & Pferr.W:
            where = frame | probe.linear & 0xFFF
            if self.get(where, 1) != WRITTEN:
                raise AssertionError(f"the write did not reach frame {frame:#x}, the read did")
            self.put(where, 0xB8, 1)
        return frame

    def context(self) -> bytes:
        saved = self.uc.context_save()
        return ctypes.string_at(saved.context, saved.size)

    def error_code(self) -> int:
        code: int = struct.unpack_from("<I", self.context(), self.error_offset)[0]
        return code

    def calibrate(self) -> None:
        """Find where the context holds the error code, from faults whose codes are sure."""
        offsets: set[int] = set()
        for number, (probe, code) in enumerate(sure_faults(self.wide)):
            self.error_offset = 0
            seen = self.run(probe)
            if seen.exception != "#PF":
                raise AssertionError(f"calibration: {probe} gave {seen}")
            blob = self.context()
            words = struct.unpack_from(f"<{len(blob) // 4}I", blob)
            here = {4 * index for index, word in enumerate(words) if word == code}
            offsets = here if number == 0 else offsets & here
        if len(offsets) != 1:
            raise AssertionError(f"the error code may be at any of {sorted(offsets)}")
        self.error_offset = offsets.pop()


def sure_faults(wide: bool) -> list[tuple[Probe, int]]:
    """Return probes of which every processor agrees on the error code."""
    efer = Controls().efer if wide else 0
    controls = Controls(cr3=0x100000, cr4=0x20 if wide else 0x10, efer=efer)
    mode = LONG4 if wide else LEGACY32
    root = 0x100000 + mode.entry_size * mode.index(0x1000, mode.levels)
    supervisor = ((root, 0x101000 | P | RW, mode.entry_size),)
    sure = [
        (Probe(controls, 0x1000, Pferr(access), (), "calibration"), access)
        for access in (0, 2, 4, 6)
    ]
    if not wide:
        table = (0x101000 + 4, 0x400000 | P, 4)
        for access in (Pferr.W, Pferr.U, Pferr.U | Pferr.W):
            probe = Probe(controls, 0x1000, access, (*supervisor, table), "calibration")
            sure.append((probe, int(access | Pferr.P)))
    return sure


class Processor:
    """Both widths of the processor core."""

    def __init__(self) -> None:
        self.cores = {wide: Core(wide) for wide in (False, True)}

    def run(self, probe: Probe) -> Seen:
        """Execute *probe* on the core of its width."""
        return self.cores[bool(probe.controls.efer & EFER_LMA)].run(probe)
