"""Whose limits count, what is admitted, and what answers say of it."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from app.wiring import EXTENSION
from domain.errors import LimitReached
from domain.fair import User
from domain.key_limits import KeyLimits
from domain.model import Submission
from domain.rates import RateReached, Window
from tests.unit.app.conftest import ADMIN, PERSON, SERVICE

if TYPE_CHECKING:
    from tests.unit.app.conftest import Answer, Api, MemoryBackend

MINUTE = Window(limit=10, seconds=60, remaining=4, reset_s=30)
HOUR = Window(limit=100, seconds=3600, remaining=2, reset_s=1800)


def _error(answer: "Answer") -> dict[str, object]:
    error = answer.body["error"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize(
    ("key", "named", "user"),
    [
        ("service", "alice", User(SERVICE.id, "alice")),
        ("service", None, User(SERVICE.id)),
        ("admin", "alice", User(ADMIN.id, "alice")),
        ("person", None, User(PERSON.id)),
    ],
)
def test_only_a_service_has_users(
    api: "Api", backend: "MemoryBackend", key: str, named: str | None, user: User
) -> None:
    api.key = key

    assert api.submit(user_id=named).status == 201

    assert [one for one, _, _ in backend.admitted] == [user] == backend.users
    assert backend.admitted[0][2] == 1


def test_a_rate_is_the_keys_own_else_that_of_its_role(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["own"] = replace(PERSON, limits=KeyLimits(rate="5/second"))
    backend.keys["none"] = replace(PERSON, limits=KeyLimits(rate=""))
    for key in ("person", "service", "own", "none"):
        api.key = key
        api.submit()

    assert [rate for _, rate, _ in backend.admitted] == ["600/minute", "", "5/second", ""]


def test_what_is_refused_or_was_sent_before_is_not_counted(api: "Api", backend: "MemoryBackend") -> None:
    given = str(uuid.uuid4())

    assert [api.submit(id=given).status for _ in range(2)] == [201, 200]
    assert api.submit(language="none").status == 422

    assert len(backend.admitted) == 1


def test_a_replay_is_answered_though_a_limit_is_reached(api: "Api", backend: "MemoryBackend") -> None:
    given = str(uuid.uuid4())
    api.submit(id=given)
    backend.refusal = LimitReached("rate_limit", "too many", retry_after_s=9)

    assert api.submit(id=given).status == 200
    assert api.submit().status == 429
    assert len(backend.views) == 1


def test_an_answer_says_what_is_left(api: "Api", backend: "MemoryBackend") -> None:
    backend.windows = [MINUTE, HOUR]

    headers = api.submit().headers

    assert headers["RateLimit-Policy"] == '"60s";q=10;w=60, "3600s";q=100;w=3600'
    assert headers["RateLimit"] == '"60s";r=4;t=30, "3600s";r=2;t=1800'
    # The older fields are of the window that is the nearest to its end.
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    assert [headers[name] for name in names] == ["100", "2", "1800"]


def test_what_is_not_counted_says_nothing(api: "Api", backend: "MemoryBackend") -> None:
    backend.windows = [MINUTE]

    for answer in (api.get("/v1/submissions"), api.submit(language="none")):
        assert not [name for name in answer.headers if name.startswith("RateLimit")]


def test_the_senders_own_limit_is_429(api: "Api", backend: "MemoryBackend") -> None:
    reached = RateReached("rate_limit", "the limit of 10 submissions in 60 s is reached", retry_after_s=30)
    reached.windows = [replace(MINUTE, remaining=0)]
    backend.refusal = reached

    answer = api.submit()

    assert (answer.status, answer.headers["Retry-After"], answer.headers["RateLimit-Remaining"]) == (429, "30", "0")
    assert _error(answer) == {"code": "rate_limit", "message": str(reached), "fields": []}
    assert not backend.views


def test_ours_is_503(api: "Api", backend: "MemoryBackend") -> None:
    backend.refusal = LimitReached("queue_full", "7 executions are queued", retry_after_s=5, ours=True)

    for path in ("/v1/submissions", "/execute"):
        answer = api.post(path, {"language": "python", "source": {"type": "code", "content": ""}})
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert _error(answer)["code"] == "queue_full"


def test_usage_says_what_is_spent_and_left(api: "Api", backend: "MemoryBackend") -> None:
    backend.windows = [MINUTE]
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits({"memory_mb": 64, "test_cases": 3}))

    answer = api.get("/v1/usage?user_id=alice")

    assert answer.status == 200
    ceilings = answer.body.pop("ceilings")
    assert isinstance(ceilings, dict)
    assert (ceilings["memory_mb"], ceilings["test_cases"], ceilings["timeout_ms"]) == (64, 3, 300_000)
    assert answer.body == {
        "user_id": "alice",
        "rate": [{"limit": 10, "window_s": 60, "remaining": 4, "reset_s": 30}],
        "executions": {"running": 1, "queued": 2, "at_once": 8},
        "cpu": {"spent_ms": 1500, "budget_s": None, "reset_s": 3600},
    }
    assert backend.users == [User(SERVICE.id, "alice")]


def test_a_person_sees_their_own_usage_whatever_they_ask(api: "Api", backend: "MemoryBackend") -> None:
    api.key = "person"

    assert api.get("/v1/usage?user_id=alice").body["user_id"] is None
    assert backend.users == [User(PERSON.id)]


CEILINGS = {"timeout_ms": 500, "memory_mb": 64, "cpu_millicores": 200, "disk_mb": 8, "output_kb": 16, "processes": 4}


@pytest.mark.parametrize(("name", "most"), CEILINGS.items())
def test_a_key_has_ceilings_of_its_own(api: "Api", backend: "MemoryBackend", name: str, most: int) -> None:
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits({name: most}))

    assert api.submit(constraints={name: most}).status == 201
    answer = api.submit(constraints={name: most + 1})

    assert answer.fields == {f"constraints.{name}": f"{most + 1} is above the ceiling of {most}"}
    api.key = "admin"
    assert api.submit(constraints={name: most + 1}).status == 201


def test_what_nobody_asked_for_keeps_to_the_ceilings(
    api: "Api", backend: "MemoryBackend", sent: Callable[[], Submission]
) -> None:
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits(CEILINGS))

    assert api.submit().status == 201

    constraints = sent().constraints
    assert {name: getattr(constraints, name) for name in CEILINGS} == CEILINGS


def test_a_test_case_has_no_more_time_than_the_key(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits({"timeout_ms": 500}))

    answer = api.submit(test_cases=[{"timeout_ms": 500}, {"timeout_ms": 501}])

    assert answer.fields == {"test_cases[1].timeout_ms": "501 is above the ceiling of 500"}


def test_a_key_may_send_fewer_test_cases(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits({"test_cases": 2}))

    assert api.submit(test_cases=[{}] * 2).status == 201
    assert api.submit(test_cases=[{}] * 3).fields == {"test_cases": "has 3 members, above the ceiling of 2"}


def test_a_ceiling_never_raises_the_deployments(api: "Api", backend: "MemoryBackend") -> None:
    backend.keys["service"] = replace(SERVICE, limits=KeyLimits({"memory_mb": 1_000_000, "test_cases": 1_000_000}))

    assert api.submit(constraints={"memory_mb": 8193}).fields.keys() == {"constraints.memory_mb"}
    assert api.submit(test_cases=[{}] * 1001).fields.keys() == {"test_cases"}


def test_sources_of_people_are_smaller(api: "Api") -> None:
    for key, size, status in (("person", 10_240, 201), ("person", 10_241, 422), ("service", 10_241, 201)):
        api.key = key
        assert api.submit(source={"type": "code", "content": "#" * size}).status == status


def test_bodies_of_people_are_smaller(api: "Api", application: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    wiring = application.extensions[EXTENSION]
    small = replace(wiring, settings=replace(wiring.settings, person_body_bytes=2000))
    monkeypatch.setitem(application.extensions, EXTENSION, small)

    for key, status in (("person", 413), ("service", 201)):
        api.key = key
        assert api.submit(metadata={"x": "y" * 2000}).status == status
        assert api.submit().status == 201

    api.key = "person"
    assert "2000 bytes" in str(_error(api.submit(metadata={"x": "y" * 2000}))["message"])
