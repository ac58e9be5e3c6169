import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain import signing
from domain.deliveries import Attempt, DeliveryState
from domain.model import Callback
from domain.webhooks import SUBSCRIBABLE
from tests.unit.app.memory_webhooks import MADE
from tests.unit.app.test_openapi_document import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.model import Submission
    from tests.unit.app.conftest import Answer, Api, MemoryBackend

URL = "https://example.org/hook"
SECRET = "whsec_" + "QUJD" * 12


def create(api: "Api", **fields: object) -> "Answer":
    return api.post("/v1/webhooks", {"url": URL} | fields)


def test_it_works(api: "Api", backend: "MemoryBackend") -> None:
    answer = create(api)

    assert answer.status == 201
    own_id = answer.body["id"]
    assert answer.headers["Location"] == f"/v1/webhooks/{own_id}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["events"] == list(SUBSCRIBABLE)
    assert answer.body["enabled"] is True
    secret = answer.body["secret"]
    assert isinstance(secret, str)
    assert len(signing.key_of(secret)) == signing.KEY_BYTES
    assert backend.webhooks.secrets[uuid.UUID(str(own_id))] == [secret]


def test_a_secret_is_shown_once(api: "Api") -> None:
    made = create(api)
    secret, own_id = str(made.body["secret"]), made.body["id"]
    for answer in (api.get("/v1/webhooks"), api.get(f"/v1/webhooks/{own_id}")):
        assert answer.status == 200
        assert secret not in str(answer.body)
    given = create(api, secret=SECRET)
    assert given.body["secret"] is None
    assert SECRET not in str(given.body)


def test_it_is_its_owners(api: "Api") -> None:
    path = f"/v1/webhooks/{create(api).body['id']}"
    api.key = "person"
    assert api.get("/v1/webhooks").body == {"webhooks": []}
    assert api.get(path).status == 404
    for way in ("ping", "rotate"):
        assert api.post(f"{path}/{way}", {}).status == 404
    assert api.get(f"{path}/deliveries").status == 404
    api.key = "admin"
    assert api.get(path).status == 200
    api.key = None
    assert api.get(path).status == 401


def test_it_can_be_changed_and_deleted(api: "Api") -> None:
    path = f"/v1/webhooks/{create(api).body['id']}"
    answer = api.http.patch(path, json={"enabled": False, "events": ["submission.done"]}, headers=api._headers({}))
    assert answer.get_json()["enabled"] is False
    assert answer.get_json()["disabled_reason"] == "asked"
    assert answer.get_json()["events"] == ["submission.done"]
    assert answer.get_json()["url"] == URL
    with api.http.delete(path, headers=api._headers({})) as gone:
        assert (gone.status_code, gone.data) == (204, b"")
    assert api.get(path).status == 404


def test_a_secret_can_be_replaced(api: "Api", backend: "MemoryBackend") -> None:
    made = create(api)
    path = f"/v1/webhooks/{made.body['id']}/rotate"
    first = api.post(path, {})
    assert first.body["secret"] != made.body["secret"]
    assert first.body["previous_secret_until"] == "2026-11-23T08:00:00.000Z"
    assert api.post(path, {"secret": SECRET}).body["secret"] is None
    (secrets,) = backend.webhooks.secrets.values()
    assert secrets == [made.body["secret"], first.body["secret"], SECRET]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"url": "http://example.org/"}, "url"),
        ({"url": "https://user:password@example.org/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://example.org:8443/"}, "url"),
        ({"url": "https://example.org/\0"}, "url"),
        ({"url": ""}, "url"),
        ({"url": 3}, "url"),
        ({"url": None}, "url"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_no base64"}, "secret"),
        ({"secret": "whsec_QUJD"}, "secret"),
        ({"events": []}, "events"),
        ({"events": ["webhook.ping"]}, "events[0]"),
        ({"events": ["submission.done", "submission.done"]}, "events"),
        ({"enabled": True}, "enabled"),
        ({"description": "x" * 256}, "description"),
    ],
)
def test_it_refuses(api: "Api", backend: "MemoryBackend", fields: dict[str, object], named: str) -> None:
    answer = create(api, **fields)
    assert (answer.status, list(answer.fields)) == (422, [named])
    assert backend.webhooks.kept == {}


@pytest.mark.parametrize("secret", ["SESAME", "whsec_SESAME!", "whsec_U0VTQU1F"])
def test_no_error_shows_a_secret(api: "Api", secret: str) -> None:
    assert secret not in str(create(api, secret=secret).body)
    assert secret not in str(api.submit(callback={"url": URL, "secret": secret}).body)
    assert "SESAME" not in str(create(api, url="https://me:SESAME@example.org/").body)


def test_a_submission_may_have_a_callback(api: "Api", sent: "Callable[[], Submission]") -> None:
    answer = api.submit(callback={"url": URL, "secret": SECRET})
    assert answer.status == 201
    assert sent().callback == Callback(URL, SECRET)
    assert SECRET not in str(answer.body)
    assert SECRET not in repr(sent())


@pytest.mark.parametrize(
    ("callback", "named"),
    [
        ({}, ["callback.secret", "callback.url"]),
        ({"url": URL}, ["callback.secret"]),
        ({"url": "https://[::1]/", "secret": SECRET}, ["callback.url"]),
        ({"url": URL, "secret": SECRET, "events": []}, ["callback.events"]),
        ("https://example.org/", ["callback"]),
    ],
)
def test_it_refuses_another_callback(api: "Api", callback: object, named: list[str]) -> None:
    answer = api.submit(callback=callback)
    assert (answer.status, sorted(answer.fields)) == (422, named)


def test_the_log_shows_every_attempt(api: "Api", backend: "MemoryBackend") -> None:
    own_id = uuid.UUID(str(create(api).body["id"]))
    attempt = Attempt(1, MADE, 12, 500, "the receiver answered 500; only 2xx means that it was taken", "oh")
    backend.webhooks.keep(own_id, attempts=(attempt, replace(attempt, number=2, duration_ms=None)))
    path = f"/v1/webhooks/{own_id}/deliveries"

    listed = api.get(path).body["deliveries"]

    assert isinstance(listed, list)
    (delivery,) = listed
    assert delivery["attempts"][0] == {
        "number": 1,
        "at": "2026-11-22T08:00:00.000Z",
        "duration_ms": 12,
        "status": 500,
        "error": "the receiver answered 500; only 2xx means that it was taken",
        "answer": "oh",
    }
    assert delivery["attempts"][1]["duration_ms"] is None


def test_the_log_has_pages(api: "Api", backend: "MemoryBackend") -> None:
    own_id = uuid.UUID(str(create(api).body["id"]))
    made = [backend.webhooks.keep(own_id) for _ in range(3)]
    first = api.get(f"/v1/webhooks/{own_id}/deliveries?limit=2").body
    second = api.get(f"/v1/submissions/{uuid.uuid4()}/deliveries?limit=2&cursor={first['next_cursor']}").body
    listed = [one["id"] for page in (first, second) for one in page["deliveries"]]  # type: ignore[attr-defined]
    assert listed == [str(one.id) for one in reversed(made)]
    assert second["next_cursor"] is None


def test_a_delivery_can_be_made_again(api: "Api", backend: "MemoryBackend") -> None:
    made = backend.webhooks.keep(None, state=DeliveryState.WAITING)
    assert api.get(f"/v1/deliveries/{made.id}").body["state"] == "waiting"
    with api.http.post(f"/v1/deliveries/{made.id}/redeliver", headers=api._headers({})) as answer:
        assert (answer.status_code, answer.get_json()["id"]) == (202, str(made.id))
    assert api.get(f"/v1/deliveries/{uuid.uuid4()}").status == 404


def test_answers_match_the_document(api: "Api", backend: "MemoryBackend") -> None:
    api.key = None
    document = api.get("/openapi.json").body
    api.key = "service"
    made = create(api)
    path = f"/v1/webhooks/{made.body['id']}"
    check(document, "NewWebhookAnswer", made.body)
    check(document, "NewWebhookAnswer", api.post(f"{path}/rotate", {"secret": SECRET}).body)
    check(document, "WebhookAnswer", api.get(path).body)
    check(document, "WebhooksAnswer", api.get("/v1/webhooks").body)
    check(document, "DeliveryAnswer", api.post(f"{path}/ping", {}).body)
    backend.webhooks.keep(None, attempts=(Attempt(1, MADE, None, None, None, None),), due_at=None)
    check(document, "DeliveriesAnswer", api.get(f"{path}/deliveries?limit=1").body)
