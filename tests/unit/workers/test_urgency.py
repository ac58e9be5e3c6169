"""In which order a worker begins what it was given."""

from types import SimpleNamespace

import pytest
from kombu.asynchronous.semaphore import LaxBoundedSemaphore

from workers import urgency


def request(queue: str) -> SimpleNamespace:
    return SimpleNamespace(delivery_info={"routing_key": queue})


def begun_by(slots: LaxBoundedSemaphore, *queues: str) -> list[str]:
    """Give all of them at once to slots that are taken, then free one after the other."""
    begun: list[str] = []
    for number, queue in enumerate(queues):
        slots.acquire(lambda _, told: begun.append(told), request(queue), f"{queue} {number}")
    for _ in queues:
        slots.release()
    return begun


def test_the_most_urgent_goes_first_and_of_equals_who_came_first() -> None:
    slots = LaxBoundedSemaphore(1)
    slots.acquire(lambda: None)
    urgency.order(slots)

    begun = begun_by(slots, "help.here", "bulk", "normal", "host.here.interactive", "bulk", "interactive", "eu.normal")

    assert [one.partition(" ")[0] for one in begun] == [
        *("host.here.interactive", "interactive", "normal", "eu.normal", "bulk", "bulk", "help.here")
    ]
    assert begun.index("bulk 1") < begun.index("bulk 4")


def test_a_slot_that_nobody_waits_for_is_free() -> None:
    slots = LaxBoundedSemaphore(1)
    urgency.order(slots)
    slots.acquire(lambda: None)
    slots.release()
    assert slots.value == 1

    assert slots.acquire(lambda: None)


def test_what_is_cleared_never_begins() -> None:
    slots = LaxBoundedSemaphore(1)
    urgency.order(slots)
    slots.acquire(lambda: None)
    slots.acquire(pytest.fail, "it was cleared")
    assert len(slots._waiting) == 1

    slots.clear()
    slots.release()
    assert slots.value == 1
