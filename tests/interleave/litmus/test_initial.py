"""Initial states, as herd and the kernel write them."""

import pytest

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.litmus.initial import Entry, initial_state
from mmuspec.interleave.litmus.locations import Register, Shared
from mmuspec.interleave.litmus.text import Text

X, Y = Shared("x"), Shared("y")


def read(text):
    return initial_state(Text("f", text), 0, len(text))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("x=1", Entry(X, values=(1,))),
        ("[x]=0x10", Entry(X, values=(16,))),
        ("x", Entry(X)),
        ("uint64_t y", Entry(Y, "uint64_t")),
        ("unsigned long y = -1", Entry(Y, "unsigned long", values=(-1,))),
        ("int [x]=3", Entry(X, "int", values=(3,))),
        ("0:EAX=5", Entry(Register(0, "EAX"), values=(5,))),
        ("P1:EAX=5", Entry(Register(1, "EAX"), values=(5,))),
        ("uint64_t 1:rax", Entry(Register(1, "rax"), "uint64_t")),
        ("1:rdi=x", Entry(Register(1, "rdi"), values=(X,))),
        ("int *y = &x", Entry(Y, "int", pointer=True, values=(X,))),
        ("int t[2]={1,-1}", Entry(Shared("t"), "int", size=2, values=(1, -1))),
        ("int t[3]", Entry(Shared("t"), "int", size=3)),
        ("atomic_t x = ATOMIC_INIT(1)", Entry(X, "atomic_t", values=(1,))),
        ("volatile int x = 0", Entry(X, "int", values=(0,))),
    ],
)
def test_an_entry(text, entry):
    (found,) = read(f" {text} ")
    assert (found.location, found.type, found.pointer, found.size, found.values) == (
        entry.location,
        entry.type,
        entry.pointer,
        entry.size,
        entry.values,
    )


def test_many_entries_and_comments():
    found = read("x=1; (* two *) ; y=2;\n 0:EAX=3;")
    assert [entry.values for entry in found] == [(1,), (2,), (3,)]
    assert str(found[2].source) == "f:2:2"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x=1 y=2", "f:1:5: expected ';', found 'y'"),
        ("=1", "f:1:1: expected a register such as 0:EAX, or a shared word, found '='"),
        ("x=", "f:1:3: expected a register such as 0:EAX, or a shared word, found the end"),
        (f"x={'1' * 5000}", "f:1:3: expected a number of at most 64 bits"),
        ("int t[2]={1}", "f:1:10: expected 2 values, found 1"),
    ],
)
def test_errors(text, error):
    with pytest.raises(ProgramError) as caught:
        read(text)
    assert str(caught.value) == error


def test_a_label_as_a_value_is_not_modelled():
    with pytest.raises(NotModelledError, match="f:1:7: not modelled: the label or register 0:L0"):
        read("0:EAX=P0:L0")
