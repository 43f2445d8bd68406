"""The tokens of litmus files, and where errors point."""

import pytest

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.litmus.text import Text, Tokens


def words(text):
    return [token.text for token in Text("f", text).tokens(0, len(text))][:-1]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("x=1/\\y=2", ["x", "=", "1", "/\\", "y", "=", "2"]),
        ("0:r1=x/\\~x=-1", ["0", ":", "r1", "=", "x", "/\\", "~", "x", "=", "-1"]),
        ("a-b cc/boehm7 L0x3b:", ["a-b", "cc/boehm7", "L0x3b", ":"]),
        ("$-0x10,(%rax)", ["$", "-0x10", ",", "(", "%", "rax", ")"]),
        ("x (* y (* z *) *) w", ["x", "w"]),
        ("x!=1 => y<>2 \\/ z==3", ["x", "!=", "1", "=>", "y", "<>", "2", "\\/", "z", "==", "3"]),
    ],
)
def test_tokens(text, tokens):
    assert words(text) == tokens


@pytest.mark.parametrize(("text", "value"), [("010", 10), ("-3", -3), ("0x1F", 31), ("-0x1", -1)])
def test_numbers(text, value):
    assert Tokens(Text("f", text), 0, len(text)).number() == value


def test_an_error_points_at_line_and_column():
    text = Text("f.litmus", "a\nbc d\n")
    assert str(text.source(5)) == "f.litmus:2:4"
    assert str(text.source(0)) == "f.litmus:1:1"


def test_a_comment_that_does_not_end_is_told_where_it_begins():
    with pytest.raises(ProgramError, match=r"^f:2:3: this comment has no end; expected '\*\)'$"):
        words("x\n  (* y")


def test_what_was_expected_is_told_with_what_was_found():
    tokens = Tokens(Text("f", "x ;"), 0, 3)
    with pytest.raises(ProgramError, match=r"^f:1:1: expected ':', found 'x'$"):
        tokens.expect(":")
    tokens.next = 2
    with pytest.raises(ProgramError, match=r"^f:1:4: expected a number, found the end$"):
        tokens.number()
