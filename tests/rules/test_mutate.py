from collections.abc import Callable

import pytest

from mmuspec.rules.mutate import applied, patched
from mmuspec.rules.registry import Mutant, RulesError
from tests.rules import toy
from tests.rules.toy import below_limit


def mutant(target: str, diff: str) -> Mutant:
    return Mutant("LIM-1/words", "LIM-1", f"tests.rules.toy:{target}", diff, "spec/x.md", 7)


@pytest.mark.parametrize(
    ("target", "diff", "look", "before", "after"),
    [
        ("below_limit", "-if number < LIMIT + slack:\n+if True:", lambda: below_limit(9), 0, 1),
        ("below_limit", "- return number < 0\n+ return 5", lambda: below_limit(9), 0, 5),
        ("twice", "-range(2)", None, 0, 0),
        ("cached", "-    return number + 1\n+    return 0", lambda: toy.cached(4), 5, 0),
        ("adder", "- return number + step\n+ return step", lambda: toy.adder(2)(5), 7, 2),
        ("Box.area", "- return super().area() + 1\n+ return super().area()",
         lambda: toy.Box(3).area(), 10, 9),
        ("Base.area", "- return self.size * self.size\n+ return 0",
         lambda: toy.Box(3).area(), 10, 1),
        ("Box.half", "- return self.size // 2\n+ return self.size", lambda: toy.Box(4).half, 2, 4),
        ("Box.unit", "- return 1\n+ return 2", lambda: toy.Box.unit(), 1, 2),
        ("Box.of", "- return cls(size)\n+ return cls(size + 1)", lambda: toy.Box.of(1).size, 1, 2),
    ],
)  # fmt: skip
def test_every_sort_of_function(
    target: str, diff: str, look: Callable[[], int] | None, before: int, after: int
) -> None:
    if look is None:
        with pytest.raises(RulesError, match="found nowhere"), applied(mutant(target, diff)):
            raise AssertionError("it must not be applied")
        return
    assert look() == before
    with applied(mutant(target, diff)):
        assert look() == after
    assert look() == before


def test_a_changed_default_counts_and_is_restored() -> None:
    diff = "-def below_limit(number: int, slack: int = 0) -> bool:\n"
    diff += "+def below_limit(number: int, slack: int = 9) -> bool:"
    with applied(mutant("below_limit", diff)):
        assert below_limit(5)
    assert not below_limit(5)


def test_the_model_is_repaired_after_an_exception() -> None:
    def broken() -> None:
        with applied(mutant("below_limit", "-if number < LIMIT + slack:\n+if True:")):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert not below_limit(9)


@pytest.mark.parametrize(
    ("target", "diff", "words"),
    [
        ("nothing", "-x\n+y", "has no 'nothing'"),
        ("LIMIT", "-x\n+y", "not a function written in Python"),
        ("Base.__init__", "-x\n+y", "could not get source code"),
        ("below_limit", "-if number > LIMIT:\n+x", "found nowhere in the function"),
        ("twice", "-total += 0\n+total += 1", "found 2 times"),
        ("below_limit", "-if number < LIMIT + slack:\n+if (:", "invalid syntax"),
        ("below_limit", "+if True:", "needs a line that is in the function"),
        ("below_limit", " if number < LIMIT + slack:", "changes nothing"),
        ("below_limit", "if number < LIMIT + slack:", "begins with"),
        ("Box.area", "- return super().area() + 1\n+ return 0", "no longer uses __class__"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(target: str, diff: str, words: str) -> None:
    with pytest.raises(RulesError, match=words) as caught, applied(mutant(target, diff)):
        raise AssertionError("it must not be applied")
    assert str(caught.value).startswith("spec/x.md:7: mutant LIM-1/words of tests.rules.toy:")


def test_a_module_that_is_not_there() -> None:
    bad = Mutant("LIM-1/words", "LIM-1", "no_such_module:f", "-x\n+y", "spec/x.md", 7)
    with pytest.raises(RulesError, match="no such module"), applied(bad):
        raise AssertionError("it must not be applied")


SOURCE = "def f():\n    if a:\n        x()\n        y()\n    z()\n"


def test_a_block_is_found_at_any_indentation() -> None:
    assert patched(SOURCE, "-if a:\n-    x()\n+while a:\n+    w()") == SOURCE.replace(
        "if a:\n        x()", "while a:\n        w()"
    )


def test_context_stays_and_hunks_follow_one_another() -> None:
    diff = "         x()\n+        between()\n         y()\n@@\n-    z()\n+    last()"
    expected = SOURCE.replace("x()\n", "x()\n        between()\n").replace("z()", "last()")
    assert patched(SOURCE, diff) == expected


def test_relative_indentation_matters() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        patched(SOURCE, "-if a:\n-x()\n+pass")
