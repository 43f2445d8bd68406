import itertools

import pytest

from mmuspec.x86.controls import (
    CR0_PE,
    CR0_PG,
    CR0_WP,
    CR4_PAE,
    CR4_SMAP,
    CR4_SMEP,
    EFLAGS_AC,
    Controls,
)
from mmuspec.x86.permission import permitted
from mmuspec.x86.pferr import Pferr

R, W, F, U = Pferr(0), Pferr.W, Pferr.F, Pferr.U


def controls(wp: bool = True, smep: bool = False, smap: bool = False, ac: bool = False) -> Controls:
    return Controls(
        cr0=CR0_PG | CR0_PE | (CR0_WP if wp else 0),
        cr4=CR4_PAE | (CR4_SMEP if smep else 0) | (CR4_SMAP if smap else 0),
        eflags=EFLAGS_AC if ac else 0,
    )


@pytest.mark.parametrize(
    ("access", "rw", "us", "xd", "allowed"),
    [
        (R, False, False, True, True),
        (U, False, False, False, False),
        (U, False, True, True, True),
        (W, False, False, False, False),
        (W, True, False, False, True),
        (W | U, False, True, False, False),
        (W | U, True, True, False, True),
        (W | U, True, False, False, False),
        (F, False, False, True, False),
        (F, False, True, False, True),
        (F | U, False, True, False, True),
        (F | U, False, True, True, False),
    ],
)
def test_rights(access: Pferr, rw: bool, us: bool, xd: bool, allowed: bool) -> None:
    assert permitted(controls(), access, rw, us, xd) is allowed


def test_wp_clear_frees_the_supervisor_only() -> None:
    assert permitted(controls(wp=False), W, False, True, False)
    assert permitted(controls(wp=False), W, False, False, False)
    assert not permitted(controls(wp=False), W | U, False, True, False)


def test_smep_forbids_supervisor_fetches_from_user_addresses_only() -> None:
    assert not permitted(controls(smep=True), F, True, True, False)
    assert permitted(controls(smep=True), F, True, False, False)
    assert permitted(controls(smep=True), F | U, True, True, False)
    assert permitted(controls(smep=True), W, True, True, False)


@pytest.mark.parametrize("access", [R, W])
def test_smap_forbids_supervisor_data_unless_ac(access: Pferr) -> None:
    assert not permitted(controls(smap=True), access, True, True, False)
    assert permitted(controls(smap=True, ac=True), access, True, True, False)
    assert permitted(controls(smap=True), access, True, False, False)
    assert permitted(controls(smap=True), access | U, True, True, False)


def test_smap_leaves_fetches_alone() -> None:
    assert permitted(controls(smap=True), F, True, True, False)


def test_smap_holds_with_wp_clear() -> None:
    assert not permitted(controls(wp=False, smap=True), W, True, True, False)


def test_more_rights_never_allow_less() -> None:
    """R/W, and the absence of XD, only ever add; U/S may take from the supervisor."""
    kinds = [R, W, F, U, W | U, F | U]
    for flags in itertools.product([False, True], repeat=4):
        for access, us, xd in itertools.product(kinds, [False, True], [False, True]):
            c = controls(*flags)
            assert permitted(c, access, True, us, xd) >= permitted(c, access, False, us, xd)
            assert permitted(c, access, us, us, False) >= permitted(c, access, us, us, True)
