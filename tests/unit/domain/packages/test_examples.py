"""Example submissions: what they are and what they must come to."""

from pathlib import Path

import pytest

from domain.packages import archive, folder, reading
from domain.problem import Example
from domain.verdict import Verdict
from tests.unit.domain.packages.trees import CURRENT, HELLO, Files, read, told, tree

CRASHED = (Verdict.MLE, Verdict.OLE, Verdict.RTE)
FAILED = (Verdict.WA, Verdict.TLE, *CRASHED)


def example(files: Files) -> Example:
    """Read the only submission of a package with these files."""
    found = [one for one in reading.examples(tree({**HELLO, **files})) if not one.path.startswith("accepted/echo")]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("accepted", (Verdict.AC,)),
        ("wrong_answer", (Verdict.WA,)),
        ("time_limit_exceeded", (Verdict.TLE,)),
        ("run_time_error", CRASHED),
        ("rejected", FAILED),
        ("brute_force", (Verdict.TLE, *CRASHED)),
        ("compiler_error", (Verdict.CE,)),
        ("compile_error", (Verdict.CE,)),
        ("mixed", ()),
        ("mixed-verdicts", ()),
        ("wrong-answer", (Verdict.WA,)),
        ("partially_accepted", ()),
    ],
)
def test_folders(folder: str, expected: tuple[Verdict, ...]) -> None:
    assert example({f"submissions/{folder}/x.c": "x"}).expected == expected


@pytest.mark.parametrize(
    ("words", "expected", "points"),
    [
        ("RESULTS@: CORRECT", (Verdict.AC,), None),
        ("RESULTS@: CORRECT, WRONG-ANSWER", (Verdict.AC, Verdict.WA), None),
        ("RESULTS@: TIMELIMIT,RUN-ERROR", (Verdict.TLE, *CRASHED), None),
        ("RESULTS@: NO-OUTPUT", (Verdict.WA,), None),
        ("RESULTS@: COMPILER-ERROR", (Verdict.CE,), None),
        ("RESULTS@: ACCEPTED", (Verdict.AC,), None),
        ("RESULTS@: TIME_LIMIT_EXCEEDED", (Verdict.TLE,), None),
        ("SCORE@: CORRECT", (Verdict.AC,), None),
        ("SCORE@: 74.42", (), (74.42, 74.42)),
        ("RESULTS@: CHECK-MANUALLY", (), None),
    ],
)
def test_a_submissions_own_words(words: str, expected: tuple[Verdict, ...], points: object) -> None:
    found = example({"submissions/mixed/x.c": f"/* @EXPECTED_{words} */ int main() {{}}"})
    assert (found.expected, found.points) == (expected, points)


@pytest.mark.parametrize(
    ("pattern", "said", "expected", "points"),
    [
        ("mixed/x.py", "{permitted: [AC, WA], required: [WA]}", (Verdict.WA,), None),
        ("mixed/*", "{permitted: [AC, TLE]}", (Verdict.AC, Verdict.TLE), None),
        ("mixed", "{required: [RTE, TLE]}", (Verdict.TLE, *CRASHED), None),
        ("mixed/{x,y}.py", "{permitted: [AC]}", (Verdict.AC,), None),
        ("mixed/y.py", "{permitted: [AC]}", (), None),
        ("*", "{permitted: [AC]}", (Verdict.AC,), None),
        ("mixed/x.py", "{score: 30}", (), (30.0, 30.0)),
        ("mixed/x.py", "{score: [10, 40]}", (), (10.0, 40.0)),
    ],
)
def test_submissions_yaml(pattern: str, said: str, expected: tuple[Verdict, ...], points: object) -> None:
    found = example({"submissions/mixed/x.py": "x", "submissions/submissions.yaml": f"'{pattern}': {said}\n"})
    assert (found.expected, found.points) == (expected, points)


def test_what_submissions_yaml_says_of_groups_and_messages_is_reported(tmp_path: Path) -> None:
    text = "accepted/*:\n  authors: A\n  message: hi\n  secret/group1: {permitted: [AC]}\n"
    imported = read({**HELLO, "submissions/submissions.yaml": text}, tmp_path)
    assert len(told(imported, "submissions.yaml")) == 2


def test_language_and_entry_point_may_be_said() -> None:
    files = {"submissions/mixed/x/a.py": "x", "submissions/mixed/x/b.py": "x"}
    said = {"submissions/submissions.yaml": "mixed/x: {language: python3, entrypoint: b.py}"}
    assert example({**files, **said}).program.entry_point == "b.py"


@pytest.mark.parametrize(
    ("path", "source", "language", "named"),
    [
        ("a.cc", "x", "cpp@20", "a.cc"),
        ("a.C", "x", "cpp@20", "a.cc"),
        ("a.c", "x", "c", "a.c"),
        ("guess.java", "public class Main {}", "java", "Main.java"),
        ("guess.java", "class Main {}", "java", "guess.java"),
        ("x.rs", "x", "rust", "x.rs"),
        ("x.js", "x", "javascript", "x.js"),
        ("x.go", "x", "go", "x.go"),
    ],
)
def test_files_have_names_that_our_compilers_take(path: str, source: str, language: str, named: str) -> None:
    program = example({f"submissions/mixed/{path}": source}).program
    assert (program.language, program.sources[0].path) == (language, named)


@pytest.mark.parametrize("path", ["x.hs", "x.kt", "x.adb", "x", "x.sh"])
def test_languages_that_nobody_runs_are_reported(path: str, tmp_path: Path) -> None:
    imported = read({**HELLO, f"submissions/accepted/{path}": "x"}, tmp_path)
    assert len(imported.version.examples) == 1
    assert len(told(imported, f"submissions/accepted/{path}")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "#!/usr/bin/env python2\n",
        "#!/usr/bin/python\n\nprint 'hello'\n",
        "for line in open(0):\n    print abs(int(line))\n",
        "if 1: print 5",
        "n = int(raw_input())\nprint(n)\n",
        "for _ in xrange(3): pass\n",
    ],
)
def test_python_2_is_reported(source: str, tmp_path: Path) -> None:
    imported = read({**HELLO, "submissions/accepted/p.py": source}, tmp_path)
    assert len(told(imported, "accepted/p.py")) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""print the sum\n\nprint it\n"""\nprint("hello")\n',
        "# print 'hello'\nprint ('hello')\n",
        "print = max\nprint if print else 1\n",
        "try:\n    input = raw_input\nexcept NameError:\n    pass\nraw_input()\n",
        "xrange = range\nfor _ in xrange(3): pass\n",
        "x = '",
        "\0",
        "if x:\n  y\n z",
        "print",
    ],
)
def test_what_python_3_may_mean_is_no_python_2(source: str) -> None:
    assert example({"submissions/accepted/p.py": source}).program.language == "python"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x.py", (Verdict.RTE, Verdict.CE)), ("x.js", (Verdict.RTE, Verdict.CE)), ("x.c", (Verdict.CE,))],
)
def test_what_does_not_compile_may_crash_where_nothing_is_compiled(name: str, expected: tuple[Verdict, ...]) -> None:
    assert set(example({f"submissions/compiler_error/{name}": "("}).expected) == set(expected)


def test_an_example_with_a_name_that_nobody_takes_is_reported(tmp_path: Path) -> None:
    name = "submissions/compiler_error/bad/a\\#.c"
    imported = read({**HELLO, name: "x"}, tmp_path)
    assert len(imported.version.examples) == 1
    assert len(told(imported, name)) == 1
    with (tmp_path / "p.zip").open("w+b") as file:
        folder.pack(tree({**HELLO, name: "x"}), file)
        with archive.opened(file) as again:
            assert again.dropped == (name,)


SEVERAL = {"submissions/accepted/x/b.py": "import a", "submissions/accepted/x/a.py": "a = 1"}


def test_several_files_start_where_submissions_json_says() -> None:
    said = '{"submissions/accepted/x/": {"entry_point": "b.py"}}'
    assert example({**SEVERAL, "submissions.json": said}).program.entry_point == "b.py"


def test_or_at_the_first_where_nothing_says() -> None:
    assert example(SEVERAL).program.entry_point == "a.py"


def test_partial_ones_earn_less_than_all() -> None:
    files = {"problem.yaml": CURRENT + "type: scoring", "submissions/partially_accepted/x.py": "x"}
    found = example(files)
    assert found.points is not None
    least, most = found.points
    assert least == 0
    assert 99 < most < 100
