"""Output as live events: whole characters, caps, and what counts in the end."""

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.live import Telling
from workers.pieces import MOST_BYTES, Pieces

ROOM = 1 << 30


def said(events: list[Telling]) -> list[tuple[object, object]]:
    """Where each event begins, and its data; `...` where it says that there is more."""
    assert {(name, data["ordinal"], data["stream"]) for name, data in events} <= {("output", 3, "stdout")}
    return [(data["offset"], ... if data.get("truncated") else data["data"]) for _, data in events]


def whole(events: list[Telling]) -> bytes:
    """Put the data of events together, as a client does: an offset that was there before begins anew."""
    found = bytearray()
    for _, data in events:
        offset = data["offset"]
        assert isinstance(offset, int)
        assert offset <= len(found)
        del found[offset:]
        found += to_bytes(data)
    return bytes(found)


def to_bytes(data: Mapping[str, object]) -> bytes:
    match data["data"]:
        case str() as text:
            return text.encode()
        case {"base64": str() as coded}:
            return base64.b64decode(coded)
        case other:
            raise AssertionError(other)


@pytest.fixture
def pieces() -> Pieces:
    return Pieces(3, "stdout")


def test_it_tells_what_is_new(pieces: Pieces) -> None:
    assert pieces.hear(b"one")
    assert pieces.hear(b" two")
    assert said(pieces.events(ROOM, final=False)) == [(0, "one two")]
    assert pieces.events(ROOM, final=False) == []
    pieces.settle(b"one two three")
    assert said(pieces.events(ROOM, final=True)) == [(7, " three")]


def test_a_character_is_told_whole(pieces: Pieces) -> None:
    for byte in "a€😀é".encode():
        pieces.hear(bytes([byte]))
        pieces.events(ROOM, final=False)
    assert pieces.told == len("a€😀é".encode())


@pytest.mark.parametrize(("head", "held"), [(b"\xe2\x82", 2), (b"\xf0\x9f\x98", 3), (b"\xc3", 1), (b"\xf0", 1)])
def test_what_is_no_whole_character_waits_for_its_end(pieces: Pieces, head: bytes, held: int) -> None:
    pieces.hear(b"x" + head)
    assert said(pieces.events(ROOM, final=False)) == [(0, "x")]
    assert len(head) == held
    pieces.settle(b"x" + head)
    assert said(pieces.events(ROOM, final=True)) == [(1, {"base64": base64.b64encode(head).decode()})]


def test_bytes_that_are_no_text_are_told_as_such(pieces: Pieces) -> None:
    pieces.hear(b"\xff\x00")
    assert said(pieces.events(ROOM, final=False)) == [(0, {"base64": "/wA="})]


@given(parts=st.lists(st.one_of(st.text(max_size=5).map(str.encode), st.binary(max_size=5))), end=st.binary(max_size=9))
def test_nothing_is_lost_and_no_text_is_split(parts: list[bytes], end: bytes) -> None:
    pieces, found = Pieces(3, "stdout"), list[Telling]()
    for part in parts:
        pieces.hear(part)
        found += pieces.events(ROOM, final=False)
    pieces.settle(b"".join(parts) + end)
    found += pieces.events(ROOM, final=True)
    assert whole(found) == b"".join(parts) + end


@given(text=st.text(), sizes=st.lists(st.integers(1, 3), min_size=1))
def test_text_in_any_pieces_stays_text(text: str, sizes: list[int]) -> None:
    pieces, found, data = Pieces(3, "stdout"), list[Telling](), text.encode()
    at = 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        pieces.hear(data[at : at + size])
        found += pieces.events(ROOM, final=False)
        at += size
    assert all(isinstance(event["data"], str) for _, event in found)
    assert whole(found) == data


@pytest.mark.parametrize("size", [0, 1])
def test_it_is_cut_at_the_cap_and_says_so_once(pieces: Pieces, size: int) -> None:
    wanted = [pieces.hear(bytes(MOST_BYTES // 2)) for _ in range(2)]
    assert wanted == [True, True]
    first = pieces.events(ROOM, final=False)
    assert [len(to_bytes(data)) for _, data in first] == [MOST_BYTES]
    assert pieces.hear(bytes(10 * size)) is (size == 0)
    pieces.settle(bytes(MOST_BYTES + 100 * size))
    assert said(pieces.events(ROOM, final=True)) == [(MOST_BYTES, ...)] * size
    assert pieces.events(ROOM, final=True) == []


def test_no_more_is_kept_than_is_told(pieces: Pieces) -> None:
    for _ in range(10):
        pieces.hear(bytes(MOST_BYTES))
    pieces.events(ROOM, final=False)
    assert len(pieces.heard) == MOST_BYTES + 1


def test_a_cut_does_not_split_a_character(pieces: Pieces) -> None:
    pieces.settle("€".encode() * MOST_BYTES)
    (offset, text), cut = said(pieces.events(ROOM, final=True))
    assert (offset, text) == (0, "€" * (MOST_BYTES // 3))
    assert cut == (MOST_BYTES // 3 * 3, ...)


def test_where_there_is_no_room_it_is_cut(pieces: Pieces) -> None:
    pieces.hear(b"twelve bytes")
    assert said(pieces.events(6, final=False)) == [(0, "twelve"), (6, ...)]
    pieces.settle(b"twelve bytes and more")
    assert pieces.events(ROOM, final=True) == []


def test_the_output_of_another_run_is_told_from_its_beginning(pieces: Pieces) -> None:
    pieces.hear(b"first try")
    found = pieces.events(ROOM, final=False)
    pieces.settle(b"first, really")
    found += pieces.events(ROOM, final=True)
    assert said(found) == [(0, "first try"), (0, "first, really")]
    pieces.settle(b"")
    assert pieces.events(ROOM, final=True) == []
