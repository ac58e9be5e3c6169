"""YAML of packages: no tags, no bombs, text as it stands."""

import pytest

from domain.errors import InvalidRequest
from domain.packages import yaml_files


def load(text: str | bytes) -> dict[str, object]:
    return yaml_files.parse(text.encode() if isinstance(text, str) else text, "x.yaml")


def test_scalars_are_text() -> None:
    assert load("a: 1E-6\nb: 2023-07-01\nc: no\nd: 010\ne: [1, two]") == {
        "a": "1E-6",
        "b": "2023-07-01",
        "c": "no",
        "d": "010",
        "e": ["1", "two"],
    }


def test_tabs_may_separate() -> None:
    """YAML allows it, and the parser does not."""
    assert load("a: x\t# why\n\t\n\t# b\nb:\t'2'\t\r\nc: y\tz\n") == {"a": "x", "b": "2", "c": "y z"}


def test_tags_construct_nothing() -> None:
    assert load("a: !!python/object/apply:os.system [echo]") == {"a": ["echo"]}
    assert load("a: !!python/name:os.system x") == {"a": "x"}


def test_nothing_is_an_empty_mapping() -> None:
    assert load("") == load("# nothing\n") == {}


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2]",
        "just words",
        "a: [",
        "a: &a [*a]",
        BOMB,
        "a: " + "[" * 50 + "]" * 50,
        "a: " + "[" * 5000,
        b"a: \xff\xfe",
        "a: \x00",
        "a: *b",
        'a: "\\0"',
        'a: ["\\ud800"]',
    ],
    ids=["list", "scalar", "open", "circle", "bomb", "deep", "deeper", "bytes", "nul", "alias", "escape", "surrogate"],
)
def test_what_is_none_is_refused_by_its_name(text: str | bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"x\.yaml"):
        load(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "two", "1_0x"])
def test_numbers_are_finite(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no number"):
        yaml_files.number(text, "limits.memory")
