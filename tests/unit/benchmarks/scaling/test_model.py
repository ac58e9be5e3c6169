"""The model of a fleet, with made-up demands."""

import pytest

from benchmarks.scaling import limits
from benchmarks.scaling.model import Demand, Fleet, Model

MS = 0.001
DEMAND = Demand(
    api=4 * MS,
    stream=0.5 * MS,
    postgresql=3 * MS,
    redis=0.5 * MS,
    celery=1 * MS,
    grade=4 * MS,
    after=8 * MS,
    runs=[7 * MS, 8 * MS, 9 * MS],
    latency=5 * MS,
)


def test_alone_it_takes_what_it_takes() -> None:
    alone = Model(Fleet(1, network_ms=0), DEMAND).closed(1, 2000)

    spent = 4 + 0.5 + 3 + 0.5 + 0.5 + 4 + 8 + 5
    assert 1000 / alone.per_s == pytest.approx(spent, rel=0.04)


def test_littles_law_holds_of_the_whole() -> None:
    clients = 40
    played = Model(Fleet(2, 4), DEMAND).closed(clients, 4000)

    assert played.per_s * played.p50_ms / 1000 == pytest.approx(clients, rel=0.15)


def test_more_hosts_carry_more_until_a_station_is_full() -> None:
    fleets = [Fleet(hosts, 4, api=2, stream=1, postgresql=8) for hosts in (1, 2, 6, 8)]
    carried = [Model(fleet, DEMAND).closed(fleet.hosts * fleet.slots * 2, 3000).per_s for fleet in fleets]

    ceiling = limits.ceilings(fleets[-1], DEMAND)["api"]
    assert limits.first(fleets[-1], DEMAND)[0] == "api"
    assert carried[0] < carried[1] < carried[2]
    assert carried[1] == pytest.approx(2 * carried[0], rel=0.1)
    assert carried[2:] == pytest.approx([ceiling, ceiling], rel=0.04)


def test_nobody_carries_more_than_the_first_limit() -> None:
    for hosts in (1, 3, 10):
        fleet = Fleet(hosts, 4)
        played = Model(fleet, DEMAND).closed(hosts * 16, 3000)
        assert played.per_s <= 1.03 * limits.first(fleet, DEMAND)[1]
        assert all(used <= 1.001 for used in played.used.values())


def test_what_is_used_is_what_was_asked_for() -> None:
    per_s = 150.0
    played = Model(Fleet(4, 4, api=2, postgresql=2), DEMAND).open(per_s, 6000)

    assert played.per_s == pytest.approx(per_s, rel=0.05)
    assert played.used["api"] == pytest.approx(per_s * DEMAND.api / 2, rel=0.07)
    assert played.used["postgresql"] == pytest.approx(per_s * DEMAND.postgresql / 2, rel=0.07)
    assert played.used["host"] == pytest.approx(per_s * DEMAND.host / 16, rel=0.07)


def test_one_machine_is_shared_by_all() -> None:
    busy = Model(Fleet(1, 2, one_machine=2), DEMAND).closed(8, 3000)

    whole = 4 + 0.5 + 3 + 0.5 + 1 + 4 + 8 + 8
    assert busy.used["machine"] == pytest.approx(1, abs=0.05)
    assert busy.per_s == pytest.approx(2000 / whole, rel=0.05)


def test_the_main_process_of_a_host_does_one_thing_at_a_time() -> None:
    slow = Demand(api=0, stream=0, postgresql=0, redis=0, celery=10 * MS, grade=MS, runs=[MS])

    assert Model(Fleet(1, 16), slow).closed(32, 2000).per_s == pytest.approx(100, rel=0.05)
    name, per_s = limits.first(Fleet(1, 16), slow)
    assert name == "celery"
    assert per_s == pytest.approx(100)


def test_a_seed_gives_one_outcome() -> None:
    played = [Model(Fleet(2, 4), DEMAND, seed).closed(20, 500) for seed in (1, 1, 2)]

    assert played[0] == played[1]
    assert played[0] != played[2]


def test_hosts_until_a_station_is_full() -> None:
    fleet = Fleet(100, 16)
    hosts = limits.hosts_until(fleet, DEMAND, "postgresql")

    assert limits.ceilings(Fleet(round(hosts), 16), DEMAND)["host"] == pytest.approx(
        limits.ceilings(fleet, DEMAND)["postgresql"], rel=0.1
    )
    assert limits.needed(DEMAND, 700)["postgresql"] == pytest.approx(3)
