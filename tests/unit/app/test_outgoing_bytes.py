import base64

from hypothesis import example, given
from hypothesis import strategies as st

from app.schemas.bytes import bytes_json
from domain.views import Shown
from tests.shown import shown


def test_it_shows_text_as_a_string() -> None:
    assert bytes_json(shown("héllo\0\n".encode())) == "héllo\0\n"


def test_it_shows_other_bytes_as_base64() -> None:
    assert bytes_json(shown(b"\xff\0")) == {"base64": "/wA="}


def test_it_shows_as_much_as_was_read() -> None:
    assert bytes_json(Shown(b"x" * 65_536, 65_537, is_text=True)) == "x" * 65_536


def test_it_ends_before_a_character_that_was_split() -> None:
    assert bytes_json(shown(b"x" + "é".encode() * 32_768)) == "x" + "é" * 32_767


def test_it_shows_the_beginning_of_long_bytes_as_base64_though_that_part_is_text() -> None:
    value = shown(b"x" * 70_000 + b"\xff")

    assert bytes_json(value) == {"base64": base64.b64encode(b"x" * 65_536).decode()}


def test_it_shows_bytes_that_a_disk_changed() -> None:
    assert bytes_json(Shown(b"a\xffb", 3, is_text=True)) == "a\ufffdb"


@given(st.binary())
def test_it_loses_nothing(value: bytes) -> None:
    given_out = bytes_json(shown(value))

    assert (given_out.encode() if isinstance(given_out, str) else base64.b64decode(given_out["base64"])) == value


@given(st.text(), st.integers(min_value=4, max_value=40))
@example("𐍈𐍈", 5)
def test_a_cut_text_is_a_beginning_of_it(text: str, limit: int) -> None:
    value = shown(text.encode(), limit)

    given_out = bytes_json(value)

    assert isinstance(given_out, str)
    assert text.startswith(given_out)
    assert value.truncated == (len(text.encode()) > limit) == (given_out != text)
    if value.truncated:
        assert limit - 4 < len(given_out.encode()) <= limit


@given(st.binary(), st.integers(min_value=0, max_value=40))
def test_cut_bytes_are_a_beginning_of_them(value: bytes, limit: int) -> None:
    given_out = bytes_json(shown(b"\xff" + value, limit))

    assert isinstance(given_out, dict)
    assert base64.b64decode(given_out["base64"]) == (b"\xff" + value)[:limit]
