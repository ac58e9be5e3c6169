"""Both ends of the line between unit tests and a program, as processes of this machine: what passes, and what does not.

Here they are in two folders, and in no jail: tests/problems/bank has them in real ones.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.model import File
from domain.suite import Framework, Suite
from tests.unit.workers.making import LANGUAGES, planned
from workers.calling import beside
from workers.suites import interactor_of_suite

PASSED, FAILED = 42, 43
PATIENCE_S = 60
PROGRAM = b"""
class Overdrawn(ValueError):
    pass


class Box:
    def __init__(self, *things):
        self.things = list(things)

    def __len__(self):
        return len(self.things)

    def __iter__(self):
        return iter(self.things)

    def __getitem__(self, number):
        return self.things[number]

    def __eq__(self, other):
        return isinstance(other, Box) and self.things == other.things

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.things.clear()

    def add(self, thing):
        self.things.append(thing)
        return self


class Always(int):
    def __eq__(self, other):
        return True
    __ne__ = __lt__ = __gt__ = __eq__
    __hash__ = int.__hash__


class Ghost:
    seen = []
    def __eq__(self, other):
        Ghost.seen.append(other)
        return True
    def __sub__(self, other):
        Ghost.seen.append(other)
        return 0
    __lt__ = __gt__ = __ne__ = __rsub__ = __add__ = __eq__
    def __abs__(self):
        return 0
    def __len__(self):
        return 2
    def __iter__(self):
        return iter(Ghost.seen and [one for seen in Ghost.seen for one in seen])
    def difference(self, other):
        Ghost.seen.append(other)
        return set()


pytest = None


def set(*_):
    return 0


def pay(money):
    raise Overdrawn("missing", money)


def order(numbers):
    print("ordering")
    numbers.sort()


def twice(function):
    return function(1) + function(2)


def echo(value):
    return value


def end(code):
    raise SystemExit(code)


async def later():
    return "later"


def always():
    return Always()


def ghost():
    return Ghost()


def seen():
    return len(Ghost.seen)


def odd():
    raise KeyboardInterrupt


LIMIT = 3
"""
GOOD = b"""
import pytest
import solution
from solution import Box, Overdrawn, echo, later, order, pay, twice
from other import helper


def test_values(capsys):
    for value in (None, True, 1, 10**50, 1.5, "x", b"y", [1], (1, [2]), {1, 2}, frozenset({3}), {"a": {1: None}}):
        assert echo(value) == value
        assert type(echo(value)) is type(value)
    assert solution.LIMIT == 3
    assert later() == "later"
    assert helper() == "helped"
    numbers = [3, 1, 2]
    order(numbers)
    assert numbers == [1, 2, 3]
    assert capsys.readouterr().out == "ordering\\n"
    assert twice(lambda number: number * 10) == 30


def test_errors():
    with pytest.raises(Overdrawn) as caught:
        pay(7)
    assert caught.value.args == ("missing", 7)
    with pytest.raises(ValueError):
        pay(7)
    with pytest.raises(AttributeError):
        solution.nothing
    with pytest.raises(ImportError):
        from solution import nothing
    with pytest.raises(ModuleNotFoundError):
        import nowhere
    with pytest.raises(SystemExit):
        solution.end(0)
    with pytest.raises(TypeError):
        echo(object())


def test_objects():
    box = Box(1, 2)
    assert isinstance(box, Box)
    assert (len(box), list(box), box[1], 2 in box, 5 in box) == (2, [1, 2], 2, True, False)
    assert box.add(3) == Box(1, 2, 3)
    assert box != Box()
    with box as same:
        assert same.things == [1, 2, 3]
    assert box.things == []
    box.things = [9]
    assert list(box) == [9]


@pytest.mark.parametrize("number", [1, 2])
def test_parts(number):
    assert echo(number) == number
"""
BAD = {
    "a wrong value": "assert solution.echo(1) == 2",
    "an integer that is equal to everything": "assert solution.always() == 1",
    "an object that is equal to everything": "assert solution.ghost() == 1",
    "the same the other way round": "assert 1 == solution.ghost()",
    "an object that is near everything": "assert abs(solution.ghost() - 1) < 2",
    "the other way round": "assert abs(1 - solution.ghost()) < 2",
    "an object below everything": "assert solution.ghost() < 1",
    "approximately": "assert solution.ghost() == pytest.approx(1)",
    "among others": "assert solution.ghost() in [1, 2]",
    "approximately many": "assert solution.ghost() == pytest.approx([1, 2])",
    "the same the other way round, many": "assert pytest.approx([1, 2]) == solution.ghost()",
    "that asks for what is right": "unittest.TestCase().assertSetEqual(solution.ghost(), {1, 2})",
    "of which a set is asked": "unittest.TestCase().assertSetEqual({1, 2}, solution.ghost())",
}
STAR = b"""
import pytest
from solution import *


def test_it_is_not_what_the_program_says():
    assert echo(1) == pytest.approx(1)
    assert isinstance(always(), int)
"""
REPLACED = b"""
from solution import *


def test_it():
    assert set(echo([1])) == set([2])
"""
UNFINISHED = {
    "a wrong value": "assert solution.echo(1) == 2",
    "ends with 0 in the middle": "solution.end(0)",
    "another end": "solution.odd()",
    "is skipped": "pytest.skip('not today')",
    "is expected to fail": "pytest.xfail('not today')",
    "ends pytest": "pytest.exit('enough', 0)",
}
PYTHON = LANGUAGES.known["python"].run.argv[0]
End = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path) -> End:
    """Run tests, in a process, against the program in another; gives the exit code of the tests'."""
    made = planned(sources=(File("main.py", PROGRAM), File("other.py", b"def helper():\n    return 'helped'\n")))
    told = "with pytest.raises((AssertionError, TypeError, ValueError)):"
    bad = "".join(f"\n\ndef test_bad_{n}():\n    {told}\n        {line}\n" for n, line in enumerate(BAD.values()))
    bad += "\n\ndef test_nothing_was_told():\n    assert solution.seen() == 0\n"
    bad += "".join(f"\n\ndef test_{number}():\n    {line}\n" for number, line in enumerate(UNFINISHED.values()))
    stars = (File("test_star.py", STAR), File("test_replaced.py", REPLACED))
    files = (
        *stars,
        File("test_good.py", GOOD),
        File("test_bad.py", f"import unittest\nimport pytest\nimport solution\n{bad}".encode()),
    )
    suite = Suite(Framework.PYTEST, files)
    asked = planned(sources=made.submission.sources, suite=suite).submission
    tests = interactor_of_suite(LANGUAGES.known["python"], suite).program
    for folder, put in (
        ("program", (*asked.sources, *beside(LANGUAGES.known["python"], asked, "main.py"))),
        ("tests", tests.sources),
    ):
        for file in put:
            path = tmp_path / folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
    (tmp_path / "feedback").mkdir()

    def end(*test: str) -> int:
        (tmp_path / "input").write_text("\n".join(test))
        (one, other), (third, fourth) = os.pipe(), os.pipe()
        arguments = [str(tmp_path / "input"), "answer", str(tmp_path / "feedback")]
        commands: tuple[tuple[str, str, list[str], int, int], ...] = (
            ("program", ".shipd/program.py", [], one, fourth),
            ("tests", "tests.py", arguments, third, other),
        )
        processes = [
            subprocess.Popen(
                [PYTHON, "-B", script, *more],
                cwd=tmp_path / folder,
                stdin=given,
                stdout=said,
                stderr=subprocess.DEVNULL,
                env={},
            )
            for folder, script, more, given, said in commands
        ]
        for descriptor in (one, other, third, fourth):
            os.close(descriptor)
        program, judge = (process.wait(PATIENCE_S) for process in processes)
        assert program == 0
        return judge

    return end


def test_it_passes_what_is_right(run: End) -> None:
    assert run("test_good.py") == PASSED


def test_no_object_is_as_good_as_a_value(run: End) -> None:
    found = [f"test_bad.py::test_bad_{number}" for number in range(len(BAD))]
    assert run(*found, "test_bad.py::test_nothing_was_told") == PASSED


def test_all_that_a_program_has_takes_no_word_from_its_tests(run: End, tmp_path: Path) -> None:
    assert run("test_star.py") == PASSED
    assert run("test_replaced.py") == FAILED
    assert "import * would replace set" in (tmp_path / "feedback" / "teammessage.txt").read_text()


def test_what_does_not_come_to_its_end_does_not_pass(run: End, tmp_path: Path) -> None:
    passed = [name for number, name in enumerate(UNFINISHED) if run(f"test_bad.py::test_{number}") != FAILED]
    assert passed == []
    assert (tmp_path / "feedback" / "teammessage.txt").read_text() == "the test did not run to its end"


@pytest.mark.parametrize("test", ["test_good.py::test_that_is_not_there", "nowhere.py"])
def test_what_does_not_run_does_not_pass(run: End, test: str) -> None:
    assert run(test) == FAILED


def test_without_pytest_nobody_says_anything(run: End, tmp_path: Path) -> None:
    (tmp_path / "tests" / "pytest.zip").unlink()
    assert run("test_good.py") not in {PASSED, FAILED}
