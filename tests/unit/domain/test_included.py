"""Files that go with every submission to a problem."""

from domain.file import File
from domain.included import laid_over

OWN = (File("solution.py", b"own"),)


def test_without_any_nothing_changes() -> None:
    assert laid_over(OWN, "solution.py", "python", {}) == (OWN, "solution.py")


def test_those_of_the_language_come_over_those_of_any_and_over_the_submissions() -> None:
    included = {
        "": (File("lib.py", b"any"), File("data.txt", b"any")),
        "python": (File("lib.py", b"python"), File("solution.py", b"theirs")),
        "cpp": (File("lib.h", b"cpp"),),
    }
    sources, entry = laid_over(OWN, "solution.py", "python@3.11", included)
    assert {file.path: file.content for file in sources} == {
        "solution.py": b"theirs",
        "lib.py": b"python",
        "data.txt": b"any",
    }
    assert entry == "solution.py"


def test_a_main_program_takes_over() -> None:
    included = {"python": (File("main.py", b"import solution"),)}
    assert laid_over(OWN, "solution.py", "python", included)[1] == "main.py"
    assert laid_over((File("a.cc", b""),), None, "cpp", {"cpp": (File("main.cpp", b""),)})[1] is None


def test_what_cannot_lie_beside_them_is_left_out() -> None:
    """Else whoever submits could have every run end as a fault of ours."""
    included = {"": (File("notes", b"any"),), "python": (File("lib/helper.py", b"python"),)}
    clashing = (File("lib", b"a file"), File("notes/deep/x", b"in a file"), File("lib/more.py", b"beside"))
    sources, _ = laid_over((*OWN, *clashing), "solution.py", "python", included)
    assert [file.path for file in sources] == ["solution.py", "lib/more.py", "notes", "lib/helper.py"]
