"""The exceptions that a linear-address translation can end in."""

from .pferr import Pferr


class PageFault(Exception):
    """A page fault (#PF).  Source: SDM volume 3A, "Page-Fault Exceptions".

    :param error_code: what the processor pushes
    :param cr2: the linear address that faulted
    """

    def __init__(self, error_code: Pferr, cr2: int) -> None:
        super().__init__(f"page fault at {cr2:#x}, error code {int(error_code):#x}")
        self.error_code = error_code
        self.cr2 = cr2


class GeneralProtection(Exception):
    """A general-protection exception (#GP), always with error code 0 here.

    :param reason: what was wrong, in words
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"general protection: {reason}")
        self.reason = reason


class LinearAddressError(ValueError):
    """The caller passed a linear address that no instruction of the mode can produce."""
