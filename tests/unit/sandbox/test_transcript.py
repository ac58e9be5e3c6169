"""Who said what, as a conversation goes on."""

from sandbox.transcript import EACH_BYTES, MOST_BYTES, Said, Speaker, Transcript

PROGRAM, INTERACTOR = Speaker.PROGRAM, Speaker.INTERACTOR


def test_what_one_says_on_end_is_one_piece() -> None:
    talk = Transcript()
    for speaker, data in ((PROGRAM, b"? 1"), (PROGRAM, b"\n"), (INTERACTOR, b"more\n"), (PROGRAM, b"? 2\n")):
        talk.add(speaker, data)
    assert talk.said == (Said(PROGRAM, b"? 1\n"), Said(INTERACTOR, b"more\n"), Said(PROGRAM, b"? 2\n"))
    assert not talk.truncated


def test_it_ends_where_one_has_said_more_than_is_kept() -> None:
    talk = Transcript()
    talk.add(INTERACTOR, b"hello")
    talk.add(PROGRAM, b"x" * (2 * MOST_BYTES))
    talk.add(INTERACTOR, b"and what came then")
    assert talk.said == (Said(INTERACTOR, b"hello"), Said(PROGRAM, b"x" * (MOST_BYTES - EACH_BYTES)))
    assert talk.truncated


def test_a_change_of_speaker_counts_too() -> None:
    talk = Transcript()
    for _ in range(MOST_BYTES):
        talk.add(PROGRAM, b"x")
        talk.add(INTERACTOR, b"y")
    assert len(talk.said) == 2 * (MOST_BYTES // (EACH_BYTES + 1))
    assert talk.truncated
