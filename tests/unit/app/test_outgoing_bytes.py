import base64

from hypothesis import example, given
from hypothesis import strategies as st

from app.schemas.bytes import shown_bytes


def test_it_shows_text_as_a_string() -> None:
    assert shown_bytes("héllo\0\n".encode()) == ("héllo\0\n", False)


def test_it_shows_other_bytes_as_base64() -> None:
    assert shown_bytes(b"\xff\0") == ({"base64": "/wA="}, False)


def test_it_does_not_cut_at_the_limit() -> None:
    assert shown_bytes(b"x" * 65_536) == ("x" * 65_536, False)


def test_it_cuts_above_the_limit() -> None:
    assert shown_bytes(b"x" * 65_537) == ("x" * 65_536, True)


def test_it_cuts_before_a_character_that_would_be_split() -> None:
    assert shown_bytes(b"x" + "é".encode() * 32_768) == ("x" + "é" * 32_767, True)


def test_it_shows_the_beginning_of_long_bytes_as_base64_though_that_part_is_text() -> None:
    shown, truncated = shown_bytes(b"x" * 70_000 + b"\xff")

    assert truncated
    assert shown == {"base64": base64.b64encode(b"x" * 65_536).decode()}


@given(st.binary())
def test_it_loses_nothing(value: bytes) -> None:
    shown, truncated = shown_bytes(value)

    assert not truncated
    assert (shown.encode() if isinstance(shown, str) else base64.b64decode(shown["base64"])) == value


@given(st.text(), st.integers(min_value=4, max_value=40))
@example("𐍈𐍈", 5)
def test_a_cut_text_is_a_beginning_of_it(text: str, limit: int) -> None:
    value = text.encode()

    shown, truncated = shown_bytes(value, limit)

    assert isinstance(shown, str)
    assert text.startswith(shown)
    assert truncated == (len(value) > limit)
    if truncated:
        assert limit - 4 < len(shown.encode()) <= limit
    else:
        assert shown == text


@given(st.binary(), st.integers(min_value=0, max_value=40))
def test_cut_bytes_are_a_beginning_of_them(value: bytes, limit: int) -> None:
    shown, _ = shown_bytes(b"\xff" + value, limit)

    assert isinstance(shown, dict)
    assert base64.b64decode(shown["base64"]) == (b"\xff" + value)[:limit]
