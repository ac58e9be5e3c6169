import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.files import matches

MEANT = [
    ("a.txt", "a.txt"),
    ("a.txt", "*.txt"),
    ("a.txt", "?.txt"),
    ("a.txt", "[ab].txt"),
    ("out/a.png", "out/*.png"),
    ("out/a.png", "*/*"),
    ("out/a.png", "**"),
    ("a", "**"),
    ("a", "**/a"),
    ("x/y/a", "**/a"),
    ("out/x/y/a.png", "out/**/*.png"),
    ("out/a.png", "out/**/*.png"),
    ("out/x/y", "out/**"),
    ("a/b/a/b", "**/a/b"),
    ("a/b/c/d", "a/**/c/**"),
    ("new\nline", "new*"),
    (".hidden", "*"),
]
NOT_MEANT = [
    ("a.txt", "b.txt"),
    ("a.TXT", "*.txt"),
    ("out/a.png", "*.png"),
    ("out/x/a.png", "out/*.png"),
    ("out", "out/**"),
    ("out", "out/"),
    ("a/b", "a"),
    ("a", "a/b"),
    ("a", ""),
    ("a/b/c", "**/b"),
    ("a", "**/**/b"),
    ("xa", "**a/b"),
]


@pytest.mark.parametrize(("path", "pattern"), MEANT)
def test_it_is_meant(path: str, pattern: str) -> None:
    assert matches(path, pattern)


@pytest.mark.parametrize(("path", "pattern"), NOT_MEANT)
def test_it_is_not_meant(path: str, pattern: str) -> None:
    assert not matches(path, pattern)


def test_many_folders_in_a_pattern_and_a_deep_path_come_to_an_end() -> None:
    path = "/".join("a" * 32)
    assert not matches(path, "/".join(["**", "a"] * 15 + ["b"]))
    assert matches(path, "/".join(["**", "a"] * 15))


def by_definition(names: list[str], patterns: list[str]) -> bool:
    """The same, as one would say it."""
    if not patterns:
        return not names
    if patterns == ["**"]:
        return bool(names)
    if patterns[0] == "**":
        return any(by_definition(names[skipped:], patterns[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], patterns[0]) and by_definition(names[1:], patterns[1:])


@given(
    names=st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=6),
    patterns=st.lists(st.sampled_from(["a", "b", "*", "?", "a*", "**"]), min_size=1, max_size=6),
)
def test_it_is_what_it_is_said_to_be(names: list[str], patterns: list[str]) -> None:
    assert matches("/".join(names), "/".join(patterns)) is by_definition(names, patterns)
