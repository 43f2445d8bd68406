"""Which accesses the accumulated rights of a translation allow.

Source: SDM volume 3A, "Determination of Access Rights".

Not modelled: *implicit* supervisor accesses (to descriptor tables, task-state
segments, shadow stacks), which EFLAGS.AC never exempts from SMAP; protection keys.
"""

from typing import Final

from .controls import Controls
from .pferr import Pferr

WRITE: Final = int(Pferr.W)
USER: Final = int(Pferr.U)
FETCH: Final = int(Pferr.F)


def permitted(controls: Controls, access: int, rw: bool, us: bool, xd: bool) -> bool:
    """Return whether *access* is allowed by the rights of a translation.

    :param access: bits W, U and F of an error code; none of them = supervisor read
    :param rw: R/W is set in every entry used
    :param us: U/S is set in every entry used: a user-mode address
    :param xd: XD is set in some entry used (only possible if EFER.NXE is set)
    """
    if access & USER:
        return us and user_permitted(access, rw, xd)
    if access & FETCH:
        return not xd and not (us and controls.smep)
    if us and controls.smap and not controls.ac:
        return False
    return not access & WRITE or rw or not controls.wp


def user_permitted(access: int, rw: bool, xd: bool) -> bool:
    """Return whether a user-mode *access* to a user-mode address is allowed."""
    if access & FETCH:
        return not xd
    return rw or not access & WRITE
