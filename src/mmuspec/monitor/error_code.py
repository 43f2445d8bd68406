"""The bits of an error code as plain numbers: a test runs for every line.

``Pferr`` itself makes an object of each result, which takes five times as long.
"""

from typing import Final

from ..x86.pferr import Pferr

P: Final = int(Pferr.P)
W: Final = int(Pferr.W)
U: Final = int(Pferr.U)
RSVD: Final = int(Pferr.RSVD)
F: Final = int(Pferr.F)
NAMED: Final = P | W | U | RSVD | F
"""The bits that have letters."""
