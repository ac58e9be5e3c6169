"""How many slots are wanted: figures, and simulated days in which the advice is followed or only looked at."""

import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from domain.advice import HOLD_S, LEAD_MIN, Advice, Demand, Waiting, advise
from domain.holt import Holt
from domain.model import Priority

TARGET_S = 5
COST_S = 0.5


def waiting(p95_s: float, cost_s: float = 0.0, priority: Priority = Priority.NORMAL) -> Waiting:
    return Waiting(priority, 10, p95_s, p95_s, cost_s)


def test_steady_arrivals_want_the_slots_that_they_keep_busy() -> None:
    found = advise(Demand("here", 2, 4, 2.0, arrivals=[840] * 60, recent=840, cost_s=COST_S), TARGET_S)

    assert (found.wanted, found.slots, found.hosts) == (10, 10, 5)  # 14 a second x 0.5 s, used to 70 %
    assert found.error == 0
    assert "840 submissions came in the last minute" in found.reasons


def test_one_slot_is_wanted_where_nothing_happens() -> None:
    found = advise(Demand("here"), TARGET_S)

    assert (found.slots, found.hosts) == (1, 1)


def test_what_comes_in_the_last_minute_counts_before_the_minute_is_over() -> None:
    assert advise(Demand("here", arrivals=[0] * 60, recent=840, cost_s=COST_S), TARGET_S).wanted == 10


def test_a_queue_that_is_older_than_wanted_asks_for_more_than_there_is() -> None:
    few = advise(Demand("here", 1, 4, 4.0, waiting=[waiting(5.1, cost_s=1.0)]), TARGET_S)
    many = advise(Demand("here", 1, 4, 4.0, waiting=[waiting(5.1, cost_s=600.0)]), TARGET_S)

    assert (few.slots, few.hosts) == (5, 2)
    assert (many.slots, many.hosts) == (10, 3)
    assert "10 of normal wait, 95 % of them up to 5.1 s, where 5 s is wanted" in many.reasons


@pytest.mark.parametrize("one", [waiting(4.9, 1e6), waiting(299, 1e6, Priority.BULK)])
def test_a_queue_that_is_young_enough_asks_for_nothing(one: Waiting) -> None:
    assert advise(Demand("here", 1, 4, 4.0, waiting=[one]), TARGET_S).slots == 1


def test_less_is_advised_only_when_less_was_wanted_for_long() -> None:
    held = advise(Demand("here", wanted_before=[3, 9, 2]), TARGET_S)

    assert (held.wanted, held.slots) == (1, 9)
    assert "1 slots would do now, 9 were wanted within the last 10 minutes: less is advised after that" in held.reasons


def test_a_forecast_follows_a_trend_and_measures_its_error() -> None:
    rising = Holt(range(0, 600, 10))

    assert rising.ahead(1) == pytest.approx(600, rel=0.02)
    assert rising.ahead(4) == pytest.approx(630, rel=0.02)
    assert Holt([7] * 10).mean_error == 0
    assert Holt([4, 6]).mean_error == 2
    assert Holt([100, 0, 0]).ahead(10) == 0


@dataclass
class Moment:
    """A minute of a simulated day."""

    advice: Advice
    slots: int
    p95_s: float


def day(rate: Callable[[int], float], minutes: int, slots: int, *, follow: bool) -> Iterator[Moment]:
    """Simulate a region, second by second: arrivals by chance, first come first served, COST_S of a slot for each.

    `rate` is arrivals a second in a minute. Whoever follows the advice has what it says LEAD_MIN minutes later.
    """
    chance, queue, arrivals = random.Random(1), deque[float](), deque[int](maxlen=60)  # noqa: S311 - a game
    coming, wanted = deque([slots] * LEAD_MIN), deque[int](maxlen=HOLD_S // 60)
    busy = 0.0
    for minute in range(minutes):
        came, waits = 0, list[float]()
        for second in range(minute * 60, minute * 60 + 60):
            new = _poisson(chance, rate(minute))
            came += new
            queue.extend([float(second)] * new)
            busy += slots
            while queue and busy >= COST_S:
                busy -= COST_S
                waits.append(second - queue.popleft())
            busy = min(busy, slots) if not queue else busy
        arrivals.append(came)
        ages = sorted(minute * 60 + 60 - at for at in queue)
        p95_s = ages[int(len(ages) * 0.95)] if ages else 0.0
        known = Demand("here", slots, slots, 1.0, list(arrivals), came, COST_S, wanted_before=list(wanted))
        if ages:
            known = replace(known, waiting=[Waiting(Priority.NORMAL, len(ages), ages[-1], p95_s, len(ages) * COST_S)])
        advice = advise(known, TARGET_S)
        wanted.append(advice.wanted)
        yield Moment(advice, slots, p95_s)
        if follow:
            coming.append(advice.slots)
            slots = coming.popleft()


def _poisson(chance: random.Random, mean: float) -> int:
    count, product = 0, chance.random()
    while product > math.exp(-mean):
        count, product = count + 1, product * chance.random()
    return count


def ramp(start: int, over: int, before: float, after: float) -> Callable[[int], float]:
    return lambda minute: before + (after - before) * min(1.0, max(0.0, (minute - start) / over))


def test_more_is_advised_before_the_queue_grows_old() -> None:
    """Arrivals double within twenty minutes, and nobody starts a host."""
    moments = list(day(ramp(60, 20, 10, 20), 90, slots=8, follow=False))

    first_more = next(number for number, one in enumerate(moments) if one.advice.slots > 10)
    first_late = next(number for number, one in enumerate(moments) if one.p95_s > TARGET_S)
    assert 60 <= first_more < first_late - LEAD_MIN


def test_who_follows_the_advice_has_no_old_queue() -> None:
    moments = list(day(ramp(60, 20, 10, 20), 120, slots=8, follow=True))

    assert max(one.p95_s for one in moments) <= TARGET_S
    assert 14 <= moments[-1].slots <= 20


def test_at_night_it_falls_slowly_and_does_not_flap() -> None:
    moments = list(day(ramp(60, 10, 20, 2), 150, slots=18, follow=True))
    slots = [one.advice.slots for one in moments]

    assert min(slots[60 : 60 + HOLD_S // 60]) >= 14  # it held on
    assert slots[-1] <= 4
    falling = slots[62:90]
    assert all(later <= earlier for earlier, later in pairwise(falling))
    changes = sum(later != earlier for earlier, later in pairwise(slots[100:]))
    assert changes <= 6
    assert max(slots[100:]) <= 5
