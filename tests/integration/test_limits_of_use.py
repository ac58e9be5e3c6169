"""Limits of use over HTTP on real servers: two API processes, one Redis, one PostgreSQL."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from domain import executions, keys
from domain.blobs import BlobStore
from domain.db import Database
from domain.fair import Usual
from domain.key_limits import KeyLimits
from domain.model import ExecutionTelemetry, Outcome, TestResult, Usage
from domain.settings import Settings
from domain.verdict import Verdict

HELLO = {"language": "python", "source": {"type": "code", "content": "print(1)"}}


@dataclass
class Sender:
    """A key, and an API process that it is sent to."""

    http: FlaskClient
    key: str

    def send(self, **fields: object) -> TestResponse:
        return self.http.post("/v1/submissions", json=HELLO | fields, headers={"Authorization": f"Bearer {self.key}"})

    def usage(self, query: str = "") -> dict[str, Any]:
        with self.http.get(f"/v1/usage{query}", headers={"Authorization": f"Bearer {self.key}"}) as answer:
            found: dict[str, Any] = answer.get_json()
            return found

    def statuses(self, count: int, **fields: object) -> list[int]:
        return [self.send(**fields).status_code for _ in range(count)]


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    limited = {"person_rate": "3/minute", "usual": Usual(at_once=2)}
    return Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs", **limited)  # type: ignore[arg-type]


@pytest.fixture
def messages(redis_url: str) -> Iterator["redis.Redis"]:
    """The broker, empty before and after."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def process(settings: Settings, messages: "redis.Redis") -> Callable[..., FlaskClient]:
    """Start an API process, with some settings changed."""
    assert messages.ping()
    return lambda **other: create_app(replace(settings, **other)).test_client()


@pytest.fixture
def person(process: Callable[..., FlaskClient], db: Database) -> Sender:
    return Sender(process(), keys.create(db, name="person", role="submitter"))


@pytest.fixture
def service(process: Callable[..., FlaskClient], db: Database) -> Sender:
    return Sender(process(), keys.create(db, name="service", role="service"))


def _code(answer: TestResponse) -> object:
    return answer.get_json()["error"]["code"]


def test_processes_share_a_users_window(person: Sender, process: Callable[..., FlaskClient]) -> None:
    other = replace(person, http=process())

    assert [person.send().status_code, other.send().status_code, *person.statuses(2)] == [201, 201, 201, 429]
    refused = other.send()

    assert (refused.status_code, _code(refused), refused.headers["RateLimit-Remaining"]) == (429, "rate_limit", "0")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert other.usage()["rate"][0]["remaining"] == 0


def test_after_retry_after_it_is_taken(person: Sender, messages: "redis.Redis") -> None:
    person.statuses(3)
    wait_s = int(person.send().headers["Retry-After"])

    for name in messages.keys("shipd:rate:*"):
        messages.pexpire(name, int(messages.pttl(name)) - 1000 * wait_s)

    assert person.send().status_code == 201


def test_a_person_has_one_window_and_names_nobody_else(person: Sender) -> None:
    assert person.send(user_id="user 1").status_code == 422
    assert person.statuses(4) == [201] * 3 + [429]


def test_each_user_of_a_service_has_their_own(service: Sender, db: Database) -> None:
    keys.limit(db, service.key.split("_")[1], KeyLimits(rate="1/hour"))

    assert service.statuses(2, user_id="alice") == [201, 429]
    assert service.statuses(2, user_id="bob") == [201, 429]
    assert service.statuses(2) == [201, 429]


def test_what_is_sent_again_is_not_counted(person: Sender) -> None:
    given = {"id": str(uuid.uuid4())}

    assert person.statuses(6, **given) == [201, *[200] * 5]
    assert person.statuses(3) == [201, 201, 429]
    assert person.statuses(1, **given) == [200]
    assert person.usage()["rate"][0]["remaining"] == 0


def test_what_is_wrong_is_not_counted(person: Sender) -> None:
    assert person.statuses(5, language="none") == [422] * 5
    assert person.statuses(3) == [201] * 3


def test_the_limit_of_all_together_is_ours(
    person: Sender, service: Sender, process: Callable[..., FlaskClient]
) -> None:
    http = process(total_rate="2/minute")
    senders = [replace(person, http=http), replace(service, http=http)]

    answers = [sender.send() for sender in (*senders, *senders)]

    assert [answer.status_code for answer in answers] == [201, 201, 503, 503]
    assert _code(answers[2]) == "overloaded"
    assert person.usage()["rate"][0]["remaining"] == 2  # a refusal of ours is not theirs to pay


def test_a_full_queue_takes_no_more(service: Sender, process: Callable[..., FlaskClient], db: Database) -> None:
    full = replace(service, http=process(most_queued=3))

    assert full.statuses(3) == [201] * 3
    refused = full.send()
    assert (refused.status_code, _code(refused), refused.headers["Retry-After"]) == (503, "queue_full", "5")
    # A process that starts now counts what there is.
    assert replace(full, http=process(most_queued=3)).statuses(1) == [503]

    with db.transaction() as tx:
        tx.execute("UPDATE executions SET state = 'cancelled', finished_at = now()")
    assert replace(full, http=process(most_queued=3)).statuses(1) == [201]


def test_a_spent_budget_is_the_users_own(service: Sender, db: Database, blobs: BlobStore) -> None:
    keys.limit(db, service.key.split("_")[1], KeyLimits(cpu_s_per_day=2))
    sent = service.send(user_id="alice").get_json()
    claim = executions.claim(db, blobs, uuid.UUID(sent["execution"]["id"]), worker="test", lease_s=60)
    assert claim is not None
    spent = (TestResult(0, Verdict.OK, usage=Usage(2000, 2000, 1)),)
    executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry(), results=spent))

    refused = service.send(user_id="alice")

    assert (refused.status_code, _code(refused)) == (429, "cpu_budget")
    assert 0 < int(refused.headers["Retry-After"]) <= 24 * 3600
    assert "2 CPU seconds" in refused.get_json()["error"]["message"]
    assert service.statuses(1, user_id="bob") == [201]
    cpu = service.usage("?user_id=alice")["cpu"]
    assert (cpu["spent_ms"], cpu["budget_s"]) == (2000, 2)


def test_usage_tells_what_is_under_way(service: Sender, db: Database, blobs: BlobStore) -> None:
    first = service.send().get_json()["execution"]["id"]
    service.statuses(3)
    service.statuses(1, user_id="another")
    assert executions.claim(db, blobs, uuid.UUID(first), worker="test", lease_s=60) is not None

    assert service.usage()["executions"] == {"running": 1, "queued": 3, "at_once": 2}


def test_only_a_users_first_ones_are_sent(service: Sender, messages: "redis.Redis") -> None:
    assert service.statuses(5, user_id="flood") == [201] * 5
    assert service.statuses(1, user_id="other") == [201]

    assert messages.llen("normal") == 3


def test_without_redis_submissions_are_taken_and_postgresql_still_counts(
    service: Sender, process: Callable[..., FlaskClient], db: Database
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    keys.limit(db, service.key.split("_")[1], KeyLimits(rate="1/hour"))
    alone = replace(service, http=process(redis_url=nowhere, broker_url=nowhere, total_rate="1/hour", most_queued=3))

    assert alone.statuses(4) == [201] * 3 + [503]
    assert alone.usage()["rate"] == []
