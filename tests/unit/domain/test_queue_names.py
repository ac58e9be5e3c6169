"""What the names of queues say, and in which order they are asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import queue_names
from domain.model import Priority
from domain.queue_names import Named
from domain.queue_order import UrgentFirst

HOSTS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
REGIONS = st.from_regex(r"[a-z0-9-]{1,32}", fullmatch=True)
PRIORITIES = st.sampled_from(list(Priority))


def test_the_default_region_has_the_names_of_before() -> None:
    assert [queue_names.of_region("default", one) for one in Priority] == ["interactive", "normal", "bulk"]
    assert queue_names.of_region("eu", Priority.NORMAL) == "eu.normal"
    assert queue_names.of_host("a.example.org", Priority.BULK) == "host.a.example.org.bulk"


@given(HOSTS, PRIORITIES)
def test_a_hosts_name_is_read_again(host: str, priority: Priority) -> None:
    assert queue_names.read(queue_names.of_host(host, priority)) == Named(priority, host=host)


@given(REGIONS, PRIORITIES)
def test_a_regions_name_is_read_again(region: str, priority: Priority) -> None:
    found = queue_names.read(queue_names.of_region(region, priority))
    assert found == Named(priority, region=region)
    assert found.name == queue_names.of_region(region, priority)


@pytest.mark.parametrize("name", ["control", "webhooks", "help.here", "a.b.normal", ""])
def test_others_are_not_for_executions(name: str) -> None:
    assert queue_names.read(name) is None


def test_a_worker_asks_for_what_is_urgent_first_and_for_its_own_before_its_regions() -> None:
    taken = queue_names.taken_by("here", "eu")
    assert taken == [
        *("host.here.interactive", "eu.interactive"),
        *("host.here.normal", "eu.normal"),
        *("host.here.bulk", "eu.bulk"),
    ]


def test_what_was_paused_comes_back_to_its_place() -> None:
    order = UrgentFirst()  # type: ignore[no-untyped-call]
    order.update(["help.here", "bulk", "host.here.bulk", "normal", "interactive"])
    assert order.consume(5) == ["interactive", "normal", "bulk", "host.here.bulk", "help.here"]  # type: ignore[no-untyped-call]
