from pathlib import Path

from mmuspec.rules.tests import naming


def test_marked_tests_are_found_without_importing_them(tmp_path: Path) -> None:
    tests = tmp_path / "tests" / "kvm"
    tests.mkdir(parents=True)
    (tests / "test_zap.py").write_text(
        "import no_such_module\n"
        "@pytest.mark.rule('ZAP-1', 'ZAP-2')\n"
        "def test_zap(): ...\n"
        "@pytest.mark.rule('ZAP-2')\n"
        "class TestAll: ...\n"
        "@pytest.mark.parametrize('ZAP-3', [])\n"
        "def test_other(): ...\n"
    )
    found = naming(tmp_path)
    assert {rule: [test.name for test in tests] for rule, tests in found.items()} == {
        "ZAP-1": ["test_zap"],
        "ZAP-2": ["test_zap", "TestAll"],
    }
    assert (found["ZAP-1"][0].file, found["ZAP-1"][0].line) == ("tests/kvm/test_zap.py", 3)
