"""Litmus files on disk: folders, lists, and what is no litmus file."""

import pytest

from mmuspec.interleave.errors import NotModelledError
from mmuspec.interleave.litmus.files import (
    LARGEST,
    Unreadable,
    litmus_files,
    read_litmus,
    text_of,
)

SB = "X86 SB\n{}\n P0;\n MFENCE;\n"
C = "C t\n{}\nP0(int *x)\n{\n\tWRITE_ONCE(*x, 1);\n}\nexists (x=1)\n"


@pytest.fixture
def folder(tmp_path):
    for name in ("b.litmus", "a.litmus", "c.txt", "sub/d.litmus"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(SB)
    (tmp_path / "@all").write_text("# some\n\nb.litmus\nsub/@more\n")
    (tmp_path / "sub" / "@more").write_text("d.litmus\nmissing.litmus\n")
    return tmp_path


def found(folder, path):
    return [(file.removeprefix(f"{folder}/"), problem) for file, problem in litmus_files(str(path))]


def test_a_folder_stands_for_the_litmus_files_below_it(folder):
    assert found(folder, folder) == [("a.litmus", ""), ("b.litmus", ""), ("sub/d.litmus", "")]


def test_a_file_stands_for_itself_whatever_its_name(folder):
    assert found(folder, folder / "c.txt") == [("c.txt", "")]


def test_a_list_stands_for_the_files_in_it(folder):
    listed = [("b.litmus", ""), ("sub/d.litmus", ""), ("sub/missing.litmus", "")]
    assert found(folder, folder / "@all") == listed
    (folder / "@all").rename(folder / "all")
    assert found(folder, folder / "@all") == listed


def test_a_list_that_is_not_there_or_contains_itself(folder):
    assert found(folder, folder / "@none") == [("@none", "No such file or directory")]
    (folder / "@round").write_text("a.litmus\n@round\n")
    assert found(folder, folder / "@round") == [
        ("a.litmus", ""),
        ("@round", "this list contains itself"),
    ]


def test_a_folder_without_any(tmp_path):
    assert found(tmp_path, tmp_path / "") == [
        (f"{tmp_path}", "no file in this folder ends in .litmus")
    ]


def test_lines_may_end_as_on_other_systems(tmp_path):
    (tmp_path / "a").write_bytes(b"X86 a\r\n{}\r\n P0;\r\n MFENCE;\r\n")
    assert read_litmus(text_of(str(tmp_path / "a"))).name == "a"


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"a\0b", "this is no litmus file: it is not text"), (b"x" * (LARGEST + 1), "longer than")],
)
def test_what_is_no_text(tmp_path, data, problem):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(Unreadable, match=problem):
        text_of(str(tmp_path / "a"))


def test_the_first_word_says_which_reader(folder):
    assert read_litmus(SB).arch == "X86"
    assert read_litmus(SB.replace("X86", "X86_64")).arch == "X86_64"
    assert read_litmus(C).arch == "C"
    with pytest.raises(NotModelledError, match=r"f:1:1: .*AArch64 \(X86, X86_64, C are\)"):
        read_litmus(SB.replace("X86", "AArch64"), "f")
