"""The parts of a litmus file."""

import pytest

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.litmus.sections import sections
from mmuspec.interleave.litmus.text import Text

FILE = """\
X86 cc/boehm7+x (Title) "What it
is about"
(* a { comment } *)
Prefetch=0:x=F,0:y=T
Com = Rf Fr
{ x=0; { } };
 P0 | P1 ;
 (* exists *) MOV [existsx],$1 | ;
locations [x;]
exists (x=1)
<< old >>
"""


def part(parts, span):
    return parts.text.text[slice(*span)].strip()


def test_the_parts():
    parts = sections(Text("f", FILE))
    assert (parts.arch, parts.name, parts.doc) == ("X86", "cc/boehm7+x", "What it\nis about")
    assert parts.info == (("Prefetch", "0:x=F,0:y=T"), ("Com", "Rf Fr"))
    assert part(parts, parts.initial) == "x=0; { }"
    assert part(parts, parts.program).startswith(";\n P0 | P1 ;")
    assert part(parts, parts.program).endswith("| ;")
    assert part(parts, parts.questions) == "locations [x;]\nexists (x=1)"


def test_c_comments_hide_words_in_c_only():
    text = "{} {}\n\nP0(int *x) { // exists\n /* forall */ }\nexists (x=1)"
    parts = sections(Text("f", "C t\n" + text))
    assert part(parts, parts.questions) == "exists (x=1)"
    parts = sections(Text("f", "X86 t\n" + text))
    assert part(parts, parts.questions).startswith("exists\n /* forall")


def test_there_need_be_no_questions():
    parts = sections(Text("f", "X86 t {} P0; MFENCE;"))
    assert part(parts, parts.questions) == ""


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "f:1:1: expected a first line such as 'X86 SB': architecture and name"),
        ("X86", "f:1:1: expected a first line such as 'X86 SB': architecture and name"),
        ("X86 t\n P0;", "f:2:5: expected '{' and the initial state, found the end"),
        ("X86 t\n{ x=0;\n", "f:2:1: this initial state has no end; expected '}'"),
        ("X86 t (* x\n{}", "f:1:7: this comment has no end; expected '*)'"),
        ("X86 t\n{}\nP0;\n(* x", "f:4:1: this comment has no end; expected '*)'"),
    ],
)
def test_errors(text, error):
    with pytest.raises(ProgramError) as caught:
        sections(Text("f", text))
    assert str(caught.value) == error
