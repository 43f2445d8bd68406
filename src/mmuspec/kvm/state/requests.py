"""What one CPU may ask of a vCPU (``KVM_REQ_*``), and the vCPU's mode."""

from enum import Enum, IntEnum


class Request(Enum):
    """Requests served before the next guest entry."""

    TLB_FLUSH = 0
    MMU_RELOAD = 3
    TRIPLE_FAULT = 4
    MMU_SYNC = 7
    TLB_FLUSH_GUEST = 35


class VcpuMode(IntEnum):
    """``vcpu->mode``: where the vCPU is, as other CPUs see it."""

    OUTSIDE_GUEST_MODE = 0
    IN_GUEST_MODE = 1
    EXITING_GUEST_MODE = 2
    READING_SHADOW_PAGE_TABLES = 3
