"""Webhooks over HTTP, as the platform is started: what a sender asks for, and that nothing inside is called."""

from contextlib import closing

import pytest

from domain import keys
from domain.db import Database
from standalone.client import Client
from standalone.stack import Stack
from tests.waiting import eventually

INSIDE = "https://localhost/hook"
"""A name is a name when it is sent; what it means is looked at when it is called."""


@pytest.fixture(scope="module")
def sender(stack: Stack) -> Client:
    with closing(Database(stack.settings.database_url, min_size=0)) as db:
        return Client(stack.url, keys.create(db, name="webhooks", role="service"))


def tried(sender: Client, path: str) -> list[dict[str, object]]:
    """Wait until each delivery in a list was tried, and give the first attempts."""

    def look() -> list[dict[str, object]]:
        found = sender.get(path).body["deliveries"]
        assert isinstance(found, list)
        attempts = [attempt for delivery in found for attempt in delivery["attempts"][:1]]
        ended = len(attempts) == len(found) and all(one["duration_ms"] is not None for one in attempts)
        return attempts if ended else []

    return eventually(look)


def submit(sender: Client, **more: object) -> dict[str, object]:
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}, **more}
    answer = sender.post("/v1/submissions?wait=60", body)
    assert answer.status == 201, answer.body
    return dict(answer.body)


def test_a_name_that_means_this_host_is_not_called(sender: Client) -> None:
    made = submit(sender, callback={"url": INSIDE, "secret": "long enough"})

    (attempt,) = tried(sender, f"/v1/submissions/{made['id']}/deliveries")

    assert str(attempt["error"]).startswith("not called: localhost is at ")
    assert attempt["status"] is None


def test_an_endpoint_is_told_of_every_submission_until_it_is_deleted(sender: Client) -> None:
    webhook = sender.post("/v1/webhooks", {"url": INSIDE}).body
    submit(sender)
    path = f"/v1/webhooks/{webhook['id']}/deliveries"

    assert len(tried(sender, path)) == 1

    assert sender.post(f"/v1/webhooks/{webhook['id']}/ping", {}).status == 202
    assert len(tried(sender, path)) == 2
    listed = sender.get(path).body["deliveries"]
    assert isinstance(listed, list)
    first = listed[-1]
    again = sender.post(f"/v1/deliveries/{first['id']}/redeliver", {})
    assert (again.status, again.body["state"]) == (202, "waiting")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://example.org/", "https://[::1]/", "https://a@b.example/"])
def test_what_can_never_be_called_is_refused(sender: Client, url: str) -> None:
    answer = sender.post("/v1/webhooks", {"url": url})
    assert answer.status == 422
    assert "url" in str(answer.body)
