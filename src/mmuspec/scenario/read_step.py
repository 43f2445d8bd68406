"""Read one operation of a scenario file, its outcome, counters and events."""

from collections.abc import Callable
from typing import Any

from .node import Node
from .operation import MEMSLOT_CHANGES, OPERATIONS, Form, recorded_fields
from .recorded_event import OPTIONAL, RECORDED_EVENTS
from .recorded_outcome import read_outcome
from .recording import RecordedEvent, RecordedStep


def named(node: Node, n: int) -> Node:
    """Return *node* with its place counted from operation *n*."""
    return Node(node.value, node.file, n, "")


def read_step(node: Node, n: int) -> RecordedStep:
    """Return the *n*-th operation with what was recorded of it.

    :raises ScenarioError: it is malformed
    """
    node = named(node, n)
    if node["n"].number() != n:
        node["n"].refuse(f"{n}: operations are numbered from 1, in order")
    cls = OPERATIONS[node["do"].word(*OPERATIONS)]
    values = {each.name: _value(node[each.name], each.metadata) for each in recorded_fields(cls)}
    return RecordedStep(
        operation=cls(n, **values),
        outcome=read_outcome(node, cls),
        stats=read_stats(node["stats"]),
        events=tuple(map(read_event, node["events"].items())),
    )


def read_stats(node: Node) -> dict[str, int]:
    """Return counters by name."""
    return {key: value.number(0, 2**64 - 1) for key, value in node.members()}


def _value(node: Node, declared: Any) -> int | str:
    """Return an operation's field, in the form and alignment declared for it."""
    value = _FORMS[declared["form"]](node)
    if isinstance(value, int) and value % declared["aligned"]:
        node.refuse(f"a multiple of {declared['aligned']:#x}")
    return value


def _privilege(node: Node) -> int:
    if node.value not in (0, 3) or isinstance(node.value, bool | float):
        node.refuse(Form.PRIVILEGE.value)
    return int(node.value)


_FORMS: dict[Form, Callable[[Node], int | str]] = {
    Form.NUMBER: lambda node: node.number(),
    Form.HEX: lambda node: node.hex(),
    Form.CHANGE: lambda node: node.word(*MEMSLOT_CHANGES),
    Form.PRIVILEGE: _privilege,
}


def read_event(node: Node) -> RecordedEvent:
    """Return an event; those of the vocabulary must have their fields in their form."""
    printed = {key: value.text() for key, value in node.members()}
    forms = RECORDED_EVENTS.get(node["e"].text(), {})
    for name, form in forms.items():
        if name not in printed and name in OPTIONAL:
            continue
        if not form.matches(node[name].text()):
            node[name].refuse(form.meaning)
    return printed
