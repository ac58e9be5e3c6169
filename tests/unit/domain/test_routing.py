"""Where executions go: who comes into question, and who of them is chosen."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import distances, queue_names, routing
from domain.host import HostLoad, HostReport
from domain.hosts import Host
from domain.model import Priority
from domain.room import MIB, Need
from domain.routing import ROUND_MS, Ways

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PYTHON = Need("python", 256, 1, root=False)
GO = Need("go", 256, 1, root=False)
LARGE = Need("python", 8192, 4, root=False)
NORMAL = Priority.NORMAL
ROOMY: Mapping[str, object] = {"cpus": 4, "memory_bytes": 16384 * MIB}


def host(
    name: str,
    region: str = "default",
    *,
    languages: tuple[str, ...] = ("python",),
    load: HostLoad | None = None,
    live: bool = True,
    draining: bool = False,
    seen_s: float = 0.0,
    **said: object,
) -> Host:
    has: dict[str, object] = {"cpus": 2, "memory_bytes": 4096 * MIB, "root": True, **said}
    report = HostReport(name, languages=dict.fromkeys(languages, "1"), region=region, **has)  # type: ignore[arg-type]
    seen_at = NOW - timedelta(seconds=seen_s)
    return Host(report, load or HostLoad(), seen_at, live, NOW if draining else None)


def test_what_all_can_run_goes_to_whoever_is_free() -> None:
    hosts = [host("a"), host("b")]
    assert routing.route(PYTHON, None, NORMAL, hosts) == "normal"
    assert routing.route(PYTHON, None, Priority.BULK, hosts) == "bulk"


@pytest.mark.parametrize("need", [GO, LARGE, replace(PYTHON, network=True), replace(PYTHON, also=("go",))])
def test_what_only_one_can_run_goes_to_that_one(need: Need) -> None:
    able = host("b", languages=("python", "go"), network=True, **ROOMY)  # type: ignore[arg-type]
    assert routing.route(need, None, NORMAL, [host("a"), able, host("c")]) == "host.b.normal"


def test_without_hosts_it_waits_where_it_was_sent() -> None:
    assert routing.route(PYTHON, None, NORMAL, []) == "normal"
    assert routing.route(PYTHON, "eu", NORMAL, []) == "eu.normal"
    assert routing.route(PYTHON, None, NORMAL, [], ways=Ways("us")) == "us.normal"


def test_ones_own_region_is_preferred() -> None:
    hosts = [host("a", "eu"), host("b", "us")]
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=Ways("us")) == "us.normal"
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=Ways("eu")) == "eu.normal"


def test_where_it_is_silent_the_next_best_is_taken_and_it_comes_back() -> None:
    ways = Ways("eu", distances.parse(["eu:us=80", "eu:ap=160"]))
    others = [host("b", "us"), host("c", "ap")]
    assert routing.route(PYTHON, None, NORMAL, [host("a", "eu", live=False), *others], ways=ways) == "us.normal"
    assert routing.route(PYTHON, None, NORMAL, [host("a", "eu", draining=True), *others], ways=ways) == "us.normal"
    assert routing.route(PYTHON, None, NORMAL, [host("a", "eu"), *others], ways=ways) == "eu.normal"


def test_a_wish_is_overruled_by_nothing_but_that_nobody_there_can() -> None:
    busy = HostLoad(slots_busy=2, failures=90, executions=100)
    hosts = [host("a", "eu"), host("b", "us", load=busy, cost=50.0)]
    queued = {"us.normal": 1000.0}
    assert routing.route(PYTHON, "us", NORMAL, hosts, ways=Ways("eu"), queued=queued) == "us.normal"
    gone = [hosts[0], replace(hosts[1], live=False)]
    assert routing.route(PYTHON, "us", NORMAL, gone, ways=Ways("eu")) == "eu.normal"


def test_a_long_queue_spills_over_to_who_has_none() -> None:
    hosts, ways = [host("a", "eu"), host("b", "us")], Ways("eu")
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=ways, queued={"eu.normal": 2.0}) == "eu.normal"
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=ways, queued={"eu.normal": 4.0}) == "us.normal"
    both = {"eu.normal": 4.0, "us.normal": 4.0}
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=ways, queued=both) == "eu.normal"


def test_what_is_less_urgent_is_not_waited_for() -> None:
    hosts, ways = [host("a", "eu"), host("b", "us")], Ways("eu")
    queued = {"eu.bulk": 1000.0}
    assert routing.route(PYTHON, None, NORMAL, hosts, ways=ways, queued=queued) == "eu.normal"
    assert routing.route(PYTHON, None, Priority.BULK, hosts, ways=ways, queued=queued) == "us.bulk"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"load": HostLoad()}, {"load": HostLoad(slots_busy=2)}),
        ({"load": HostLoad()}, {"load": HostLoad(load_1m=1.5)}),
        ({"load": HostLoad(ready={"go": 1})}, {"load": HostLoad(ready={"python": 3})}),
        ({"load": HostLoad(executions=100)}, {"load": HostLoad(executions=100, failures=2)}),
        ({"load": HostLoad()}, {"load": HostLoad(memory_available_bytes=MIB)}),
        ({"cost": 1.0}, {"cost": 1.5}),
    ],
    ids=["busy", "loaded", "cold", "failing", "tight", "dear"],
)
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_of_two_the_better_is_chosen(
    better: Mapping[str, object], worse: Mapping[str, object], names: tuple[str, str]
) -> None:
    go = ("python", "go")
    good, bad = host(names[0], languages=go, **better), host(names[1], languages=go, **worse)  # type: ignore[arg-type]
    assert routing.route(GO, None, NORMAL, [host("c"), good, bad]) == f"host.{names[0]}.normal"


def test_one_failure_alone_drives_nobody_away() -> None:
    failed = host("a", "eu", load=HostLoad(executions=1, failures=1))
    assert routing.route(PYTHON, None, NORMAL, [failed, host("b", "us")], ways=Ways("eu")) == "eu.normal"


def test_a_score_says_why() -> None:
    [eu, us] = routing.candidates(PYTHON, None, [host("a", "eu"), host("b", "us", cost=3.0)], Ways("eu"))
    assert (eu.region, us.region) == ("eu", "us")
    assert us.parts == {"distance": 100, "load": 0, "cold": 30, "failures": 0, "tight": 0, "cost": 30}
    assert us.score(NORMAL, {"us.normal": 6.0}) == pytest.approx(160 + 60 + 2 * ROUND_MS)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (host("a"), None),
        (host("a", live=False), "silent"),
        (host("a", draining=True), "draining"),
        (host("a", languages=("go",)), "no python"),
        (host("a", memory_bytes=MIB), "no room"),
    ],
)
def test_it_says_why_a_host_does_not_come_into_question(found: Host, reason: str | None) -> None:
    assert routing.why_not(PYTHON, found) == reason


def test_alike_ones_take_turns() -> None:
    hosts = [host("x"), *(host(name, languages=("go",)) for name in "abc")]
    chosen = Counter(routing.route(GO, None, NORMAL, hosts, turn=turn) for turn in range(300))
    assert chosen == dict.fromkeys(("host.a.normal", "host.b.normal", "host.c.normal"), 100)


def test_what_nobody_there_can_run_waits_for_the_last_that_could() -> None:
    gone = [host("a", languages=("go",), live=False, seen_s=90), host("b", languages=("go",), live=False, seen_s=60)]
    assert routing.route(GO, None, NORMAL, [*gone, host("c")]) == "host.b.normal"
    assert routing.route(GO, None, NORMAL, gone) == "normal"
    assert routing.route(GO, None, NORMAL, [host("c"), host("d", languages=("go",), draining=True)]) == "normal"


def test_queues_are_abandoned_that_nobody_takes_from() -> None:
    hosts = [host("a", "eu", live=False), host("b", "us"), host("c", "us", draining=True)]
    names = {"eu.normal", "host.a.normal", "host.c.normal"}
    assert names == {name for name in routing.abandoned(hosts) if name.endswith("normal")}
    assert routing.abandoned([host("a"), host("b", "us")]) == []


def test_a_region_that_no_host_was_ever_in_is_refused_with_those_that_are_known() -> None:
    reports = [host("a", "us").report, host("b", "eu").report]
    [problem] = routing.region_problems("mars", reports)
    assert (problem.field, "eu or us" in problem.hint) == ("region", True)
    assert routing.region_problems("eu", reports) == []
    assert routing.region_problems(None, reports) == []
    assert routing.region_problems("mars", []) == []


LOADS = st.builds(
    HostLoad,
    slots_busy=st.integers(0, 8),
    load_1m=st.floats(0, 100),
    memory_available_bytes=st.none() | st.integers(0, 2**40),
    ready=st.dictionaries(st.sampled_from(["python", "go"]), st.integers(0, 9)),
    executions=st.integers(0, 1000),
    failures=st.integers(0, 1000),
)
LANGUAGES = st.sets(st.sampled_from(["python", "go", "c"])).map(lambda found: tuple(sorted(found)))
HOSTS = st.lists(
    st.builds(
        host,
        st.from_regex(r"[a-z]{1,4}", fullmatch=True),
        st.sampled_from(["default", "eu", "us"]),
        languages=LANGUAGES,
        load=LOADS,
        live=st.booleans(),
        draining=st.booleans(),
        cpus=st.integers(1, 8),
        cost=st.floats(0.01, 1000),
        network=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda one: one.report.name,
)
NEEDS = st.builds(
    Need,
    st.sampled_from(["python", "go", "c"]),
    st.sampled_from([64, 2048, 8192]),
    st.integers(1, 8),
    root=st.booleans(),
    network=st.booleans(),
)
ASKED = st.none() | st.sampled_from(["default", "eu", "us"])
PRIORITIES = st.sampled_from(list(Priority))
QUEUED = st.dictionaries(st.sampled_from(["normal", "eu.normal", "us.bulk", "interactive"]), st.floats(0, 10_000))


@given(NEEDS, ASKED, PRIORITIES, HOSTS, QUEUED, st.integers(0, 9))
def test_who_is_gone_or_cannot_is_never_chosen_while_somebody_can(
    need: Need, asked: str | None, priority: Priority, hosts: list[Host], queued: dict[str, float], turn: int
) -> None:
    chosen = routing.route(need, asked, priority, hosts, queued=queued, turn=turn)
    named = queue_names.read(chosen)
    assert named is not None
    assert named.priority is priority
    taking = [one for one in hosts if one.live and one.draining_at is None]
    able = [one for one in taking if need.fits(one.report)]
    if able:
        takes = [one for one in taking if named.host == one.report.name or named.region == one.report.region]
        assert takes
        assert all(need.fits(one.report) for one in takes)
        if any(one.report.region == asked for one in able):
            assert all(one.report.region == asked for one in takes)


@given(NEEDS, ASKED, PRIORITIES, HOSTS, QUEUED, st.randoms())
def test_the_order_of_hosts_means_nothing(
    need: Need, asked: str | None, priority: Priority, hosts: list[Host], queued: dict[str, float], random: Random
) -> None:
    before = routing.route(need, asked, priority, hosts, queued=queued)
    random.shuffle(hosts)
    assert routing.route(need, asked, priority, hosts, queued=queued) == before


@given(NEEDS, HOSTS, st.integers(0, 7))
def test_a_host_that_goes_makes_nothing_better_for_itself(need: Need, hosts: list[Host], number: int) -> None:
    if number >= len(hosts):
        return
    hosts[number] = replace(hosts[number], live=False)
    chosen = routing.route(need, None, NORMAL, hosts)
    if any(one.live and one.draining_at is None and need.fits(one.report) for one in hosts):
        assert chosen != f"host.{hosts[number].report.name}.normal"
