"""The table of docs/threat-model.md is whole, and every test that it names is there."""

import ast
from pathlib import Path

import pytest

from tests.jail.threats import DOCUMENT, TREE, Named, main, threats

THREATS = threats(DOCUMENT.read_text())
NAMED = sorted({named for threat in THREATS for named in threat.tests}, key=lambda named: (named.file, named.functions))
BY_HAND = {"27"}
"""`make soak` takes longer than a test may."""

REPORT = """<testsuites><testsuite>
<testcase classname="tests.jail.test_ends" name="test_it_works[cgroup]"/>
<testcase classname="tests.jail.test_ends" name="test_it_works[sampled]"><failure/></testcase>
<testcase classname="tests.jail.test_ends" name="test_it_says"><skipped/></testcase>
<testcase classname="tests.problems.test_problems" name="test_it_comes_to[hidden_only/x.py]"/>
<testcase classname="tests.problems.test_problems" name="test_it_comes_to[bytes/x.py]"/>
</testsuite></testsuites>"""


def test_all_thirty_are_there() -> None:
    numbers = [threat.number for threat in THREATS]
    assert [int(number) for number in numbers if number.isdigit()] == list(range(1, 31))
    assert len(set(numbers)) == len(numbers)
    assert {threat.number for threat in THREATS if not threat.tests} == BY_HAND


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.file)
def test_what_it_names_is_there(named: Named) -> None:
    path = TREE / "tests" / named.file
    functions = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    assert functions >= set(named.functions)
    if named.package:
        assert list((TREE / "tests" / "problems").glob(f"{named.package}*/problem.toml"))


def test_results_become_a_table(tmp_path: Path) -> None:
    report = tmp_path / "here.xml"
    report.write_text(REPORT)
    lines = main([report]).splitlines()
    assert lines[0] == "| # | what is tried | here |"
    said = {line.split(" | ")[0]: line.rsplit(" | ", 1)[1] for line in lines[2:]}
    assert said["| 13"] == "1 passed, 1 failed, 1 skipped |"
    assert said["| 22"] == said["| 17"] == "1 passed |"
    assert said["| 30"] == "not run |"
