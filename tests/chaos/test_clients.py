"""Clients come again after what passes, count what refused them, and take no room that they do not use."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.answering import Answer, Api, answering
from tests.chaos.clients import Counting, Load, Sights
from tests.chaos.kinds import BY_NAME
from tests.chaos.plan import BATCH, Order, Way
from tests.waiting import eventually

MADE = Answer(201, {"id": "a", "execution": {"state": "queued"}})


@pytest.fixture
def api() -> Iterator[Api]:
    with answering() as running:
        yield running


def order(number: int, way: Way) -> Order:
    return Order(number, BY_NAME["hello"], {"language": "python"}, way, callback=True, hooked=False)


def load(api: Api, orders: list[Order], room: int = 100) -> Load:
    sights = Sights()
    client = Counting(api.url, "key", sights)
    return Load(orders, {False: client, True: client}, "http://hook/ok", "secret", sights, threading.Semaphore(room))


def sent(given: Load) -> Sights:
    given.start()
    for thread in given._threads:
        thread.join(30)
    given.end()
    for client in given.clients.values():
        client.close()
    return given.sights


def test_a_refusal_that_passes_is_counted_and_asked_again_with_the_same_key(api: Api) -> None:
    api.answers = [Answer(503, {}, {"Retry-After": "0"}), MADE]
    sights = sent(load(api, [order(0, Way.POST)]))
    assert (dict(sights.refused), sights.broken, sights.accepted) == ({"503": 1}, [], 1)
    assert [one.headers["idempotency-key"] for one in api.asked] == ["order-0"] * 2
    assert isinstance(api.asked[0].body, dict)
    assert api.asked[0].body["callback"]["url"] == "http://hook/ok?order=0"


def test_a_refusal_that_no_client_can_act_on_is_kept(api: Api) -> None:
    api.answers = [Answer(500, {})]
    sights = sent(load(api, [order(0, Way.POST)]))
    assert sights.broken == ["POST /v1/submissions: 500"]
    assert sights.accepted == 0


def test_another_id_for_the_same_key_is_a_complaint(api: Api) -> None:
    api.answers = [MADE, Answer(201, {"id": "b", "execution": {"state": "queued"}})]
    sights = sent(load(api, [order(0, Way.TWICE)]))
    assert sights.orders[0].complaint == "accepted twice, as a and b"


def test_batches_that_want_room_at_once_do_not_wait_for_each_other(api: Api) -> None:
    items = [{"index": index, "submission": {"id": "a"}} for index in range(BATCH)]
    api.answers = [Answer(201, {"items": items})]
    given = load(api, [order(number, Way.BATCH) for number in range(3 * BATCH)], room=0)
    given.start()
    # Room comes bit by bit while all of them wait for it, and no more before one of them was sent.
    for count in range(1, 4):
        for _ in range(BATCH):
            time.sleep(0.05)
            given.room.release()
        eventually(lambda wanted=count * BATCH: given.sights.accepted >= wanted)  # type: ignore[misc]
    assert sent_all(given)


def sent_all(given: Load) -> bool:
    given.end()
    for client in given.clients.values():
        client.close()
    return given.sights.accepted == len(given.orders)
