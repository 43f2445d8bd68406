"""Ways to break the walk that the comparison with the processor must notice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mmuspec.x86 import layout, permission, reserved, walk
from mmuspec.x86.entry import PS, RW, US, XD, A, D, bits
from mmuspec.x86.mode import LEGACY32, LONG4, PAE
from mmuspec.x86.pferr import Pferr

Breakage = Callable[[pytest.MonkeyPatch], None]
BREAKAGES: dict[str, Breakage] = {}
"""Every breakage, by what it does wrong."""


def breakage(name: str) -> Callable[[Breakage], Breakage]:
    def register(function: Breakage) -> Breakage:
        BREAKAGES[name] = function
        return function

    return register


def not_reserved(name: str, where: Callable[[Any, int, bool], bool], forgotten: int) -> None:
    """Register the breakage that *forgotten* bits are not reserved *where* (mode, level, large)."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = reserved.reserved_bits

        def broken(controls: Any, mode: Any, level: int, large: bool) -> int:
            mask = real(controls, mode, level, large)
            return mask & ~forgotten if where(mode, level, large) else mask

        patch.setattr(layout, "reserved_bits", broken)
        patch.setattr(walk, "reserved_bits", broken)

    BREAKAGES[name] = plant


def wrong_permission(name: str, answer: Callable[..., bool]) -> None:
    """Register the breakage that ``permitted`` is *answer(real, controls, access, rw, us, xd)*."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        def broken(*arguments: Any) -> bool:
            return answer(permission.permitted, *arguments)

        patch.setattr(walk, "permitted", broken)

    BREAKAGES[name] = plant


def wrong_rights(name: str, answer: Callable[..., tuple[bool, bool, bool]]) -> None:
    """Register the breakage that the rights of the entries *used* add up to *answer*."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = walk.rights
        patch.setattr(walk, "rights", lambda used: answer(real, [entry for _, entry in used]))

    BREAKAGES[name] = plant


not_reserved("PAE PDPTE reserved bits ignored", lambda m, n, _: m is PAE and n == 3, -1)
not_reserved(
    "2-MByte page reserved bits ignored",
    lambda m, n, large: large and n == 2 and m is not LEGACY32,
    bits(13, 20),
)
not_reserved(
    "1-GByte page reserved bits ignored", lambda _, n, large: large and n == 3, bits(13, 29)
)
not_reserved("bit 21 of a 4-MByte page ignored", lambda m, *_: m is LEGACY32, 1 << 21)
not_reserved("bits from MAXPHYADDR to 51 ignored", lambda m, *_: m is LONG4, bits(40, 51))
not_reserved("PAE bits 52 to 62 ignored", lambda m, n, _: m is PAE and n < 3, bits(52, 62))
not_reserved("XD without NXE not reserved", lambda m, n, _: n < 3 or m is LONG4, XD)
not_reserved("PS in a PML4E not reserved", lambda _, n, __: n == 4, PS)

wrong_permission(
    "user write to a read-only page with WP=0",
    lambda real, c, a, rw, us, xd: real(c, a, rw or not c.wp, us, xd),
)
wrong_permission(
    "WP=0 does not help the supervisor",
    lambda real, c, a, rw, us, xd: real(replace(c, cr0=c.cr0 | 1 << 16), a, rw, us, xd),
)
wrong_permission(
    "SMEP forbids user fetches",
    lambda real, c, a, rw, us, xd: real(c, a, rw, us, xd) and not (c.smep and us and a & Pferr.F),
)
wrong_permission(
    "SMEP ignored", lambda real, c, a, *r: real(replace(c, cr4=c.cr4 & ~(1 << 20)), a, *r)
)
wrong_permission("SMAP ignores AC", lambda real, c, a, *r: real(replace(c, eflags=0), a, *r))
wrong_permission(
    "SMAP ignored", lambda real, c, a, *r: real(replace(c, cr4=c.cr4 & ~(1 << 21)), a, *r)
)
wrong_permission(
    "SMAP forbids fetches",
    lambda real, c, a, rw, us, xd: (
        real(c, a, rw, us, xd) and not (c.smap and us and not c.ac and not a & Pferr.U)
    ),
)
wrong_permission(
    "supervisor may fetch despite XD",
    lambda real, c, a, rw, us, xd: real(c, a, rw, us, xd and bool(a & Pferr.U)),
)


def any_of(entries: list[int], bit: int) -> bool:
    return any(entry & bit for entry in entries)


wrong_rights("R/W of any entry is enough", lambda r, e: (any_of(e, RW), *rest(r, e)[1:]))
wrong_rights(
    "U/S of the last entry decides",
    lambda r, e: (*rest(r, e)[:1], bool(e[-1] & US), *rest(r, e)[2:]),
)
wrong_rights("XD of the last entry decides", lambda r, e: (*rest(r, e)[:2], bool(e[-1] & XD)))


def rest(
    real: Callable[..., tuple[bool, bool, bool]], entries: list[int]
) -> tuple[bool, bool, bool]:
    return real([(0, entry) for entry in entries])


@breakage("D is never set")
def no_dirty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(walk, "D", 0)


@breakage("D is set by reads too")
def dirty_on_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(walk, "A", A | D)


@breakage("A is set in the last entry only")
def no_accessed_above(patch: pytest.MonkeyPatch) -> None:
    real = walk.set_accessed_dirty
    patch.setattr(walk, "set_accessed_dirty", lambda m, r, used, a: real(m, r, used[-1:], a))


@breakage("PSE-36 address bits ignored")
def no_pse36(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layout, "pse36_bits", lambda _: 0)


@breakage("4-MByte page without PSE")
def always_pse(patch: pytest.MonkeyPatch) -> None:
    real = layout.level_of

    def broken(controls: Any, mode: Any, number: int) -> layout.Level:
        return real(replace(controls, cr4=controls.cr4 | 1 << 4), mode, number)

    patch.setattr(layout, "level_of", broken)


@breakage("no 4-MByte pages at all")
def never_pse(patch: pytest.MonkeyPatch) -> None:
    real = layout.level_of

    def broken(controls: Any, mode: Any, number: int) -> layout.Level:
        return real(replace(controls, cr4=controls.cr4 & ~(1 << 4)), mode, number)

    patch.setattr(layout, "level_of", broken)


@breakage("F is always reported")
def always_fetch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layout, "reported_bits", lambda _: 0b10110)


@breakage("F is reported with NXE though PAE is off")
def fetch_by_nxe(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(layout, "reported_bits", lambda c: 0b10110 if c.nxe or c.smep else 0b110)


@breakage("a reserved bit is reported without P")
def rsvd_without_p(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(walk, "RESERVED", int(Pferr.RSVD))


@breakage("an address that is not canonical translates")
def no_canonical(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(walk, "check_linear", lambda *_: None)
