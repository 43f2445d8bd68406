"""The result block of herd: every line of it."""

import pytest
from hypothesis import given, settings

from mmuspec.interleave.axiomatic import count
from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.explore import explore
from mmuspec.interleave.litmus.answer import ask, block, candidates, distinct, named, reader
from mmuspec.interleave.litmus.writer import write_litmus
from mmuspec.interleave.litmus.x86 import read_x86
from mmuspec.interleave.program import Memory
from tests.interleave.litmus.test_writer import STRAIGHT, asked
from tests.interleave.programs import programs

SB = """X86 SB
Hash=2d53e83cd627ba17ab11c875525e078b
{}
 P0          | P1          ;
 MOV [x],$1  | MOV [y],$1  ;
 MOV EAX,[y] | MOV EAX,[x] ;
"""


def lines(text, memory=Memory.TSO):
    """Return the block without the time, which is another one each time."""
    found = block(ask(read_x86(text), memory)).splitlines()
    (clock,) = [line for line in found if line.startswith("Time ")]
    name, seconds = clock.split()[1:]
    assert found[1:] == [] or name == found[0].split()[1]
    assert float(seconds) >= 0
    return [line for line in found if line != clock]


def test_the_block_of_store_buffering():
    assert lines(SB + "exists (0:EAX=0 /\\ 1:EAX=0)") == [
        "Test SB Allowed",
        "States 4",
        "0:EAX=0; 1:EAX=0;",
        "0:EAX=0; 1:EAX=1;",
        "0:EAX=1; 1:EAX=0;",
        "0:EAX=1; 1:EAX=1;",
        "Ok",
        "Witnesses",
        "Positive: 1 Negative: 3",
        "Condition exists (0:EAX=0 /\\ 1:EAX=0)",
        "Observation SB Sometimes 1 3",
        "Hash=2d53e83cd627ba17ab11c875525e078b",
    ]


def test_the_same_under_sc():
    found = lines(SB + "exists (0:EAX=0 /\\ 1:EAX=0)", Memory.SC)
    assert found[1:2] + found[5:7] == ["States 3", "No", "Witnesses"]
    assert found[-2] == "Observation SB Never 0 3"


@pytest.mark.parametrize(
    ("question", "kind", "ok", "witnesses", "observation"),
    [
        ("exists (0:EAX=0)", "Allowed", "Ok", "Positive: 2 Negative: 2", "Sometimes 2 2"),
        ("~exists (0:EAX=0)", "Forbidden", "No", "Positive: 2 Negative: 2", "Sometimes 2 2"),
        ("~exists (0:EAX=2)", "Forbidden", "Ok", "Positive: 4 Negative: 0", "Never 0 4"),
        ("exists (0:EAX=2)", "Allowed", "No", "Positive: 0 Negative: 4", "Never 0 4"),
        ("forall (x=1)", "Required", "Ok", "Positive: 4 Negative: 0", "Always 4 0"),
        ("forall (0:EAX=1)", "Required", "No", "Positive: 2 Negative: 2", "Sometimes 2 2"),
        ("", "Required", "Ok", "Positive: 4 Negative: 0", "Always 4 0"),
    ],
)
def test_quantifiers(question, kind, ok, witnesses, observation):
    found = lines(SB + question)
    at = found.index("Witnesses")
    assert found[0] == f"Test SB {kind}"
    assert found[at - 1] == ok
    assert found[at + 1] == witnesses
    assert found[at + 3] == f"Observation SB {observation}"


def test_locations_are_shown_after_registers_and_in_order():
    found = lines(SB + "locations [y; 1:EAX; x;] exists (0:EAX=1 /\\ 0:EBX=0)")
    assert found[2] == "0:EAX=0; 0:EBX=0; 1:EAX=0; [x]=1; [y]=1;"
    assert found[1] == "States 4"


def test_a_filter_leaves_out_states():
    found = lines(SB + "filter (0:EAX=1) exists (1:EAX=1)")
    assert found[1:4] == ["States 2", "1:EAX=0;", "1:EAX=1;"]
    assert found[-2] == "Observation SB Sometimes 1 1"
    assert lines(SB + "filter (0:EAX=1) forall (0:EAX=1)")[-2] == "Observation SB Always 2 0"


def test_order_of_registers_and_values():
    text = """X86_64 t
{ int32_t x=-1; uint64_t y=-1; uint32_t z=-1;
  0:rsi=x; uint8_t 0:r9=-1; 0:r8=-1; uint64_t 0:rcx=-1; }
 P0 ;
 nop ;
locations [z; y; x; 0:r9; 0:r8; 0:rsi; 0:rcx; 0:rax;]
"""
    assert lines(text)[2] == (
        "0:rax=0; 0:rcx=18446744073709551615; 0:rsi=x; 0:r8=-1; 0:r9=255; "
        "[x]=-1; [y]=18446744073709551615; [z]=4294967295;"
    )


def test_states_are_in_the_order_of_signed_numbers():
    text = "X86 t\n{}\n P0 | P1 ;\n MOV [x],$-1 | MOV EAX,[x] ;\n MOV [x],$1 | ;\nexists (1:EAX=1)"
    assert lines(text)[2:5] == ["1:EAX=-1;", "1:EAX=0;", "1:EAX=1;"]


def test_executions_that_end_alike_count_each():
    text = "X86 t\n{}\n P0 | P1 ;\n MOV [x],$1 | MOV [x],$1 ;\nexists (x=1)"
    assert lines(text)[1] == "States 1"
    assert lines(text)[-1] == "Observation t Always 2 0"


def test_with_loops_final_states_are_counted():
    text = """X86 wait
{}
 P0         | P1              ;
 MOV [x],$1 | L: MOV EAX,[y]  ;
 MOV [y],$1 | CMP EAX,$0      ;
            | JE L            ;
            | MOV EBX,[x]     ;
exists (1:EBX=0)
"""
    found = ask(read_x86(text))
    assert (found.positive, found.negative, found.executions) == (0, 1, False)
    assert lines(text)[-1] == "Observation wait Never 0 1"


def test_where_there_may_be_too_many_executions_final_states_are_counted():
    rows = " LOCK INC [x] | LOCK INC [x] ;\n" * 8
    found = ask(read_x86("X86 t\n{}\n P0 | P1 ;\n" + rows + "exists (x=16)"))
    assert candidates(found.litmus.program) == 12870 * 17**16
    assert (found.positive, found.negative, found.executions) == (1, 0, False)


def expected(comment, question, memory=Memory.TSO):
    outcome = ask(read_x86(SB.replace("\n", f"\n(* {comment} *)\n", 1) + question), memory)
    return outcome.expected, outcome.as_expected


@pytest.mark.parametrize(
    ("comment", "question", "found"),
    [
        ("nothing", "exists (0:EAX=0)", (None, True)),
        ("Result: Sometimes", "exists (0:EAX=0)", ("Sometimes", True)),
        ("Result: Never", "exists (0:EAX=0)", ("Never", False)),
        ("Result: Never", "exists (0:EAX=2)", ("Never", True)),
        ("Result: Always", "forall (x=1)", ("Always", True)),
        ("Result: Sometimes", "exists (x=1)", ("Sometimes", False)),
        ("nothing", "exists (0:EAX=0) with tso: ~exists", ("Never", False)),
        ("Result: Never", "exists (0:EAX=0) with tso: exists", ("Sometimes", True)),
    ],
)
def test_what_a_file_expects(comment, question, found):
    assert expected(comment, question) == found


def test_sometimes_allows_anything_of_a_stronger_model():
    both = "exists (0:EAX=0 /\\ 1:EAX=0)"
    assert expected("Result: Sometimes", both, Memory.SC) == ("Sometimes", True)
    assert expected("Result: Never", "exists (x=1)", Memory.SC) == ("Never", False)
    assert expected("Result: Sometimes", both + " with sc: exists", Memory.SC)[1] is False


@given(programs(STRAIGHT, max_accesses=4, max_cpus=2))
@settings(max_examples=25, deadline=None)
def test_states_and_witnesses_agree_with_each_other(original):
    try:
        litmus = read_x86(write_litmus(asked(original)))
        found = ask(litmus)
        ends = explore(litmus.program, all_states=True).finals
        assert (found.positive, found.negative) == count(litmus.program, Memory.TSO, litmus.holds)
    except NotModelledError:
        return
    values = {tuple(reader(litmus.program, end)(o.value) for o in litmus.observed) for end in ends}
    assert set(found.states) == values
    many = distinct(litmus, [reader(litmus.program, end) for end in ends])
    assert sum(many) >= len(values)
    assert [few > 0 for few in many] == [found.positive > 0, found.negative > 0]
    assert all(len(dict(named(litmus, each))) == len(litmus.observed) for each in found.states)
