"""Batches over the API on the real domain, with nobody to grade but the test."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from domain import events as events_module
from domain import executions, keys
from domain.batches import MAX_ITEMS
from domain.blobs import BlobStore
from domain.db import Database
from domain.events import Events
from domain.fair import Usual
from domain.key_limits import KeyLimits
from domain.model import ExecutionTelemetry, Outcome, TestResult
from domain.settings import Settings
from domain.verdict import State, Verdict
from tests.integration.conftest import SENDERS

HELLO = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
Json = dict[str, Any]
Finish = Callable[[str], None]


@pytest.fixture
def application(database_url: str, redis_url: str, tmp_path: Path) -> Flask:
    places = Usual(at_once=100)
    urls = (database_url, redis_url, redis_url)
    return create_app(Settings(*urls, blob_dir=tmp_path / "blobs", usual=places, db_pool_max=SENDERS))


@pytest.fixture
def http(application: Flask, db: Database) -> Iterator[FlaskClient]:
    with application.test_client() as client:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {keys.create(db, name='tests', role='service')}"
        yield client


@pytest.fixture
def messages(redis_url: str) -> Iterator["redis.Redis"]:
    """The broker, empty."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture
def finish(db: Database, blobs: BlobStore, events: Events) -> Finish:
    """Do what a worker does with an execution, and tell of it."""

    def grade(execution_id: str) -> None:
        own_id = uuid.UUID(execution_id)
        claim = executions.claim(db, blobs, own_id, worker="test", lease_s=60)
        assert claim is not None
        found = (TestResult(0, Verdict.OK, stdout=b"1\n"),)
        assert executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry(), results=found))
        events.publish(own_id, State.DONE)

    return grade


def post(http: FlaskClient, *members: Mapping[str, object], query: str = "", **headers: str) -> tuple[int, Json]:
    with http.post(f"/v1/batches{query}", json={"submissions": members}, headers=headers) as response:
        return response.status_code, response.get_json()


def get(http: FlaskClient, path: str) -> Json:
    with http.get(path) as response:
        assert response.status_code == 200, response.data
        found: Json = response.get_json()
        return found


def execution_ids(body: Json) -> list[str]:
    return [item["submission"]["execution"]["id"] for item in body["items"] if "submission" in item]


def test_it_works(http: FlaskClient, messages: "redis.Redis", finish: Finish) -> None:
    status, body = post(http, HELLO | {"priority": "bulk"}, {"language": "python"}, HELLO, HELLO)

    assert (status, [item["status"] for item in body["items"]]) == (201, [201, 422, 201, 201])
    assert (messages.llen("bulk"), messages.llen("normal")) == (1, 2)
    for execution_id in execution_ids(body):
        finish(execution_id)
    found = get(http, body["links"]["self"])
    assert (found["done"], found["verdicts"]["OK"], found["counts"]["refused"]) == (True, 3, 1)
    page = get(http, body["links"]["items"])
    assert page["items"][0]["submission"]["execution"]["stdout"] == "1\n"
    alone = get(http, page["items"][0]["submission"]["links"]["self"])
    assert page["items"][0]["submission"] == alone


def test_the_largest_batch_is_kept_and_sent_whole(http: FlaskClient, db: Database, messages: "redis.Redis") -> None:
    keys.limit(db, http.environ_base["HTTP_AUTHORIZATION"].split("_")[1], KeyLimits(at_once=MAX_ITEMS))
    members = [HELLO | {"metadata": {"n": n}, "test_cases": [{"input": str(n)}]} for n in range(MAX_ITEMS)]

    status, body = post(http, *members)

    assert status == 201
    assert {item["status"] for item in body["items"]} == {201}
    assert len(set(execution_ids(body))) == messages.llen("normal") == MAX_ITEMS
    assert get(http, body["links"]["self"])["states"]["queued"] == MAX_ITEMS


def test_the_queue_being_away_loses_nothing(database_url: str, tmp_path: Path, db: Database) -> None:
    away = "redis://127.0.0.1:1"
    with create_app(Settings(database_url, away, away, blob_dir=tmp_path / "blobs")).test_client() as http:
        http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {keys.create(db, name='tests', role='service')}"
        status, body = post(http, HELLO, HELLO)

    found = executions.sweep(db, message_lost_s=0, max_attempts=3, no_host_s=600)
    assert status == 201
    assert {str(execution_id) for execution_id, _ in found} == set(execution_ids(body))


def test_wait_holds_until_the_last_one_is_done(
    http: FlaskClient, application: Flask, finish: Finish, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "DOUBT_S", 3600)
    _, body = post(http, HELLO, HELLO)
    first, second = execution_ids(body)
    finish(first)
    worker = after_listening(redis_url, second, lambda: finish(second))

    found = get(http, f"{body['links']['self']}?wait=60")

    worker.join()
    assert (found["done"], found["verdicts"]["OK"]) == (True, 2)


def test_wait_does_not_hold_for_ever(http: FlaskClient) -> None:
    status, body = post(http, HELLO, query="?wait=0.05")

    assert (status, body["done"], body["items"][0]["submission"]["execution"]["state"]) == (201, False, "queued")


def test_results_are_streamed_as_they_end(
    http: FlaskClient, finish: Finish, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "DOUBT_S", 3600)
    _, body = post(http, HELLO, {"language": 3}, HELLO, HELLO)
    first, second, third = execution_ids(body)
    finish(second)
    path = body["links"]["results"]

    with http.get(path, buffered=False) as response:
        assert response.content_type == "application/x-ndjson"
        lines = response.iter_encoded()
        found = [json.loads(next(lines))]  # its listener is there from here on
        for execution_id in (third, first):
            finish(execution_id)
            found.append(json.loads(next(lines)))
        assert list(lines) == []

    assert [line["index"] for line in found] == [2, 3, 0]
    assert [line["submission"]["execution"]["verdict"] for line in found] == ["OK"] * 3
    with http.get(f"{path}?after={found[1]['after']}") as response:
        assert [json.loads(line)["index"] for line in response.data.splitlines()] == [0]


def test_others_have_none_of_it(http: FlaskClient, db: Database) -> None:
    _, body = post(http, HELLO)
    http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {keys.create(db, name='another', role='service')}"

    for path in body["links"].values():
        with http.get(path) as response:
            assert response.status_code == 404


@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/batches"])
def test_many_with_one_key_make_one(
    application: Flask, http: FlaskClient, messages: "redis.Redis", at_once: Callable[..., list[Any]], path: str
) -> None:
    headers = {"Authorization": http.environ_base["HTTP_AUTHORIZATION"], "Idempotency-Key": "a"}
    body = HELLO if path == "/v1/submissions" else {"submissions": [HELLO, {"language": "cobol"}]}

    def send(_: int) -> tuple[int, str]:
        with application.test_client() as client, client.post(path, json=body, headers=headers) as response:
            return response.status_code, response.get_json()["id"]

    answers = at_once(SENDERS, send)

    assert sorted(status for status, _ in answers) == [*[200] * (SENDERS - 1), 201]
    assert len({own_id for _, own_id in answers}) == 1
    assert messages.llen("normal") == 1


def test_one_key_stands_for_a_submission_and_for_a_batch(http: FlaskClient) -> None:
    key = {"Idempotency-Key": "a"}
    statuses = [post(http, HELLO, **key)[0]]
    for path in ("/v1/submissions", "/v1/submissions"):
        with http.post(path, json=HELLO, headers=key) as response:
            statuses.append(response.status_code)

    assert [*statuses, post(http, HELLO, **key)[0], post(http, HELLO, HELLO, **key)[0]] == [201, 201, 200, 200, 422]


def after_listening(redis_url: str, execution_id: str, action: Callable[[], None]) -> threading.Thread:
    """Do something once somebody listens to an execution."""

    def wait_and_act() -> None:
        name = events_module.channel(uuid.UUID(execution_id))
        with redis.Redis.from_url(redis_url) as client:
            while client.pubsub_numsub(name)[0][1] == 0:
                pass
        action()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread
