"""What two programs said to each other, as it is kept."""

from hypothesis import given
from hypothesis import strategies as st

from domain.interaction import HEAD_BYTES, MOST_BYTES, Said, Speaker, decode, encode
from domain.limits import MAX_SHOWN_BYTES

_SAID = st.lists(st.builds(Said, st.sampled_from(Speaker), st.binary(min_size=1, max_size=50)), max_size=20)


@given(said=_SAID, truncated=st.booleans())
def test_what_is_kept_is_read_again(said: list[Said], *, truncated: bool) -> None:
    assert decode(encode(said, truncated=truncated)) == (said, truncated)


@given(said=_SAID, cut=st.integers(0, 2000))
def test_any_beginning_of_it_can_be_read(said: list[Said], cut: int) -> None:
    found, more = decode(encode(said, truncated=False)[:cut])
    assert not more
    assert "".join(one.speaker[0] for one in said).startswith("".join(one.speaker[0] for one in found))
    assert b"".join(one.data for one in said).startswith(b"".join(one.data for one in found))


def test_more_of_one_of_them_than_is_kept_ends_it() -> None:
    long = [Said(Speaker.PROGRAM, b"a"), Said(Speaker.INTERACTOR, b"x" * 100_000), Said(Speaker.PROGRAM, b"b")]
    kept = MOST_BYTES - HEAD_BYTES
    assert decode(encode(long, truncated=False)) == ([long[0], Said(Speaker.INTERACTOR, b"x" * kept)], True)


def test_many_short_ones_are_not_longer_than_is_shown() -> None:
    many = [Said(speaker, b"x") for _ in range(20_000) for speaker in Speaker]
    kept = encode(many, truncated=False)
    assert len(kept) <= MAX_SHOWN_BYTES
    assert decode(kept)[1]
