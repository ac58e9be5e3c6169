"""Rates: how many submissions in how many seconds, of one user and of all together, counted in Redis.

The windows slide (the library `limits`, sliding window counter): what is counted is this window so far and, of the one
before, the part that lies within one window's length from now. Two counters a window, whatever its figure, and the
same for all processes. Redis away: everything is admitted, for a submission waits in PostgreSQL anyhow; it is logged
once in a while.
"""

import hashlib
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import redis
from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from domain import redis_client
from domain.errors import LimitReached
from domain.fair import User
from domain.logging import logger

TIMEOUT_S = 0.5
"""How long Redis may take to connect or to answer."""
AWAY_S = 5.0
"""Where it did not, it is not asked again for so long; nor is that logged more often."""
MOST_WINDOWS = 4

_RATE = re.compile(r"[1-9][0-9]{0,8}/([1-9][0-9]{0,5} ?)?(second|minute|hour|day)s?")
_ALL = "all"

log = logger(__name__)


@lru_cache(1000)
def parse(text: str) -> tuple[RateLimitItem, ...]:
    """Read `120/minute`, `10/second;1000/hour`, `5/30 seconds`; nothing for an empty text. Raises ValueError."""
    parts = [part.strip() for part in text.split(";")] if text.strip() else []
    wrong = [part for part in parts if not _RATE.fullmatch(part)]
    if wrong or len(parts) > MOST_WINDOWS:
        accepted = f"up to {MOST_WINDOWS} of `120/minute`, `10/second`, `5/30 seconds`, with semicolons"
        raise ValueError(f"{(wrong or [text])[0]!r} is no rate; it must be {accepted}")
    return tuple(parse_many(";".join(parts))) if parts else ()


@dataclass(frozen=True)
class Window:
    """One window of a user, as it stands now."""

    limit: int
    seconds: int
    remaining: int
    reset_s: int
    """In so many seconds there is more room than now, at the latest."""


@dataclass(frozen=True)
class _Counted:
    """What a window holds: of the one before with the time that it still counts, and of this one with its end."""

    item: RateLimitItem
    everybodys: bool
    before: int
    before_left_s: float
    now: int
    now_left_s: float

    @property
    def used(self) -> int:
        return math.floor(self.before * self.before_left_s / self.item.get_expiry()) + self.now

    def after(self, count: int) -> Window:
        """Tell how it stands once `count` more were taken."""
        remaining = max(0, self.item.amount - self.used - count)
        ends_s = math.ceil(self.now_left_s) or self.item.get_expiry()
        reset_s = ends_s if remaining else self.wait_s(1, count)
        return Window(self.item.amount, self.item.get_expiry(), remaining, reset_s)

    def wait_s(self, count: int, taken: int = 0) -> int:
        """Give the seconds after which there is room for `count`, if nobody else takes it."""
        most, length, now = self.item.amount, self.item.get_expiry(), self.now + taken
        room = most - now - count + 1
        if room > 0:
            # What counts of the window before has to fall below the room: before * left / length < room.
            waited = self.before_left_s - room * length / self.before if self.before else 0.0
            return max(1, math.floor(waited) + 1)
        # This window has to become the one before, and then the same of it.
        left = length * (most - count + 1) / now
        return math.floor((self.now_left_s or length) + length - left) + 1


class RateReached(LimitReached):
    """There is no room in a window; with how the user's own windows stand."""

    windows: Sequence[Window] = ()


class Rates:
    """The windows of all users; safe to share between threads, and nothing is connected before it is used."""

    def __init__(self, redis_url: str, total: str = "") -> None:
        self._storage = RedisStorage(
            redis_url,
            key_prefix="shipd:rate",
            **redis_client.options(TIMEOUT_S),  # type: ignore[arg-type] # redis.Redis takes them
        )
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._total = parse(total)
        self._away_until = -math.inf

    def take(self, user: User, rate: str, count: int = 1) -> Sequence[Window]:
        """Count so many submissions of a user; gives how the user's windows stand now, none while Redis is away.

        Raises LimitReached where there is no room for all of them; then none is counted.
        """
        own = [(item, _identity(user)) for item in parse(rate)]
        return self._asked(lambda: self._take([*own, *((item, _ALL) for item in self._total)], count)[: len(own)])

    def windows(self, user: User, rate: str) -> Sequence[Window]:
        """Give how a user's windows stand; none while Redis is away."""
        whose = _identity(user)
        return self._asked(lambda: [self._look(item, whose).after(0) for item in parse(rate)])

    def _take(self, wanted: Sequence[tuple[RateLimitItem, str]], count: int) -> list[Window]:
        # All of them are looked at before one is taken: what is refused shall not count anywhere.
        counted = [self._look(item, whose) for item, whose in wanted]
        for one in counted:
            if one.used + count > one.item.amount:
                raise _reached(one, count, counted)
        for one, (item, whose) in zip(counted, wanted, strict=True):
            # Others may have been quicker since.
            if not self._limiter.hit(item, whose, cost=count):
                raise _reached(one, count, counted)
        return [one.after(count) for one in counted]

    def _look(self, item: RateLimitItem, whose: str) -> _Counted:
        length = item.get_expiry()
        before, before_left_s, now, now_left_s = self._storage.get_sliding_window(item.key_for(whose), length)
        # A counter lives as long as its window counts: two lengths.
        return _Counted(item, whose == _ALL, before, before_left_s, now, max(0.0, now_left_s - length))

    def _asked(self, ask: Callable[[], Sequence[Window]]) -> Sequence[Window]:
        if time.monotonic() >= self._away_until:
            try:
                return ask()
            except (redis.RedisError, OSError) as error:
                self._away_until = time.monotonic() + AWAY_S
                log.warning("rates_not_counted", error=str(error))
        return []


def _identity(user: User) -> str:
    # A user's name may hold anything, and be long.
    return f"{user.owner_id.hex}:{hashlib.sha256(user.name.encode()).hexdigest()[:32]}"


def _reached(full: _Counted, count: int, counted: Sequence[_Counted]) -> RateReached:
    most, seconds, ours = full.item.amount, full.item.get_expiry(), full.everybodys
    limit = f"{most} submissions in {seconds} s for {'all users together' if ours else 'this user'}"
    wait_s = full.wait_s(count) if count <= most else seconds
    message = f"the limit of {limit} is reached: try again in {wait_s} s"
    if count > most:
        message = f"{count} submissions at once are more than the limit of {limit}: send at most {most}"
    elif not ours:
        message += ", or ask an operator for more (`shipd keys limit --rate`)"
    reached = RateReached("overloaded" if ours else "rate_limit", message, retry_after_s=wait_s, ours=ours)
    reached.windows = [] if ours else [one.after(0) for one in counted if not one.everybodys]
    return reached
