"""Protocols by name."""

import pytest

from mmuspec.interleave.catalogue import (
    ParameterError,
    UnknownProtocolError,
    built,
    find,
    name_of,
    parameters,
    protocols,
    shown,
    summary,
    weakened,
)
from mmuspec.interleave.guards import UnknownGuardError
from mmuspec.interleave.operations import Fence
from mmuspec.interleave.program import Program

HERE = "tests.interleave.protocols_for_tests"


def operations(program: Program) -> list[type]:
    return [type(each.operation) for thread in program.threads for each in thread.code]


def test_every_protocol_of_the_book_is_found_by_its_name() -> None:
    found = protocols()
    assert {"split-spte", "lockless-walk", "zap-all"} <= found.keys()
    assert list(found) == sorted(found)
    for name, protocol in found.items():
        assert find(name) is protocol
        assert name_of(protocol) == name
        assert summary(protocol)
        assert built(protocol, {}).name == name


def test_a_protocol_of_somebody_else_is_found_by_module_and_function() -> None:
    found = find(f"{HERE}:store_buffering")
    assert parameters(found) == {"fences": False}
    assert summary(found) == "Each CPU stores to one word, and then loads the other."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing-like-it", "no protocol is named 'nothing-like-it'; there are .*split-spte"),
        (f"{HERE}:nothing", "no attribute|nothing"),
        ("no_such_module:x", "No module named"),
        (f"{HERE}:add", "is no protocol"),
    ],
)
def test_what_is_no_protocol(name: str, message: str) -> None:
    with pytest.raises(UnknownProtocolError, match=message):
        find(name)


def test_parameters_are_typed_as_their_defaults() -> None:
    fences = built(find(f"{HERE}:store_buffering"), {"fences": "True"})
    assert Fence in operations(fences)
    assert Fence not in operations(built(find(f"{HERE}:store_buffering"), {"fences": "0"}))
    assert len(built(find(f"{HERE}:publish"), {"readers": "0x2"}).threads) == 3
    split = find("split-spte")
    assert built(split, {"accepts": "0xa"}).finals
    assert not built(split, {"accepts": "none"}).finals
    assert built(split, {"updates": "clear"}) != built(split, {})


@pytest.mark.parametrize(
    ("protocol", "given", "message"),
    [
        ("publish", {"speed": "1"}, "publish has no parameter 'speed'; it has barrier=true, read"),
        ("publish", {"readers": "many"}, "readers=many: expected a number"),
        ("publish", {"barrier": "2"}, "barrier=2: expected true or false"),
    ],
)
def test_what_a_protocol_does_not_take(protocol: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        built(find(f"{HERE}:{protocol}"), given)


def test_values_are_shown_as_they_are_typed() -> None:
    assert [shown(value) for value in (True, None, 3, "clear")] == ["true", "none", "3", "clear"]


def test_guards_are_left_out_by_the_names_they_have_in_the_whole_protocol() -> None:
    program = find(f"{HERE}:store_buffering")(fences=True)
    assert operations(weakened(program, ["L2", "T2"])).count(Fence) == 0
    assert weakened(program, []) is program
    with pytest.raises(UnknownGuardError, match=r"no guard is named Z9; there are\n  L2: smp_mb"):
        weakened(program, ["L2", "Z9"])
