"""What is tried again, and when, without a network."""

from dataclasses import replace

import pytest

from client import ApiError, Policy, TooManyRequests, Unreachable
from client.flows import Call, Failure, Flow, Pause, Reply, exchange, retried

CALL = Call("GET", "/")
FINE = Reply(200, {}, b"{}")
BUSY = Reply(429, {"retry-after": "3"}, b"{}")
BROKEN = Failure(ConnectionError("reset"))
POLICY = Policy(attempts=3, first_pause_s=1, chance=lambda: 0.5)


def drive(flow: Flow[Reply], *said: Reply | Failure) -> tuple[Reply, list[float]]:
    """Answer each call in turn; give what came out, and how long was waited each time."""
    waiting, pauses = list(said), list[float]()
    step = next(flow)
    while True:
        if isinstance(step, Pause):
            pauses.append(step.seconds)
        try:
            step = flow.send(None if isinstance(step, Pause) else waiting.pop(0))
        except StopIteration as end:
            assert waiting == []
            return end.value, pauses


def test_what_works_is_asked_once() -> None:
    assert drive(exchange(CALL, POLICY), FINE) == (FINE, [])


def test_what_may_be_otherwise_next_time_is_asked_again() -> None:
    assert drive(exchange(CALL, POLICY), BUSY, BROKEN, FINE) == (FINE, [3 + 1.0, 2.0])
    unavailable = Reply(503, {}, b"")
    assert drive(exchange(CALL, POLICY), unavailable, FINE) == (FINE, [1.0])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 502])
def test_what_is_refused_stays_refused(status: int) -> None:
    with pytest.raises(ApiError) as caught:
        drive(exchange(CALL, POLICY), Reply(status, {}, b""))
    assert caught.value.http_status == status


def test_it_gives_up_with_the_last_reason() -> None:
    with pytest.raises(TooManyRequests) as caught:
        drive(exchange(CALL, POLICY), BROKEN, BROKEN, BUSY)
    assert caught.value.retry_after_s == 3
    with pytest.raises(Unreachable, match="no answer after 3 attempts: reset"):
        drive(exchange(CALL, POLICY), BUSY, BUSY, BROKEN)


def test_it_does_not_sleep_until_tomorrow() -> None:
    with pytest.raises(TooManyRequests) as caught:
        drive(exchange(CALL, POLICY), replace(BUSY, headers={"retry-after": "7200"}))
    assert caught.value.retry_after_s == 7200


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("", None), ("-1", None)],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert Reply(503, {"retry-after": text}, b"").retry_after_s == seconds


def test_pauses_grow_up_to_a_bound_and_differ() -> None:
    whole = Policy(attempts=99, first_pause_s=1, longest_pause_s=10, chance=lambda: 1.0)
    assert [whole.pause_s(attempt) for attempt in (1, 2, 3, 4, 50)] == [2, 4, 8, 10, 10]
    assert replace(whole, chance=lambda: 0.0).pause_s(4) == 0
    assert len({Policy().pause_s(1) for _ in range(10)}) > 1


def test_every_call_of_a_flow_is_tried_again() -> None:
    def twice() -> Flow[Reply]:
        yield CALL
        yield Pause(9)
        said = yield CALL
        assert isinstance(said, Reply)
        return said

    assert drive(retried(twice(), POLICY), BROKEN, FINE, BROKEN, FINE) == (FINE, [1.0, 9, 1.0])
