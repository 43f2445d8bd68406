import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.scenario.error import ScenarioError
from mmuspec.scenario.operation import MadviseDontneed, Memslot, Read, Write
from mmuspec.scenario.outcome import Fault, MmioAccess
from mmuspec.scenario.read import parse_scenario, read_scenario

from .example import RECORDINGS, example, parsed, recordings

OPTIONAL = {"value", "fault", "mmio", "dirty", "gen", "gpte_bytes", "ad"}
"""Members that the format lets a file leave out."""


def test_the_repository_carries_recordings() -> None:
    found = {(path.parent.name, path.name.partition(".")[0]) for path in recordings()}
    names = ("a-simple-long4", "b-mmio-long4", "c-flood-long4", "d-unsync-long4")
    assert {("linux-6.1", name) for name in names} <= found, RECORDINGS


@pytest.mark.parametrize("path", recordings(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_recording_is_accepted(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.steps
    assert scenario.kernel_version in ("v5.10", "v6.1")
    assert scenario.host_bits == (32 if "686" in path.parent.name else 64)


def test_the_parts_of_a_scenario() -> None:
    scenario = parsed(example())
    slot, _, read, write, _, madvise, mmio = scenario.steps
    assert slot.operation == Memslot(1, "create", 0, 0, 0x100000, 0, 0x7F0000000000)
    assert read.operation == Read(3, vcpu=0, cpl=0, a=0x40000000)
    assert read.outcome.value == 0x40000010E6
    assert write.operation == Write(4, vcpu=1, cpl=3, a=0x40001008, val=1)
    assert write.outcome.fault == Fault(14, 7, 0x40001008)
    assert madvise.operation == MadviseDontneed(6, 0x400000, 0x2000)
    assert mmio.outcome.mmio == (MmioAccess(0xD0000008, 8, False, 0x33D0),)
    assert scenario.steps[4].outcome.dirty == (0, 3)
    assert scenario.initial_guest_tables[0].entries == {0: 0x14007}
    assert scenario.kernel_version == "v6.1"
    assert scenario.vcpus == 2


def test_gzip_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps(example()).encode()
    path = tmp_path / "example.json.gz"
    path.write_bytes(gzip.compress(content))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_scenario(path).steps == read_scenario("-").steps


def change(place: str, value: Any) -> Any:
    """Return the example with *value* at a dotted *place*; a number is an index."""
    scenario = example()
    *way, last = [int(word) if word.isdigit() else word for word in place.split(".")]
    target: Any = scenario
    for step in way:
        target = target[step]
    target[last] = value
    return scenario


BAD = [
    ("ops.2.do", "jump", "operation 3: do: expected one of memslot,"),
    ("ops.2.a", 5, "operation 3: a: expected a hexadecimal string"),
    ("ops.2.a", "0x1" + "0" * 16, "operation 3: a: expected at most 64 bits"),
    ("ops.2.vcpu", 2, "operation 3: vcpu: expected a vCPU from 0 to 1, found 2"),
    ("ops.2.cpl", 1, "operation 3: cpl: expected 0 (kernel mode) or 3 (user mode), found 1"),
    ("ops.2.n", 4, "operation 3: n: expected 3: operations are numbered from 1"),
    ("ops.0.gpa", "0x10", "operation 1: gpa: expected a multiple of 0x1000"),
    ("ops.0.size", "0x10", "operation 1: size: expected a multiple of 0x1000"),
    ("ops.0.change", "grow", "operation 1: change: expected one of create,"),
    ("ops.1.slot", 0, "operation 2: slot: expected a slot that does not exist yet"),
    ("ops.1.gpa", "0xff000", "operation 2: gpa: expected a range that no other slot overlaps"),
    ("ops.1.change", "move", "operation 2: slot: expected a slot that exists"),
    ("ops.4.slot", 9, "operation 5: slot: expected a slot that exists (there are: 0, 1), found 9"),
    ("ops.5.gpa", "0x500000", "operation 6: gpa: expected a range inside one slot"),
    ("ops.5.size", "0x20000", "operation 6: gpa: expected a range inside one slot"),
    ("ops.2.events.1.addr", "0x4", "operation 3: events[1].addr: expected hexadecimal digits"),
    ("ops.2.events.7.access", "rwx", "operation 3: events[7].access: expected three letters"),
    ("ops.3.fault.vector", 256, "operation 4: fault.vector: expected a whole number from 0 to 255"),
    ("ops.6.mmio.0.len", 16, "operation 7: mmio[0].len: expected a whole number from 1 to 8"),
    ("initial_guest_tables.0.gpa", "0x200000", "initial_guest_tables[0].gpa: expected an address"),
    ("initial_guest_tables.0.gpa", "0x10008", "initial_guest_tables[0].gpa: expected a multiple"),
    ("initial_guest_tables.0.entries.512", "0x1", "initial_guest_tables[0].entries.512: expected"),
    ("config.sys_page_gpa", "0x200000", "config.sys_page_gpa: expected an address inside a slot"),
    ("config.mode", "long5", "config.mode: expected one of long4, pae, legacy32, nopaging"),
    ("frames.0.after_op", 99, "frames[0].after_op: expected a whole number from 0 to 7"),
]


@pytest.mark.parametrize(("place", "value", "message"), BAD)
def test_bad_input_is_named_in_one_line(place: str, value: Any, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parsed(change(place, value))
    line = str(caught.value)
    assert line.startswith(f"example.json: {message}")
    assert "\n" not in line


def test_an_address_of_32_bits() -> None:
    scenario = change("config.mode", "pae")
    scenario["ops"][2]["a"] = "0x100000000"
    with pytest.raises(ScenarioError, match=r"operation 3: a: expected at most 32 bits"):
        parsed(scenario)


def test_a_truncated_file_names_the_operation() -> None:
    text = json.dumps(example())
    with pytest.raises(ScenarioError, match=r"^example.json: operation 4: expected JSON; .*line 1"):
        parse_scenario(text[: text.index('"fault"')].encode(), "example.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b"NaN", b"1" * 10_000, b"\x1f\x8b", b'"\\ud800"'],
    ids=["empty", "not UTF-8", "list", "deep", "NaN", "long number", "no gzip", "surrogate"],
)
def test_what_is_no_scenario_at_all(content: bytes) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(content, "it")
    assert str(caught.value).startswith("it: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", "a\0b"):
        with pytest.raises(ScenarioError, match="expected a file that can be read"):
            read_scenario(path)


def test_a_name_in_the_file_cannot_break_the_line() -> None:
    scenario = change("initial_guest_tables.0.entries", {"1\n2\ud800": "0x1"})
    with pytest.raises(ScenarioError) as caught:
        parsed(scenario)
    assert r"entries.1\n2\ud800: expected an index" in str(caught.value)


def test_a_failed_operation_changes_no_slot() -> None:
    scenario = change("ops.1.rc", -22)
    scenario["ops"][4]["slot"] = 0
    scenario["ops"][5]["gpa"] = "0x0"
    parsed(scenario)
    scenario["ops"][4]["slot"] = 1
    with pytest.raises(ScenarioError, match="operation 5: slot"):
        parsed(scenario)


# --- one-field mutations ------------------------------------------------------------


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside *value*."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, child in members:
        yield (*path, key)
        if isinstance(child, dict | list):
            yield from places(child, (*path, key))


PLACES = list(places(example()))


def holder(scenario: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        scenario = scenario[step]
    return scenario


def is_required(path: tuple[Any, ...]) -> bool:
    """Whether the format wants this member; counters and context events have no fixed ones."""
    free = {"stats", "final_stats", "entries"}
    context = {"reason", "rip", "info1", "info2", "roots"}
    inside_free = len(path) > 1 and path[-2] in free
    return isinstance(path[-1], str) and not inside_free and path[-1] not in OPTIONAL | context


REQUIRED = [path for path in PLACES if is_required(path)]


@settings(max_examples=200)
@given(st.sampled_from(REQUIRED))
def test_a_missing_field_is_refused(path: tuple[Any, ...]) -> None:
    scenario = example()
    del holder(scenario, path)[path[-1]]
    with pytest.raises(ScenarioError) as caught:
        parsed(scenario)
    assert str(path[-1]) in str(caught.value)
    assert "\n" not in str(caught.value)


JSON_TYPES = {
    bool: st.booleans(),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    list: st.lists(st.integers(), max_size=2),
    dict: st.dictionaries(st.text(), st.integers(), max_size=2),
    type(None): st.none(),
}


@settings(max_examples=500)
@given(st.sampled_from(PLACES), st.data())
def test_a_field_of_another_type_is_refused(path: tuple[Any, ...], data: st.DataObject) -> None:
    scenario = example()
    there = holder(scenario, path)
    others = [made for kind, made in JSON_TYPES.items() if kind is not type(there[path[-1]])]
    there[path[-1]] = data.draw(st.one_of(others))
    with pytest.raises(ScenarioError):
        parsed(scenario)


TEXT = json.dumps(example(), indent=1).encode()
PACKED = gzip.compress(TEXT, mtime=0)


@given(st.integers(0, len(TEXT) - 1))
def test_a_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(ScenarioError):
        parse_scenario(TEXT[:length], "it")


@given(st.integers(0, len(PACKED) - 1))
def test_a_truncated_gzip_file_is_refused(length: int) -> None:
    with pytest.raises(ScenarioError):
        parse_scenario(PACKED[:length], "it")


@given(st.binary())
def test_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ScenarioError):
        parse_scenario(content, "it")


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_a_damaged_gzip_file_raises_nothing_else(place: int, flip: int) -> None:
    damaged = bytearray(PACKED)
    damaged[place] ^= flip
    try:
        parse_scenario(bytes(damaged), "it")
    except ScenarioError as error:
        assert "\n" not in str(error)  # noqa: PT017
