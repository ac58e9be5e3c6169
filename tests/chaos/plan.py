"""What a run does, from its seed alone: which submissions in which order, which fault at which count (pure).

The same seed, count and names of faults give the same plan on every machine that has the same languages. What the
machine makes of it may differ: faults come when so many submissions have ended, not at a second.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.kinds import KINDS, Kind

USERS = 25
"""As many as there are users: each has a few places in the message queue, so that together they fill it."""
FAR = "far"
"""The region of the second worker."""
BATCH = 8


class Way(StrEnum):
    """How a submission is sent, and its end learned."""

    POST = "post"
    """Sent; what became of it is asked for at the end."""
    TWICE = "twice"
    """Sent twice with the same Idempotency-Key: both answers name the same submission."""
    WAIT = "wait"
    """Sent with `?wait`, and waited for."""
    FOLLOW = "follow"
    """Followed as a stream of events."""
    BATCH = "batch"
    """Sent with others in one batch."""


WAYS = {Way.POST: 6, Way.TWICE: 2, Way.WAIT: 1, Way.FOLLOW: 1, Way.BATCH: 3}


class Fault(StrEnum):
    """What is done to the platform; `faults.ACTIONS` says how."""

    WORKER_KILLED = "worker-killed"
    WORKER_MAIN_KILLED = "worker-main-killed"
    WORKER_CHILD_KILLED = "worker-child-killed"
    WORKER_FROZEN = "worker-frozen"
    BEAT_KILLED = "beat-killed"
    API_KILLED = "api-killed"
    API_CHILD_KILLED = "api-child-killed"
    STREAM_KILLED = "stream-killed"
    DELIVER_KILLED = "deliver-killed"
    REDIS_KILLED = "redis-killed"
    REDIS_EMPTIED = "redis-emptied"
    REDIS_AWAY = "redis-away"
    POSTGRES_RESTARTED = "postgres-restarted"
    POSTGRES_IMMEDIATE = "postgres-immediate"
    POSTGRES_KILLED = "postgres-killed"
    DISK_FULL = "disk-full"
    BROKER_DELAYED = "broker-delayed"
    BROKER_DROPPED = "broker-dropped"
    REGION_AWAY = "region-away"


NEEDS_ROOT = frozenset({Fault.DISK_FULL})
"""A file system of its own has to be mounted for it."""


@dataclass(frozen=True)
class Order:
    """One submission: what is sent, and what must become of it."""

    number: int
    kind: Kind
    body: dict[str, object]
    way: Way
    callback: bool
    hooked: bool
    """Whether it is sent with the key that has a webhook endpoint."""


@dataclass(frozen=True)
class Strike:
    """One fault, which comes when so many submissions have ended."""

    at: int
    fault: Fault


@dataclass(frozen=True)
class Plan:
    """All of a run."""

    seed: int
    orders: tuple[Order, ...]
    strikes: tuple[Strike, ...]


def chance(*words: object) -> random.Random:
    """Give a source of chance that is always the same for the same words."""
    return random.Random(" ".join(map(str, words)))  # noqa: S311 - to be repeated is what it is for


def make(
    seed: int, count: int, faults: Sequence[Fault], *, languages: Collection[str], root: bool, regions: bool
) -> Plan:
    """Make the plan.

    `languages` are those that can run, `root` says whether boxes on disk can be had, `regions` whether the API takes
    `region`.
    """
    able = [kind for kind in KINDS if kind.language in languages and (root or not kind.needs_root)]
    chosen = [fault for fault in faults if root or fault not in NEEDS_ROOT]
    # One source of chance for each part: a fault more leaves the submissions as they are.
    orders = _orders(chance("orders", seed), count, able, regions=regions)
    return Plan(seed, orders, _strikes(chance("strikes", seed), count, chosen))


def _orders(rng: random.Random, count: int, kinds: Sequence[Kind], *, regions: bool) -> tuple[Order, ...]:
    picked = rng.choices(kinds, [kind.weight for kind in kinds], k=count)
    ways = rng.choices(list(WAYS), list(WAYS.values()), k=count)
    return tuple(
        _order(rng, number, *one, regions=regions) for number, one in enumerate(zip(picked, ways, strict=True))
    )


def _order(rng: random.Random, number: int, kind: Kind, way: Way, *, regions: bool) -> Order:
    body: dict[str, object] = {
        **kind.make(rng),
        "user_id": f"user-{rng.randrange(USERS)}",
        "priority": rng.choices(("interactive", "normal", "bulk"), (2, 6, 2))[0],
        "metadata": {"order": number},
    }
    wish = rng.random() < 0.25
    if regions and wish:
        body["region"] = FAR
    return Order(number, kind, body, way, callback=rng.random() < 0.25, hooked=rng.random() < 0.15)


def _strikes(rng: random.Random, count: int, faults: Sequence[Fault]) -> tuple[Strike, ...]:
    """Shuffle the faults and spread them: the first after some have ended, the last while many are still to come."""
    mixed = rng.sample(list(faults), len(faults))
    width = count * 0.8 / max(1, len(mixed))
    return tuple(
        Strike(int(count * 0.05 + width * (place + rng.random() * 0.5)), fault) for place, fault in enumerate(mixed)
    )
