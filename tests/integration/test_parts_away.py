"""The API while parts of the platform are away: stopped, or frozen, which takes connections and never answers.

Redis is a hint: without it everything is answered as ever, and soon. Without PostgreSQL every route that needs it says
503 and when to come back, and works again by itself.
"""

import contextlib
import os
import re
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from statistics import median_high

import psutil
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import migrations
from app import access, create_app
from app.access import Open
from domain import absence, hosts, keys
from domain import db as db_module
from domain.db import Database
from domain.errors import Unavailable
from domain.host import HostReport
from domain.settings import Settings
from standalone import ports
from standalone.servers import Postgres, Server, Valkey
from tests.waiting import eventually

HELLO = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
FIRST_S = 8.0
"""So long the first request of a process may take that finds Redis frozen: it waits for each answer once."""
OTHERS_S = 0.7
"""And so long any other, but for those that look whether it is back: one in a second."""
NOBODYS = str(uuid.UUID(int=1))
FILLED = {"uuid": NOBODYS, "int": "1", "any(stdout, stderr)": "stdout"}
"""By the kind of a variable in a route; all others are words."""


@dataclass
class Api:
    """Sends requests with an administrator's key, and notes how long each took."""

    http: FlaskClient
    key: str
    took_s: float = 0.0

    def send(self, method: str, path: str, **given: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.key}", **given.pop("headers", {})}  # type: ignore[dict-item] # a mapping
        began = time.monotonic()
        answer = self.http.open(path, method=method, headers=headers, **given)  # type: ignore[arg-type] # any of them
        self.took_s = time.monotonic() - began
        return answer


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("own-postgres"), ports.choose(1)[0], durable=False) as server:
        migrations.upgrade(server.url)
        yield server


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("own-valkey"), ports.choose(1)[0], durable=False) as server:
        yield server


@pytest.fixture(scope="module")
def key(postgres: Postgres) -> str:
    database = Database(postgres.url)
    made = keys.create(database, name="tests", role="admin")
    database.close()
    return made


@pytest.fixture(scope="module")
def api(postgres: Postgres, valkey: Valkey, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A process of the API that has talked to every part, and lives through all of it."""
    folder = tmp_path_factory.mktemp("api")
    urls = (postgres.url, valkey.url, valkey.url)
    settings = Settings(*urls, state_dir=folder, blob_dir=folder / "blobs", service_rate="9999/minute")
    with create_app(settings).test_client() as http:
        made = Api(http, key)
        assert made.send("POST", "/v1/submissions?wait=1", json=HELLO).status_code == 201
        yield made


@pytest.fixture(autouse=True)
def patience_with_redis() -> None:
    """As short as it is: a Redis that hangs is what this is about."""


@pytest.fixture(autouse=True)
def host(postgres: Postgres) -> None:
    """A worker, heard of for as long as the test takes."""
    with closing(Database(postgres.url)) as database:
        hosts.report(database, HostReport("one", 1, 2**30, root=False, languages={"python": "3.11.2"}))
        with database.statement() as tx:
            tx.run(b"UPDATE hosts SET seen_at = now() + interval '1 hour'", [])


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


Away = Callable[[Server], AbstractContextManager[None]]


def asked(api: Api) -> list[tuple[str, int, float]]:
    """Do all that a user does with a submission; gives the statuses, and how long each took."""
    told: list[tuple[str, int, float]] = []

    def note(what: str, answer: TestResponse) -> TestResponse:
        told.append((what, answer.status_code, api.took_s))
        return answer

    sent = note("POST", api.send("POST", "/v1/submissions", json=HELLO)).get_json()
    path = f"/v1/submissions/{sent['id']}"
    note("POST key", api.send("POST", "/v1/submissions", json=HELLO, headers={"Idempotency-Key": uuid.uuid4().hex}))
    note("POST wait", api.send("POST", "/v1/submissions?wait=0.1", json=HELLO))
    note("GET", api.send("GET", path))
    note("GET wait", api.send("GET", f"{path}?wait=0.1"))
    note("list", api.send("GET", "/v1/submissions"))
    note("usage", api.send("GET", "/v1/usage"))
    batch = note("batch", api.send("POST", "/v1/batches", json={"submissions": [HELLO, HELLO]})).get_json()
    note("batch wait", api.send("GET", f"/v1/batches/{batch['id']}?wait=0.1"))
    note("results", api.send("GET", f"/v1/batches/{batch['id']}/results?wait=0.1"))
    note("Judge0", api.send("POST", "/compat/judge0/submissions", json={"language_id": 71, "source_code": "print(1)"}))
    note("DELETE batch", api.send("DELETE", f"/v1/batches/{batch['id']}"))
    note("DELETE", api.send("DELETE", path))
    return told


@pytest.mark.parametrize("away", [stopped, frozen], ids=["stopped", "frozen"])
def test_without_redis_all_is_answered_as_ever_and_soon(api: Api, valkey: Valkey, away: Away) -> None:
    """Up to three attempts to be soon: a machine that stalls does not do so each time."""
    before = [(what, status) for what, status, _ in asked(api)]
    assert {status for _, status in before} <= {200, 201}
    late: list[object] = []

    def is_soon() -> bool:
        with away(valkey):
            told = asked(api)
            assert [(what, status) for what, status, _ in told] == before
            ready = api.send("GET", "/readyz")
            assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
            assert [check["name"] for check in ready.get_json()["checks"] if not check["ok"]] == ["redis"]
        eventually(lambda: absence.of(valkey.url).may_ask())
        late.append(told)
        return soon([took for _, _, took in told])

    assert any(is_soon() for _ in range(3)), late
    assert [(what, status) for what, status, _ in asked(api)] == before
    eventually(lambda: api.send("GET", "/readyz").get_json()["status"] == "ok")


def soon(took_s: Sequence[float]) -> bool:
    """Whether nobody waited for Redis but the first, and those of the others that looked whether it is back."""
    first, *others = took_s
    return first < FIRST_S and median_high(others) < OTHERS_S and sum(others) < 2 * FIRST_S


def needy() -> Iterator[tuple[str, str]]:
    """List the routes that need PostgreSQL: all that need to know who asks."""
    for route, needed in access.ROUTES.items():
        if needed is not Open.PUBLIC:
            method, _, rule = route.partition(" ")
            yield method, re.sub(r"<(?:([^:>]+):)?\w+>", lambda found: FILLED.get(found[1] or "", "none"), rule)


def test_without_postgresql_every_route_says_when_to_come_back_and_then_works(
    api: Api, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db_module, "WAIT_S", 0.1)
    routes = list(needy())
    assert len(routes) > 50
    with stopped(postgres):
        for method, path in routes:
            answer = api.send(method, path, json={} if method in {"POST", "PATCH"} else None)
            assert (answer.status_code, answer.is_json) == (503, True), (method, path, answer.data)
            assert 1 <= int(answer.headers["Retry-After"]) <= 10
        waits = api.send("GET", f"/v1/submissions/{NOBODYS}?wait=1")
        assert (waits.status_code, waits.get_json()["error"]["code"]) == (503, "unavailable")
        assert api.send("GET", "/livez").status_code == 200
        ready = api.send("GET", "/readyz")
        assert (ready.status_code, int(ready.headers["Retry-After"]) > 0) == (503, True)

    monkeypatch.undo()
    eventually(lambda: api.send("POST", "/v1/submissions", json=HELLO).status_code == 201)


def test_a_wait_that_postgresql_goes_away_under_ends_with_503(
    api: Api, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = api.send("POST", "/v1/submissions", json=HELLO).get_json()
    view = api.http.application.extensions["shipd"].backend.get(uuid.UUID(sent["id"]), None)
    monkeypatch.setattr(db_module, "WAIT_S", 0.1)
    with stopped(postgres), pytest.raises(Unavailable):
        api.http.application.extensions["shipd"].backend.wait(view, 5.0)

    monkeypatch.undo()
    eventually(lambda: api.send("GET", "/v1/submissions").status_code == 200)


def test_a_frozen_postgresql_is_found_out(api: Api, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever an earlier test did: no connection comes anew once it is known which are there.
    eventually(lambda: api.send("GET", "/v1/submissions").status_code == 200)
    monkeypatch.setattr(db_module, "SILENT_S", 0.3)
    monkeypatch.setattr(db_module, "WAIT_S", 0.3)
    assert postgres.pid is not None
    backends = [child.pid for child in psutil.Process(postgres.pid).children(recursive=True)]
    for pid in backends:
        with contextlib.suppress(ProcessLookupError):  # one that served a connection which was closed
            os.kill(pid, signal.SIGSTOP)
    try:
        answer = api.send("GET", "/v1/submissions")
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    finally:
        for pid in backends:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    monkeypatch.undo()
    eventually(lambda: api.send("GET", "/v1/submissions").status_code == 200)
