import io
import json
import time

import pytest

from mmuspec.cli import main, why
from mmuspec.cli.limits import TimeLimit
from mmuspec.interleave import decide as deciding
from mmuspec.interleave.answer import TooManyStates
from mmuspec.interleave.explain import why as explain_why
from mmuspec.interleave.program import Memory

Capture = pytest.CaptureFixture[str]

HERE = "tests.interleave.protocols_for_tests"

BUFFERING = """X86 SB
{ }
 P0         | P1         ;
 MOV [x],1  | MOV [y],1  ;
 MOV EAX,[y]| MOV EAX,[x];
exists (0:EAX=0 /\\ 1:EAX=0)
"""

IN_C = """C MP
(*
 * Result: RESULT
 *)
{ }
P0(int *x, int *y)
{
	WRITE_ONCE(*x, 1);
	WRITE_ONCE(*y, 1);
}
P1(int *x, int *y)
{
	int r0 = READ_ONCE(*y);
	int r1 = READ_ONCE(*x);
}
exists (1:r0=1 /\\ 1:r1=0)
"""

TABLE = """
u32 x;

CPU0               CPU1
----               ----
WRITE_ONCE(x, 1);
                   r = READ_ONCE(x);

exists (CPU1:r == 0)
"""


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(["why", *arguments])
    out, err = capsys.readouterr()
    assert "--json" in arguments or all(len(line) <= 78 for line in out.splitlines())
    return code, out, err


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Return a function that writes a file and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, name: str = "it.txt") -> str:
        (tmp_path / name).write_text(text)
        return name

    return write


def test_possible(capsys: Capture) -> None:
    code, out, _ = run(capsys, f"{HERE}:store_buffering")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "possible under x86-TSO: TEST-1: neither CPU sees the other's store"
    assert "  1 L1: x = 1;  (buffered)" in lines
    assert lines[-1].startswith("store-buffering: 34 states, 0.")


def test_impossible(capsys: Capture) -> None:
    code, out, _ = run(capsys, f"{HERE}:store_buffering", "-p", "fences=true")
    assert code == 0
    assert out.startswith("impossible under x86-TSO: TEST-1: neither CPU sees the other's store\n")
    assert "\nIt is possible without L2 (smp_mb() left out):\n" in out
    assert "\n> 5  " in out
    assert "\nWith it, row 5 cannot happen: it reads 1, not 0.\n" in out
    assert "  6 rows  T2         smp_mb() left out\n" in out


def test_a_guard_is_left_out(capsys: Capture) -> None:
    arguments = (f"{HERE}:store_buffering", "-p", "fences=true", "--without", "L2")
    code, out, _ = run(capsys, *arguments)
    assert code == 1
    assert "store-buffering without L2: " in out
    code, out, _ = run(capsys, *arguments, "--model", "sc")
    assert code == 0
    assert out.startswith("impossible under SC: ")
    assert "\nUnder x86-TSO it is possible; --model tso shows how.\n" in out


def test_several_claims_are_listed(capsys: Capture) -> None:
    code, out, _ = run(capsys, f"{HERE}:counting")
    assert code == 0
    assert out.startswith(
        "impossible under x86-TSO: all 2 that the protocol rules out\n"
        "  - TEST-4: the number is too large\n"
        "  - TEST-3: an addition is lost\n"
    )


def test_a_question_expects_nothing(capsys: Capture) -> None:
    code, out, _ = run(capsys, f"{HERE}:trying", "-p", "bound=2")
    assert (code, out.splitlines()[0]) == (0, "possible under x86-TSO: both changed it")
    assert "=> both changed it (x = 41)" in out


def test_giving_up_is_told(capsys: Capture, file) -> None:
    code, out, _ = run(capsys, f"{HERE}:hopeless")
    assert code == 0
    assert "But a CPU gave up at the bound of its loop of retries" in out


def test_a_protocol_of_the_book_by_name(capsys: Capture) -> None:
    code, out, _ = run(capsys, "split-spte", "-p", "count=never", "--model", "sc")
    assert code == 1
    assert "  7                                       R3: again = READ_ONCE(spte.low);" in out


def test_the_book_is_listed(capsys: Capture) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "split-spte\n    One CPU changes an spte, others read it meanwhile.\n" in out
    assert "    -p walkers=1, locked=true\n" in out
    code, out, _ = run(capsys, "--json")
    names = [each["name"] for each in json.loads(out)]
    assert "zap-all" in names


def test_a_version(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _, _ = run(capsys, "mmio-generation", "--epoch", "v3.11")
    new, _, _ = run(capsys, "mmio-generation", "--epoch", "v6.1")
    assert (old, new) == (1, 0)


def test_a_litmus_file(capsys: Capture, file) -> None:
    code, out, _ = run(capsys, file(BUFFERING))
    assert code == 0
    assert out.startswith("possible under x86-TSO: (0:EAX=0 /\\ 1:EAX=0)\n")
    code, out, _ = run(capsys, file(BUFFERING), "--model", "sc")
    assert code == 0
    assert "No order gets further: row 4 cannot happen: it reads 1, not 0." in out


@pytest.mark.parametrize(("result", "expected"), [("Never", 0), ("Sometimes", 0), ("Always", 1)])
def test_what_a_litmus_file_expects(result: str, expected: int, capsys: Capture, file) -> None:
    """What happens sometimes under the kernel's own model need not happen on x86."""
    code, out, _ = run(capsys, file(IN_C.replace("RESULT", result), "mp.litmus"))
    assert code == expected
    assert out.startswith("impossible under x86-TSO: (1:r0=1 /\\ 1:r1=0)\n")


def test_a_table(capsys: Capture, file) -> None:
    code, out, _ = run(capsys, file(TABLE))
    assert (code, out.splitlines()[0]) == (0, "possible under x86-TSO: (CPU1:r == 0)")
    code, out, _ = run(capsys, file(TABLE.replace("r == 0", "r == 2")))
    assert code == 0
    assert out.startswith("impossible under x86-TSO: (CPU1:r == 2)\n")
    assert "As drawn, row 2 cannot happen: it reads 0 or 1, not 2." in out


def test_a_drawing(capsys: Capture, file) -> None:
    drawn = TABLE.partition("\nexists")[0]
    code, out, _ = run(capsys, file(drawn))
    assert code == 0
    assert out.startswith(
        "possible under x86-TSO: the rows, in the order in which they are drawn\n"
    )
    assert "  2                                       r = READ_ONCE(x);  // " in out


def test_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BUFFERING.encode())))
    code, out, _ = run(capsys, "-")
    assert (code, out.splitlines()[0]) == (0, "possible under x86-TSO: (0:EAX=0 /\\ 1:EAX=0)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing-like-it"], "no protocol is named 'nothing-like-it'; there are "),
        (["nothing/like.it"], "nothing/like.it: No such file or directory; expected a table,"),
        (["split-spte", "-p", "readers"], "-p readers: expected NAME=VALUE"),
        (["split-spte", "-p", "speed=1"], "split-spte has no parameter 'speed'; it has updates="),
        (["split-spte", "-p", "readers=x"], "readers=x: expected a number"),
        (["split-spte", "-p", "updates=x"], "'x' is no update: expected one of"),
        (["split-spte", "--without", "Z9"], "no guard is named Z9; there are\n  S2: "),
        (["split-spte", "--epoch", "v1"], "no epoch 'v1'; the model speaks for v3.10"),
        (["split-spte", "--timeout", "0"], "--timeout 0: expected a number above 0"),
        (["split-spte", "--memory", "-1"], "--memory -1: expected a number above 0"),
        (["it.txt", "-p", "a=b"], "-p a=b: only a protocol of the book has parameters"),
        (["bytes"], "bytes: no text, byte 0 is not UTF-8"),
        (["it.txt"], "it.txt:1:1: expected "),
        (["it.litmus"], "it.litmus:"),
    ],
)
def test_bad_input(arguments: list[str], message: str, capsys: Capture, file, tmp_path) -> None:
    file("just prose")
    file("just prose", "it.litmus")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("mmuspec why: ")
    assert message in err


def test_too_many_states(capsys: Capture) -> None:
    code, out, err = run(capsys, "split-spte", "-p", "readers=2", "--memory", "10000")
    assert (code, out) == (124, "")
    assert "states were seen" in err
    assert "nothing is proved" in err
    assert "--memory BYTES gives more" in err


def test_too_little_time(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "decide", lambda *args, **options: time.sleep(5))
    code, out, err = run(capsys, "split-spte", "--timeout", "0.05")
    assert (code, out) == (124, "")
    assert err == "mmuspec why: not decided in 0.05 seconds; give more with --timeout\n"


def test_no_time_is_left_to_explain(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: object) -> None:
        raise TimeLimit

    monkeypatch.setattr(explain_why, "explained", late)
    code, out, _ = run(capsys, "split-spte")
    assert code == 0
    assert "impossible" in out
    assert "No time was left to look for the step that blocks it." in out


def test_an_error_of_our_own(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **options: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(deciding, "decide", broken)
    code, out, err = run(capsys, "split-spte")
    assert (code, out) == (3, "")
    assert "an error of mmuspec" in err
    assert "oops" in err


def test_data(capsys: Capture) -> None:
    code, out, _ = run(capsys, f"{HERE}:counting", "-p", "locked=false", "--json")
    told = json.loads(out)
    assert code == 1
    assert told["answer"] == "possible"
    assert told["rule"] == "TEST-3"
    assert told["model"] == "tso"
    assert told["cpus"] == ["each0", "each1"]
    assert told["schedule"][2] == {
        "cpu": "each0",
        "kind": "done",
        "label": "A2",
        "line": told["schedule"][2]["line"],
        "statement": "count = old + 5;",
        "value": None,
        "changes": [
            {"word": "done[0]", "before": "0x0", "after": "0x1"},
            {"word": "count", "before": "0x0", "after": "0x5"},
        ],
    }
    _, out, _ = run(capsys, f"{HERE}:counting", "--json")
    told = json.loads(out)
    assert told["answer"] == "impossible"
    assert told["as_expected"]
    (lock,) = [each for each in told["possible_without"] if each["guard"] == "C1"]
    assert lock["found"] == "TEST-3: an addition is lost"
    assert lock["reasons"]
    assert len(lock["schedule"]) > lock["done"]


def test_a_terminal_is_told_how_far_it_is(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(program, memory, *, progress, **options):
        progress(1_000, 10, 2e6)
        monkeypatch.setattr(why, "PATIENCE", -1)
        progress(2_000_000, 300, 2e6)
        return found

    found = deciding.decide(counting_program(), Memory.TSO)
    monkeypatch.setattr(deciding, "decide", slow)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    _, _, err = run(capsys, f"{HERE}:counting", "-p", "locked=false")
    assert err == "\r\x1b[K2,000,000 states, 300 newest, 2.0 million a second\r\x1b[K"


def counting_program():
    from tests.interleave.protocols_for_tests import counting

    return counting(locked=False)


def test_the_bound_is_passed_on(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def look(program, memory, **options):
        seen.update(options)
        raise TooManyStates(5, 6)

    monkeypatch.setattr(deciding, "decide", look)
    code, _, _ = run(capsys, "split-spte", "--memory", "77", "--no-reduction")
    assert code == 124
    assert (seen["bound"], seen["reduction"]) == (77, False)
