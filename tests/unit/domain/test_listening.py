from domain import live
from domain.ids import new_id
from domain.listening import BACKLOG_BYTES, Listener, Signal
from domain.live import Event

DATA_BYTES = 60 * 1024


def of(number: int) -> Event:
    return Event("output", "x" * DATA_BYTES, (1, number))


def listener() -> tuple[Listener, list[str]]:
    dropped: list[str] = []
    return Listener(new_id(), lambda: dropped.append("dropped")), dropped


def test_it_works() -> None:
    one, _ = listener()
    one.offer(of(1))
    one.offer(Signal.RESUME)

    assert one.next(1) == of(1)
    assert one.next(1) is Signal.RESUME
    assert one.next(0) is None


def test_whoever_leaves_a_mebibyte_untaken_is_dropped_once() -> None:
    one, dropped = listener()
    for number in range(3 * BACKLOG_BYTES // DATA_BYTES):
        one.offer(of(number))

    assert one.dropped
    assert dropped == ["dropped"]
    assert one.next(1) is Signal.DROPPED
    assert one.next(0) is None  # and none of what it did not take is kept


def test_whoever_takes_what_it_is_told_is_not_dropped() -> None:
    one, dropped = listener()
    for number in range(3 * BACKLOG_BYTES // DATA_BYTES):
        one.offer(of(number))
        assert one.next(1) == of(number)

    assert not dropped


def test_what_was_taken_counts_until_the_next_is_asked_for() -> None:
    one, dropped = listener()
    one.offer(of(0))
    one.next(1)  # it is being written to a client that does not read
    for number in range(1, BACKLOG_BYTES // DATA_BYTES):
        one.offer(of(number))
    assert not dropped

    one.offer(of(100))

    assert dropped


def test_the_least_event_counts_too() -> None:
    assert live.event("done", {}).size_bytes > len("{}")
