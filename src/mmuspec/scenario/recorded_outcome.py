"""What a recording says that an operation led to."""

from .node import Node
from .operation import GuestOperation, MemslotFlagToggles, Operation
from .outcome import Fault, MmioAccess, Outcome

ERRNO_MAX = 4095


def read_outcome(node: Node, cls: type[Operation]) -> Outcome:
    """Return the outcome recorded with an operation of class *cls*.

    :raises ScenarioError: a part of it is malformed, or the result of a host operation is missing
    """
    value, fault, mmio, dirty, reason = map(
        node.get, ("value", "fault", "mmio", "dirty", "exit_reason")
    )
    return Outcome(
        value=value.hex() if value else None,
        fault=_fault(fault) if fault else None,
        mmio=tuple(map(_mmio, mmio.items())) if mmio else (),
        rc=_result(node, cls),
        dirty=tuple(page.number() for page in dirty.items()) if dirty else None,
        exit_reason=reason.number() if reason else None,
    )


def _result(node: Node, cls: type[Operation]) -> int | None:
    """Return ``rc``; only guest operations and flag toggling have none."""
    if issubclass(cls, GuestOperation | MemslotFlagToggles):
        return None
    return node["rc"].number(-ERRNO_MAX, ERRNO_MAX)


def _fault(node: Node) -> Fault:
    vector = node["vector"].number(0, 255)
    return Fault(vector, node["error_code"].hex(32), node["cr2"].hex())


def _mmio(node: Node) -> MmioAccess:
    return MmioAccess(
        gpa=node["gpa"].hex(52),
        length=node["len"].number(1, 8),
        write=bool(node["write"].number(0, 1)),
        data=node["data"].hex(),
    )
