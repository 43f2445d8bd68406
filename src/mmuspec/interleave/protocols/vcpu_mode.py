"""How a CPU makes another vCPU leave the guest (kvm_main.c, x86.c; v3.11).

What a vCPU's TLB holds is a ghost here: hardware keeps it, and it goes with the request.
"""

from typing import Any

from mmuspec.interleave.notation import READ_ONCE, WRITE_ONCE, cmpxchg, fetch_or, inline, wait_until
from mmuspec.kvm.state.requests import VcpuMode

OUTSIDE = VcpuMode.OUTSIDE_GUEST_MODE
IN_GUEST = VcpuMode.IN_GUEST_MODE
EXITING = VcpuMode.EXITING_GUEST_MODE
READING = VcpuMode.READING_SHADOW_PAGE_TABLES


@inline
def make_request(vcpu: Any) -> None:
    """Post a request, and wait until the vCPU is seen outside guest mode."""
    fetch_or(vcpu.requests, 1)  # K1: set_bit() is a locked operation
    seen = cmpxchg(vcpu.mode, IN_GUEST, EXITING)  # K2
    if seen != OUTSIDE:  # K2a
        wait_until(vcpu.mode == OUTSIDE)  # K3: the interrupt is answered


@inline
def leave_guest(vcpu: Any) -> None:
    """Leave guest mode, as after every exit."""
    WRITE_ONCE(vcpu.mode, OUTSIDE)


@inline
def requested(vcpu: Any) -> Any:
    """Look for requests, once the vCPU shows itself as in guest mode."""
    return READ_ONCE(vcpu.requests)
