"""`shipd webhooks` on real servers."""

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
import redis
from click.testing import Result

from domain import deliveries, queue, webhooks
from domain.attempts import Tried, claim, record
from domain.db import Database
from domain.deliveries import DeliveryState
from domain.vault import Vault
from domain.webhooks import SUBSCRIBABLE, Webhook

Run = Callable[..., Result]


@pytest.fixture
def webhook(db: Database) -> Webhook:
    url = "https://example.org/hook"
    return webhooks.create(db, Vault(db), uuid4(), url=url, events=SUBSCRIBABLE, description="", secret="SESAME-SESAME")


def test_it_lists_endpoints_without_their_secrets(run: Run, webhook: Webhook) -> None:
    (listed,) = json.loads(run("webhooks", "list", "--json").stdout)["webhooks"]
    assert (listed["id"], listed["owner_id"], listed["enabled"]) == (str(webhook.id), str(webhook.owner_id), True)
    table = run("webhooks", "list").stdout
    assert webhook.url in table
    assert "SESAME" not in table + json.dumps(listed)


def test_it_lists_deliveries_with_how_they_went(run: Run, webhook: Webhook, db: Database) -> None:
    first, second = (deliveries.ping(db, webhook.id, None) for _ in range(2))
    claimed = claim(db, Vault(db), first.id)
    assert claimed is not None
    record(db, claimed, Tried(5, 500, "the receiver answered 500", "\0oh \ud800", ends=True))

    listed = json.loads(run("webhooks", "deliveries", "--json").stdout)["deliveries"]
    assert [one["id"] for one in listed] == [str(second.id), str(first.id)]
    assert listed[1]["attempts"][0]["answer"] == "\\x00oh \\ud800"
    failed = run("webhooks", "deliveries", "--state", "failed").stdout
    assert str(first.id) in failed
    assert "the receiver answered 500" in failed
    assert str(second.id) not in failed
    assert json.loads(run("webhooks", "deliveries", "--webhook", str(uuid4()), "--json").stdout) == {"deliveries": []}


def test_it_delivers_again(run: Run, webhook: Webhook, db: Database, redis_url: str) -> None:
    delivery = deliveries.ping(db, webhook.id, None)
    claimed = claim(db, Vault(db), delivery.id)
    assert claimed is not None
    record(db, claimed, Tried(5, 204))
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.delete(queue.WEBHOOKS)
        assert "is sent again" in run("webhooks", "redeliver", str(delivery.id)).stdout
        assert str(delivery.id) in str(client.lindex(queue.WEBHOOKS, 0))
        client.delete(queue.WEBHOOKS)
    assert deliveries.get(db, delivery.id, None).state is DeliveryState.WAITING
    unknown = run("webhooks", "redeliver", str(uuid4()))
    assert (unknown.exit_code, "there is no delivery" in unknown.output) == (1, True)
