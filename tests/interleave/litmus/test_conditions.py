"""The questions of litmus files: what is read, how it is shown, and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.expressions import Const, evaluate
from mmuspec.interleave.litmus.claims import (
    TRUE,
    Equals,
    Every,
    Implies,
    Not,
    Same,
    Some,
    as_expression,
    mentioned,
    shown,
)
from mmuspec.interleave.litmus.conditions import DEEPEST, questions
from mmuspec.interleave.litmus.locations import Register, Shared
from mmuspec.interleave.litmus.text import Text
from mmuspec.interleave.program import Quantifier

A, B, X = Register(0, "EAX"), Register(1, "EAX"), Shared("x")


def read(text, **known):
    return questions(Text("f", text), 0, len(text), **known)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("0:EAX=1", Equals(A, 1)),
        ("[x]=1", Equals(X, 1)),
        ("x==0x10", Equals(X, 16)),
        ("x!=1", Not(Equals(X, 1))),
        ("not (x=1)", Not(Equals(X, 1))),
        ("~x=1 /\\ x=2", Every((Not(Equals(X, 1)), Equals(X, 2)))),
        ("0:EAX=x", Equals(A, X)),
        ("0:EAX=&x", Equals(A, X)),
        ("0:EAX=1:EAX", Same(A, B)),
        ("0:EAX=*x", Same(A, X)),
        ("0:EAX=[x]", Same(A, X)),
        ("P0:EAX=1", Equals(A, 1)),
        ("x=1 \\/ x=2 /\\ x=3", Some((Equals(X, 1), Every((Equals(X, 2), Equals(X, 3)))))),
        ("(x=1 \\/ x=2) /\\ x=3", Every((Some((Equals(X, 1), Equals(X, 2))), Equals(X, 3)))),
        ("x=1 /\\ x=2 => x=3", Every((Equals(X, 1), Implies(Equals(X, 2), Equals(X, 3))))),
        ("true", TRUE),
        ("false", Some(())),
        ("t[1]=2", Equals(Shared("t", 1), 2)),
    ],
)
def test_a_claim(text, claim):
    assert read(f"exists ({text})").claim == claim


@pytest.mark.parametrize(
    ("text", "quantifier"),
    [
        ("exists x=1", Quantifier.EXISTS),
        ("final (x=1);", Quantifier.EXISTS),
        ("(x=1)", Quantifier.EXISTS),
        ("~exists x=1", Quantifier.NOT_EXISTS),
        ("~ exists(x=1)", Quantifier.NOT_EXISTS),
        ("forall x=1", Quantifier.FORALL),
    ],
)
def test_quantifiers(text, quantifier):
    found = read(text)
    assert (found.quantifier, found.claim) == (quantifier, Equals(X, 1))


def test_nothing_is_a_question_that_all_states_answer():
    assert read("").quantifier is Quantifier.FORALL
    assert read("").claim == TRUE


def test_locations_filter_and_kinds():
    found = read(
        "locations [x; 0:EAX int; 1:EAX]\nfilter x=2 exists (x=1) with tso: ~exists; sc: forall"
    )
    assert found.locations == (X, A, B)
    assert found.condition == Equals(X, 2)
    assert found.kinds == (("tso", Quantifier.NOT_EXISTS), ("sc", Quantifier.FORALL))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("exists (x=1", "f:1:12: expected ')', found the end"),
        ("exists (x 1)", "f:1:11: expected =, found '1'"),
        ("exists ()", "f:1:9: expected a register such as 0:EAX, or the name of a word, found ')'"),
        ("exists x=1 y", "f:1:12: expected /\\, \\/ or the end of the file, found 'y'"),
        ("locations [x y=1]", "f:1:15: expected ';', found '='"),
        ("filter x=1 x=2", "f:1:12: expected exists, ~exists or forall, found 'x'"),
        ("exists 0:=1", "f:1:10: expected the name of a register, found '='"),
    ],
)
def test_errors(text, error):
    with pytest.raises(ProgramError) as caught:
        read(text)
    assert str(caught.value) == error


def test_a_location_that_is_not_there():
    with pytest.raises(ProgramError, match=r"^f:1:9: the test has no 0:EAX$"):
        read("exists (0:EAX=1)", known=lambda place: None)


@pytest.mark.parametrize("text", ["observed x=1;", "exists fault(P0,x)"])
def test_what_is_not_modelled(text):
    with pytest.raises(NotModelledError):
        read(text)


def test_nonsense_that_is_deep_is_an_error_too():
    with pytest.raises(ProgramError, match="within each other"):
        read("exists " + "(" * (DEEPEST + 1))
    with pytest.raises(ProgramError, match="within each other"):
        read("exists " + "~" * 100_000)


@pytest.mark.parametrize(
    "text",
    [
        "0:EAX=0 /\\ [x]=1",
        "(0:EAX=0 \\/ [x]=1) /\\ [x]=2",
        "0:EAX=0 /\\ [x]=1 \\/ [x]=2",
        "not (0:EAX=0 /\\ [x]=1)",
        "0:EAX=1:EAX \\/ t[1]=x",
        "([x]=1 => [x]=2) /\\ [x]=3",
        "([x]=1 \\/ [x]=3) => [x]=2",
        "true",
        "false",
    ],
)
def test_it_is_shown_as_it_is_read(text):
    assert shown(read(f"exists ({text})").claim) == text


class Numbers:
    """Locations whose values are given."""

    def __init__(self, values):
        self.values = values

    def read(self, place):
        return Const(self.values.get(place, 0))

    def constant(self, place, value):
        return value


PLACES = st.sampled_from([A, B, X])
CLAIMS = st.recursive(
    st.builds(Equals, PLACES, st.integers(0, 2)) | st.builds(Same, PLACES, PLACES),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Implies, inner, inner),
        st.builds(Every, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def means(claim, values):
    return evaluate(as_expression(claim, Numbers(values)), None, None)


@given(CLAIMS, st.dictionaries(PLACES, st.integers(0, 2)))
def test_what_is_shown_means_what_was_read(claim, values):
    again = read(f"exists ({shown(claim)})").claim
    assert means(again, values) == means(claim, values)
    assert set(mentioned(again)) == set(mentioned(claim))


def test_a_long_claim_is_no_deep_expression():
    claim = read("exists " + " /\\ ".join(["x=1"] * 5000)).claim
    assert means(claim, {X: 1}) == 1
    assert means(claim, {X: 2}) == 0
