"""Windows in Redis that slide, for all processes together; and what becomes of them when Redis is away."""

import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import redis

from domain import rates as rates_module
from domain.errors import LimitReached
from domain.fair import User
from domain.rates import RateReached, Rates

Shift = Callable[[float], None]


@pytest.fixture
def user() -> User:
    return User(uuid4(), "alice/1 {}")


@pytest.fixture
def rates(redis_url: str) -> Rates:
    return Rates(redis_url)


@pytest.fixture
def later(redis_url: str) -> Iterator[Shift]:
    """Let time pass for what is counted, without waiting: Redis is told that it ends sooner."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushdb()

        def shift(seconds: float) -> None:
            for name in client.keys("shipd:rate:*"):
                left = int(client.pttl(name)) - round(1000 * seconds)
                client.pexpire(name, left) if left > 0 else client.delete(name)

        yield shift
        client.flushdb()


def _taken(rates: Rates, user: User, rate: str, most: int = 100) -> int:
    """Take until there is no more."""
    for number in range(most):
        try:
            rates.take(user, rate)
        except LimitReached:
            return number
    return most


def test_it_works(rates: Rates, user: User, later: Shift) -> None:
    assert [rates.take(user, "3/minute")[0].remaining for _ in range(3)] == [2, 1, 0]

    with pytest.raises(RateReached, match="3 submissions in 60 s for this user") as raised:
        rates.take(user, "3/minute")

    assert (raised.value.code, raised.value.ours) == ("rate_limit", False)
    assert [window.remaining for window in raised.value.windows] == [0]


def test_the_window_slides(rates: Rates, user: User, later: Shift) -> None:
    assert _taken(rates, user, "10/minute") == 10

    later(50)
    assert _taken(rates, user, "10/minute") == 0
    # Half of the window before is over, so half of what was counted there counts.
    later(40.5)
    assert _taken(rates, user, "10/minute") == 6
    later(120)
    assert _taken(rates, user, "10/minute") == 10


@pytest.mark.parametrize("before", [0, 30, 70, 100])
def test_after_the_time_told_there_is_room_and_not_much_sooner(
    rates: Rates, user: User, later: Shift, before: int
) -> None:
    _taken(rates, user, "4/minute", 3)
    later(before)
    _taken(rates, user, "4/minute")
    with pytest.raises(RateReached) as raised:
        rates.take(user, "4/minute")

    later(raised.value.retry_after_s - 8)  # in so many seconds even a machine that stalls asks
    assert _taken(rates, user, "4/minute") == 0
    later(8)
    assert _taken(rates, user, "4/minute", 1) == 1


def test_the_time_told_is_true_by_the_clock_too(rates: Rates, user: User, later: Shift) -> None:
    with pytest.raises(RateReached) as raised:
        for _ in range(100):
            rates.take(user, "2/second")

    threading.Event().wait(raised.value.retry_after_s)

    assert rates.take(user, "2/second")


def test_processes_share_a_window_and_take_no_more_together(
    redis_url: str, user: User, later: Shift, at_once: Callable[..., list[int]]
) -> None:
    processes = [Rates(redis_url) for _ in range(4)]

    assert sum(at_once(4, lambda number: _taken(processes[number], user, "50/hour"))) == 50


def test_every_user_has_windows_of_their_own(rates: Rates, user: User, later: Shift) -> None:
    others = [User(uuid4(), user.name), User(user.owner_id, "alice"), User(user.owner_id)]

    assert [_taken(rates, one, "2/hour") for one in (user, *others)] == [2] * 4


def test_several_at_once_count_each_and_are_taken_whole_or_not(rates: Rates, user: User, later: Shift) -> None:
    assert rates.take(user, "10/hour", 7)[0].remaining == 3
    with pytest.raises(RateReached):
        rates.take(user, "10/hour", 4)
    assert rates.take(user, "10/hour", 3)[0].remaining == 0


def test_more_at_once_than_there_may_ever_be_are_told_so(rates: Rates, user: User, later: Shift) -> None:
    with pytest.raises(RateReached, match="send at most 10"):
        rates.take(user, "10/hour", 11)
    assert rates.windows(user, "10/hour")[0].remaining == 10


def test_what_one_window_refuses_counts_in_no_other(rates: Rates, user: User, later: Shift) -> None:
    rate = "100/hour;2/minute"
    assert _taken(rates, user, rate) == 2
    for _ in range(5):
        with pytest.raises(RateReached):
            rates.take(user, rate)

    assert [window.remaining for window in rates.windows(user, rate)] == [98, 0]


def test_the_limit_of_all_together_is_ours(redis_url: str, user: User, later: Shift) -> None:
    rates = Rates(redis_url, "3/minute")
    assert [_taken(rates, one, "") for one in (user, User(uuid4()))] == [3, 0]

    with pytest.raises(LimitReached, match="3 submissions in 60 s for all users together") as raised:
        rates.take(user, "5/minute")

    assert (raised.value.ours, raised.value.code) == (True, "overloaded")
    assert rates.windows(user, "5/minute")[0].remaining == 5


def test_without_redis_everything_is_admitted_and_logged_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setitem(vars(rates_module.log), "warning", lambda event, **_: logged.append(event))
    rates = Rates("redis://127.0.0.1:1/0", "1/hour")

    assert [rates.take(user, "1/hour") for _ in range(5)] == [[]] * 5
    assert rates.windows(user, "1/hour") == []

    assert logged == ["rates_not_counted"]
