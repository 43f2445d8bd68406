"""Read a scenario file, and refuse a malformed one in one line that says where."""

import re
from pathlib import Path

from .json_file import parse_json, read_content
from .node import Node
from .operation import PAGE, GuestOperation
from .read_step import named, read_event, read_stats, read_step
from .recording import (
    MODES,
    Config,
    EventBetween,
    FrameRun,
    Frames,
    GuestTable,
    Note,
    Scenario,
)
from .slots import Slots, describe


def read_scenario(path: str | Path) -> Scenario:
    """Return the scenario in the file *path*, JSON or gzipped JSON; ``-`` is standard input.

    :raises ScenarioError: it cannot be read, or is not a scenario
    """
    return parse_scenario(*read_content(path))


def parse_scenario(content: bytes, file: str) -> Scenario:
    """Return the scenario in *content*; *file* names it in errors.

    :raises ScenarioError: it is not a scenario
    """
    top = Node(parse_json(content, file), file)
    length = len(top["ops"].items())
    steps = tuple(read_step(node, n) for n, node in enumerate(top["ops"].items(), 1))
    scenario = Scenario(
        file=file,
        name=top["name"].text(),
        kernel=top["lab"]["kernel"].text(),
        cpu=top["lab"]["cpu"].text(),
        config=_config(top["config"]),
        initial_guest_tables=tuple(map(_guest_table, top["initial_guest_tables"].items())),
        frames=tuple(_frames(node, length) for node in top["frames"].items()),
        notes=tuple(map(_note, top["notes"].items())),
        steps=steps,
        events_between_ops=tuple(map(_between, top["events_between_ops"].items())),
        final_stats=read_stats(top["final_stats"]),
        trace_lost_events=top["trace_lost_events"].truth(),
    )
    _check(top, scenario)
    return scenario


def _check(top: Node, scenario: Scenario) -> None:
    """Check what can only be seen with the memory slots at hand."""
    slots, vcpus = Slots(), _known_vcpus(scenario)
    for node, step in zip(top["ops"].items(), scenario.steps, strict=True):
        node = named(node, step.operation.n)
        if isinstance(step.operation, GuestOperation):
            _check_guest(node, step.operation, vcpus, scenario.config.mode)
        elif not step.outcome.rc:
            slots.check(node, step.operation)
    _check_guest_memory(top, slots)


def _check_guest_memory(top: Node, slots: Slots) -> None:
    """Check that the guest's tables and code lie in memory that there is at some time."""
    pages = [node["gpa"] for node in top["initial_guest_tables"].items()]
    pages += [top["config"][name] for name in ("sys_page_gpa", "user_code_gpa")]
    for node in pages:
        if not any(slot.holds(node.hex(), PAGE) for slot in slots.ever):
            node.refuse(f"an address inside a slot ({describe(slots.ever)})")


def _check_guest(node: Node, operation: GuestOperation, vcpus: range, mode: str) -> None:
    if operation.vcpu not in vcpus:
        node["vcpu"].refuse(f"a vCPU from 0 to {vcpus.stop - 1}")
    if mode != "long4" and operation.a >> 32:
        node["a"].refuse(f"at most 32 bits in mode {mode}")


def _known_vcpus(scenario: Scenario) -> range:
    """Return the vCPUs that the scenario states, or those from 0 on that it uses without a gap."""
    used = {op.vcpu for op in scenario.ops if isinstance(op, GuestOperation)}
    without_gap = next(n for n in range(len(used) + 1) if n not in used)
    return range(scenario.config.vcpus or max(without_gap, 1))


def _config(node: Node) -> Config:
    registers = {name: node[name].hex() for name in ("cr0", "cr3", "cr4", "efer")}
    places = ("sys_gva", "sys_page_gpa", "user_code_gpa", "pool_gpa")
    pages = {name: node[name].aligned(PAGE) for name in places}
    return Config(
        scenario=node["scenario"].text(),
        args=tuple(item.text() for item in node["args"].items()),
        mode=node["mode"].word(*MODES),
        fill=node["fill"].text(),
        **registers,
        **pages,
    )


def _guest_table(node: Node) -> GuestTable:
    size = node["esize"].number()
    if size not in (4, 8):
        node["esize"].refuse("4 or 8 (bytes an entry)")
    entries = {}
    for key, entry in node["entries"].members():
        if not re.fullmatch("[0-9]{1,4}", key) or int(key) >= 4096 // size:
            entry.fail(f"an index from 0 to {4096 // size - 1}")
        entries[int(key)] = entry.hex(8 * size)
    return GuestTable(node["gpa"].aligned(4096, 52), size, entries)


def _frames(node: Node, length: int) -> Frames:
    runs = tuple(map(_run, node["runs"].items()))
    after_op = node["after_op"].number(0, length)
    return Frames(after_op, node["why"].text(), node["slot"].number(), runs)


def _run(node: Node) -> FrameRun:
    parts = node.items()
    if len(parts) != 3:
        node.refuse("a list of gfn, pfn and count")
    return FrameRun(parts[0].hex(40), parts[1].hex(40), parts[2].number(1))


def _note(node: Node) -> Note:
    return Note(node["before_op"].number(), node["text"].text())


def _between(node: Node) -> EventBetween:
    event = {key: value for key, value in node.object().items() if key != "after_op"}
    return EventBetween(
        node["after_op"].number(), read_event(Node(event, node.file, None, node.field))
    )
