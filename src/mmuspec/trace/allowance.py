"""The differences between two witnesses that are no disagreement, by name."""

from enum import Enum


class Allowance(Enum):
    """Why a difference is allowed.  Every use is counted and shown in the summary."""

    SPTE_ADDRESS = "address of an spte, chosen by the kernel, matched one to one"
    FRAME = "host frame, chosen by the kernel, matched one to one"
    REUSED = "chosen address matched anew, after pages or memory were freed"
    NOT_PRINTED = "field that one of the two kernel versions does not print"
    NO_TRACE_POINT = "trace point that one of the two kernel versions does not have"
