import pytest

from domain import live


def test_it_works() -> None:
    assert live.place("1795643330531-7") == (1795643330531, 7)
    assert live.written((1795643330531, 7)) == "1795643330531-7"


@pytest.mark.parametrize(
    "text", ["", "1", "1-", "-1", "1-1-1", " 1-1", "1-1\n", "a-1", "\u0661-1", "$", "1" * 20 + "-1", "1-1;DROP", "+1-1"]
)
def test_what_is_no_id_is_known_as_such(text: str) -> None:
    assert live.place(text) is None


def test_later_events_compare_greater() -> None:
    places = [live.place(text) for text in ("9-0", "10-0", "10-2", "10-10", "1795643330531-0")]

    assert places == sorted(place for place in places if place is not None)


def test_an_event_is_one_line_of_json() -> None:
    made = live.event("output", {"data": "a\nb\u2028c\r"})

    assert "\n" not in made.data
    assert "\r" not in made.data
    assert made.id is None
    assert live.event("done", {}, (1, 2)).id == "1-2"
