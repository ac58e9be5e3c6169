"""The API on the real domain: PostgreSQL, Redis and a blob folder, with nobody to grade but the test."""

import itertools
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from app import create_app
from domain import executions, hosts, keys
from domain.blob_folder import FolderBlobs
from domain.db import Database
from domain.events import Events
from domain.host import HostReport
from domain.model import Artifact, ExecutionTelemetry, Outcome, TestResult, Usage
from domain.settings import Settings
from domain.verdict import State, Verdict

HELLO = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
Json = dict[str, object]


@dataclass
class Api:
    """Sends requests with a key."""

    http: FlaskClient
    key: str

    def get(self, path: str) -> tuple[int, Json]:
        with self.http.get(path, headers=self.headers) as response:
            return response.status_code, response.get_json()

    def post(self, path: str, body: object) -> tuple[int, Json]:
        with self.http.post(path, json=body, headers=self.headers) as response:
            return response.status_code, response.get_json()

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs")


@pytest.fixture
def api(settings: Settings, db: Database) -> Iterator[Api]:
    with create_app(settings).test_client() as http:
        yield Api(http, keys.create(db, name="tests", role="service"))


@pytest.fixture
def messages(redis_url: str) -> Iterator["redis.Redis"]:
    """The broker, empty."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


def grade(db: Database, blobs: FolderBlobs, execution_id: str, *results: TestResult) -> None:
    """Do what a worker does."""
    claim = executions.claim(db, blobs, uuid.UUID(execution_id), worker="test", lease_s=60)
    assert claim is not None
    assert executions.enter(db, claim, State.RUNNING)
    assert executions.record(db, blobs, claim, results)
    assert executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry(host="here")))


def entries(body: Json, name: str) -> list[Any]:
    found = body[name]
    assert isinstance(found, list)
    return found


def execution_of(body: Json) -> dict[str, object]:
    found = body["execution"]
    assert isinstance(found, dict)
    return found


def test_it_works(api: Api, messages: "redis.Redis") -> None:
    status, body = api.post("/v1/submissions", HELLO | {"metadata": {"é": [1, None]}, "priority": "bulk"})

    assert status == 201
    assert (execution_of(body)["state"], body["metadata"]) == ("queued", {"é": [1, None]})
    assert messages.llen("bulk") == 1
    assert api.get(f"/v1/submissions/{body['id']}") == (200, body)


def test_it_shows_what_was_graded(api: Api, db: Database, blobs: FolderBlobs) -> None:
    _, body = api.post("/v1/submissions", HELLO)
    artifact = Artifact("a b.bin", 3, blobs.put(b"\0\1\2"))
    result = TestResult(
        0, Verdict.OK, None, 0, stdout=b"x" * 100_000, stderr=b"\xff", usage=Usage(1, 2, 3), artifacts=(artifact,)
    )
    grade(db, blobs, str(execution_of(body)["id"]), result)

    _, body = api.get(f"/v1/submissions/{body['id']}")

    execution = execution_of(body)
    assert (execution["state"], execution["verdict"], execution["truncated"]) == ("done", "OK", ["stdout"])
    assert execution["stderr"] == {"base64": "/w=="}
    listed = entries(execution, "test_results")[0]
    for path, data in ((listed["links"]["stdout"], b"x" * 100_000), (listed["artifacts"][0]["url"], b"\0\1\2")):
        with api.http.get(path, headers=api.headers) as response:
            assert response.is_streamed
            assert response.content_length == len(data)
            assert (response.status_code, response.data) == (200, data)


def test_it_answers_though_inputs_are_gone(api: Api, blobs: FolderBlobs) -> None:
    long = "x" * 100_000
    asked = {"language": "python", "source": {"type": "code", "content": long}, "test_cases": [{"input": long}]}
    given = asked | {"id": str(uuid.uuid4())}
    _, body = api.post("/v1/submissions", given)
    shutil.rmtree(blobs.folder)

    assert api.get(f"/v1/submissions/{body['id']}") == (200, body)
    assert api.post("/v1/submissions", given) == (200, body)
    status, page = api.get("/v1/submissions")
    assert (status, [entry["id"] for entry in entries(page, "submissions")]) == (200, [body["id"]])


def test_an_answer_with_very_many_outputs_is_bounded(api: Api, db: Database, blobs: FolderBlobs) -> None:
    count = 1000
    _, body = api.post("/v1/submissions", HELLO | {"test_cases": [{}] * count})
    stdout, stderr = b"x" * 60_000, b"y" * 70_000
    results = [TestResult(n, Verdict.OK, stdout=stdout, stderr=stderr) for n in range(count)]
    grade(db, blobs, str(execution_of(body)["id"]), *results)

    with api.http.get(f"/v1/submissions/{body['id']}", headers=api.headers) as response:
        assert len(response.data) < 13 * 1024 * 1024
        listed = response.get_json()["execution"]["test_results"]

    assert (listed[0]["stdout"], listed[0]["truncated"]) == (stdout.decode(), ["stderr"])
    last = listed[-1]
    assert (len(last["stdout"]), len(last["stderr"]), last["truncated"]) == (1024, 1024, ["stdout", "stderr"])
    with api.http.get(last["links"]["stdout"], headers=api.headers) as response:
        assert response.data == stdout


def test_a_second_use_of_an_id_gives_the_first(api: Api) -> None:
    given = {"id": str(uuid.uuid4())}

    first, again = api.post("/v1/submissions", HELLO | given), api.post("/v1/submissions", HELLO | given)
    other, _ = api.post("/v1/submissions", HELLO | given | {"language": "c"})

    assert (first[0], again[0], other) == (201, 200, 409)
    assert first[1] == again[1]


def test_execute_answers_when_it_is_done(api: Api, db: Database, blobs: FolderBlobs, events: Events) -> None:
    given = str(uuid.uuid4())
    api.post("/v1/submissions", HELLO | {"id": given})
    _, body = api.get(f"/v1/submissions/{given}")
    execution_id = str(execution_of(body)["id"])

    def work() -> None:
        grade(db, blobs, execution_id, TestResult(0, Verdict.OK, stdout=b"1\n", usage=Usage(1, 1, 1)))
        events.publish(uuid.UUID(execution_id), State.DONE.value)

    worker = threading.Thread(target=work)
    worker.start()
    status, body = api.post("/execute", HELLO | {"id": given})
    worker.join()

    assert status == 200
    assert (execution_of(body)["verdict"], execution_of(body)["stdout"]) == ("OK", "1\n")


def test_who_waits_is_told_that_it_was_cancelled(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.events.DOUBT_S", 3600)  # nobody asks the database by himself
    _, body = api.post("/v1/submissions", HELLO)
    path = f"/v1/submissions/{body['id']}"
    waiting = api.http.application.test_client()
    listening = threading.Event()
    expect = Events.expect

    def noting(self: Events, execution_id: uuid.UUID) -> object:
        found = expect(self, execution_id)
        listening.set()
        return found

    monkeypatch.setattr(Events, "expect", noting)
    answers: list[Json] = []
    waiter = threading.Thread(
        target=lambda: answers.append(waiting.get(f"{path}?wait=60", headers=api.headers).get_json())
    )
    began = time.monotonic()
    waiter.start()
    assert listening.wait(10)

    with api.http.delete(path, headers=api.headers) as response:
        cancelled = response.get_json()
    waiter.join()

    assert time.monotonic() - began < 30
    assert execution_of(cancelled)["state"] == "cancelled"
    assert answers == [cancelled]


def test_a_tag_is_good_until_something_changes(api: Api, db: Database, blobs: FolderBlobs) -> None:
    _, body = api.post("/v1/submissions", HELLO | {"test_cases": [{}, {}]})
    path = f"/v1/submissions/{body['id']}"
    seen = []

    def look() -> None:
        with api.http.get(path, headers=api.headers) as response:
            seen.append((response.headers["ETag"], response.get_json()))
        with api.http.get(path, headers={**api.headers, "If-None-Match": seen[-1][0]}) as response:
            assert (response.status_code, response.data) == (304, b"")

    look()
    claim = executions.claim(db, blobs, uuid.UUID(str(execution_of(body)["id"])), worker="test", lease_s=60)
    assert claim is not None
    look()
    changes: list[Callable[[], bool]] = [
        lambda: executions.enter(db, claim, State.RUNNING),
        lambda: executions.record(db, blobs, claim, [TestResult(0, Verdict.OK)]),
        lambda: executions.record(db, blobs, claim, [TestResult(1, Verdict.OK)]),
        lambda: executions.finish(db, blobs, claim, Outcome(Verdict.OK, None, ExecutionTelemetry())),
    ]
    for change in changes:
        assert change()
        look()

    assert len({tag for tag, _ in seen}) == len(seen)
    assert all(one != other for one, other in itertools.pairwise(answer for _, answer in seen))


def test_it_lists_by_what_is_asked_for(api: Api, db: Database, blobs: FolderBlobs) -> None:
    mine = {"user_id": "u", "problem_id": "p", "language": "cpp@20", "test_cases": [{}]}
    _, first = api.post("/v1/submissions", HELLO | mine)
    api.post("/v1/submissions", HELLO)
    grade(db, blobs, str(execution_of(first)["id"]), TestResult(0, Verdict.OK))

    for query in ("user_id=u", "problem_id=p", "language=cpp", "language=cpp%4020", "state=done", "verdict=OK"):
        _, page = api.get(f"/v1/submissions?{query}&fields=id&created_from=2026-01-01T00:00:00Z")
        assert page == {"submissions": [{"id": first["id"]}], "next_cursor": None}, query
    assert api.get("/v1/submissions?created_to=2026-01-01T00:00:00Z")[1]["submissions"] == []


def test_it_lists_page_by_page(api: Api, db: Database) -> None:
    sent = [api.post("/v1/submissions", HELLO)[1]["id"] for _ in range(3)]

    _, first = api.get("/v1/submissions?limit=2")
    _, second = api.get(f"/v1/submissions?limit=2&cursor={first['next_cursor']}")

    found = [entry["id"] for page in (first, second) for entry in entries(page, "submissions")]
    assert found == sent[::-1]
    assert second["next_cursor"] is None
    api.key = keys.create(db, name="another", role="submitter")
    assert api.get("/v1/submissions") == (200, {"submissions": [], "next_cursor": None})
    api.key = keys.create(db, name="operator", role="admin")
    assert len(entries(api.get("/v1/submissions")[1], "submissions")) == 3


def test_a_list_keeps_the_reason_of_a_hidden_case(api: Api, db: Database, blobs: FolderBlobs) -> None:
    _, body = api.post("/v1/submissions", HELLO | {"test_cases": [{}, {"is_hidden": True}]})
    claim = executions.claim(db, blobs, uuid.UUID(str(execution_of(body)["id"])), worker="test", lease_s=60)
    assert claim is not None
    results = (TestResult(0, Verdict.OK), TestResult(1, Verdict.RTE, "exit:42", exit_code=42))
    executions.record(db, blobs, claim, results)
    executions.finish(db, blobs, claim, Outcome(Verdict.RTE, "exit:42", ExecutionTelemetry()))

    _, page = api.get("/v1/submissions")
    _, one = api.get(f"/v1/submissions/{body['id']}")

    listed = entries(page, "submissions")[0]
    assert (listed["execution"]["reason"], execution_of(one)["reason"]) == ("runtime", "runtime")
    assert "42" not in str(execution_of(one)["test_results"])


def test_it_refuses_what_no_host_can_hold(api: Api, db: Database) -> None:
    hosts.report(db, HostReport("small", 1, 512 * 1024 * 1024, root=False, languages={"python": "3.11"}))

    asked = HELLO | {"constraints": {"memory_mb": 8192, "cpu_millicores": 4000}}
    status, body = api.post("/v1/submissions", asked)

    assert status == 422
    error = body["error"]
    assert isinstance(error, dict)
    assert {entry["field"] for entry in error["fields"]} == {"constraints.memory_mb", "constraints.cpu_millicores"}


def test_languages_are_those_of_live_hosts(api: Api, db: Database) -> None:
    hosts.report(db, HostReport("one", 1, 2**30, root=False, languages={"python": "3.11.2"}))

    _, body = api.get("/v1/languages")

    listed = {entry["name"]: entry for entry in entries(body, "languages")}
    assert (listed["python"]["available"], listed["python"]["version"]) == (True, "3.11.2")
    assert (listed["c"]["available"], listed["c"]["install"]) == (False, "apt-get install -y gcc libc6-dev")


def test_readyz_names_what_is_missing(api: Api, db: Database) -> None:
    status, body = api.get("/readyz")
    hosts.report(db, HostReport("one", 1, 2**30, root=False, languages={}))

    assert (status, [entry["ok"] for entry in entries(body, "checks")]) == (503, [True, True, True, False])
    assert api.get("/readyz")[0] == 200


def test_it_says_so_when_servers_are_away(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"not a folder")
    nowhere = "redis://127.0.0.1:1"
    away = Settings("postgresql://127.0.0.1:1/none", nowhere, nowhere, blob_dir=tmp_path / "blobs")
    with create_app(away).test_client() as http:
        status, body = Api(http, "").get("/readyz")

    assert (status, [entry["ok"] for entry in entries(body, "checks")]) == (503, [False, False, False, False])
    assert "127.0.0.1" not in str(body)


def test_a_blob_folder_that_cannot_be_written_is_no_500(settings: Settings, db: Database, tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"not a folder")
    key = keys.create(db, name="tests", role="service")
    with create_app(settings).test_client() as http:
        status, body = Api(http, key).post("/v1/submissions", HELLO | {"test_cases": [{"input": "x" * 100_000}]})

    assert status == 503
    assert str(tmp_path) not in str(body)
