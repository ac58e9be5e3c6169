"""Static checks as files: what is wrong in one is named, and stops whoever reads it."""

from pathlib import Path

import pytest

from domain.errors import InvalidRequest
from domain.settings import TREE
from domain.static_checks import StaticChecks, read

RIGHT = """
language = "python"
[limits]
cpu_time_ms = 1
wall_time_ms = 2
memory_mb = 3
output_kb = 4
[imports]
math = "numbers"
[names]
eval = "runs text"
[attributes]
"""


def test_it_works(tmp_path: Path) -> None:
    (tmp_path / "course-1.toml").write_text(RIGHT)
    check = StaticChecks.load(tmp_path).choose("course-1")
    assert (check.name, check.language, check.limits.memory_mb) == ("course-1", "python", 3)
    assert (check.imports, check.names, check.attributes) == ({"math": "numbers"}, {"eval": "runs text"}, {})


def test_ours_are_right() -> None:
    assert list(StaticChecks.load(TREE / "jail-configs" / "static").known) == ["basic"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[names]", "[nmaes]", "unknown keys ['nmaes'] and missing keys ['names']"),
        ('language = "python"', 'language = "python"\nextra = 1', "unknown keys ['extra']"),
        ('language = "python"', "", "missing keys ['language']"),
        ('"python"', '"cobol"', "language 'cobol' cannot be checked, only python"),
        ("memory_mb = 3", "", "limits has missing keys ['memory_mb']"),
        ("memory_mb = 3", "memory_mb = 3\nmemory_kb = 3", "limits has unknown keys ['memory_kb']"),
        ("memory_mb = 3", "memory_mb = 0", "limits.memory_mb must be a whole number above 0, not 0"),
        ("memory_mb = 3", "memory_mb = true", "limits.memory_mb must be"),
        ("memory_mb = 3", 'memory_mb = "3"', "limits.memory_mb must be"),
        ("math =", '"os.path" =', "imports: 'os.path' is not a name"),
        ('"numbers"', '" "', "imports.math must say its reason"),
        ('"numbers"', "1", "imports.math must say its reason"),
        ("[attributes]", "", "missing keys ['attributes']"),
        ('[names]\neval = "runs text"', "", "missing keys ['names']"),
        ("[limits]", "[limits", "line"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RIGHT.replace(old, new))
    with pytest.raises(ValueError, match=r"wrong\.toml") as raised:
        StaticChecks.load(tmp_path)
    assert told in str(raised.value)


def test_a_list_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('names = ["eval"]\n' + RIGHT.replace('[names]\neval = "runs text"\n', ""))
    with pytest.raises(ValueError, match="names must be a table"):
        StaticChecks.load(tmp_path)


@pytest.mark.parametrize("name", ["UPPER", "under_score", "x" * 33])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.toml").write_text(RIGHT)
    with pytest.raises(ValueError, match="must be 1 to 32"):
        StaticChecks.load(tmp_path)


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"x\.toml"):
        read(tmp_path / "x.toml")


def test_there_may_be_none(tmp_path: Path) -> None:
    checks = StaticChecks.load(tmp_path / "nowhere")
    with pytest.raises(InvalidRequest, match="unknown static check 'basic'; there is none"):
        checks.choose("basic")


def test_an_unknown_one_names_the_known(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RIGHT)
    (tmp_path / "b.toml").write_text(RIGHT)
    with pytest.raises(InvalidRequest, match="there are: a, b"):
        StaticChecks.load(tmp_path).choose("c")
