"""The platform with the rights that `ansible/` gives it: rows of PostgreSQL, some commands of Redis over TLS."""

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
import redis
from websocket import create_connection

import migrations
from domain import keys
from domain.db import Database
from standalone import ports
from standalone.client import Client
from standalone.stack import Stack
from tests.secure_servers import Certificates, SecurePostgres, SecureValkey
from tests.waiting import eventually

READS = "print(input()[::-1])"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecurePostgres]:
    with SecurePostgres(tmp_path_factory.mktemp("postgres"), ports.choose(1)[0]) as server:
        server.say_rights()
        migrations.upgrade(server.url_of("shipd_owner"))
        server.say_rights()
        yield server


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[SecureValkey]:
    with SecureValkey(tmp_path_factory.mktemp("valkey"), certificates) as server:
        yield server


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, postgres: SecurePostgres, valkey: SecureValkey) -> Iterator[Stack]:
    """A whole platform on both."""
    urls = {"DATABASE_URL": postgres.url_of("shipd"), "REDIS_URL": valkey.url, "SHIPD_NETWORK": "off"}
    with Stack(tmp_path_factory.mktemp("secure"), environ=urls, durable=False) as running:
        yield running


@pytest.fixture
def person(secure: Stack) -> Client:
    """Somebody whose submissions are counted."""
    with closing(Database(secure.settings.database_url)) as db:
        return Client(secure.url, keys.create(db, name="person", role="submitter"))


def submission(program: str, **more: object) -> dict[str, object]:
    return {"language": "python", "source": {"type": "code", "content": program}, **more}


def test_it_grades_and_nothing_is_refused(
    secure: Stack, postgres: SecurePostgres, valkey: SecureValkey, person: Client
) -> None:
    tested = submission(READS, test_cases=[{"input": "ab", "expected_output": "ba"}], cache="execution")
    for _ in range(2):
        answer = person.post("/v1/submissions?wait=60", tested)
        assert answer.body["execution"]["verdict"] == "AC", answer.body  # type: ignore[index] # JSON
    batch = [submission("print(1)", priority=priority) for priority in ("interactive", "normal", "bulk")]
    assert secure.client.post("/v1/batches", {"submissions": batch}).status in {200, 201, 202}
    _type(secure)
    _cancel(secure)
    eventually(lambda: _flower(secure, "/api/workers?refresh=1"))  # workers answer Flower
    assert isinstance(_flower(secure, "/api/queues/length"), dict), "Flower asks the broker over TLS"
    assert valkey.refused() == []
    assert "ERROR:  permission denied" not in (postgres.folder / "server.log").read_text()


def test_programs_of_the_platform_write_rows_and_no_more(postgres: SecurePostgres) -> None:
    with psycopg.connect(postgres.url_of("shipd"), autocommit=True) as app:
        app.execute("SELECT count(*) FROM submissions")
        for forbidden in (
            "CREATE TABLE mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "ALTER TABLE submissions DROP COLUMN created_at",
            "TRUNCATE submissions",
            "DELETE FROM audit_log",
            "UPDATE audit_log SET actor = 'nobody'",
            "DELETE FROM audit_head",
            "INSERT INTO audit_head (position, hash, logged) VALUES (0, sha256(''), 0)",
            "UPDATE alembic_version SET version_num = '0001'",
            "SELECT rolpassword FROM pg_authid",
            "COPY submissions TO PROGRAM 'cat'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)


def test_who_monitors_sees_numbers_and_no_rows(postgres: SecurePostgres) -> None:
    with psycopg.connect(postgres.url_of("shipd_readonly"), autocommit=True) as monitor:
        assert monitor.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            monitor.execute("SELECT 1 FROM public.submissions")


def test_rights_said_twice_are_the_same(postgres: SecurePostgres) -> None:
    def standing() -> list[object]:
        with psycopg.connect(postgres.url) as connection:
            rows = connection.execute(
                "SELECT relname, relowner, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " ORDER BY relname"
            )
            return list(rows)

    before = standing()
    postgres.say_rights()
    assert standing() == before


def test_whoever_has_another_authority_is_not_talked_to(valkey: SecureValkey) -> None:
    url = valkey.url.partition("?")[0]
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        redis.Redis.from_url(url).ping()


def _type(stack: Stack) -> None:
    answer = stack.client.post("/v1/submissions", submission(READS, interactive=True))
    path = f"/v1/submissions/{answer.body['id']}"
    url = f"ws{stack.url.removeprefix('http')}{path}/events"
    socket = create_connection(url, header=[f"Authorization: Bearer {stack.api_key}"], timeout=30)
    socket.send(json.dumps({"type": "stdin", "data": "ab\n"}))
    try:
        while "ba" not in socket.recv():
            pass
    finally:
        socket.shutdown()  # type: ignore[no-untyped-call] # websocket-client types only some


def _cancel(stack: Stack) -> None:
    sleeps = submission("import time; time.sleep(30)", constraints={"timeout_ms": 5000})
    answer = stack.client.post("/v1/submissions", sleeps)
    assert answer.status == 201, answer.body
    assert stack.client.delete(f"/v1/submissions/{answer.body['id']}").status in {200, 202, 204}


def _flower(stack: Stack, path: str) -> object:
    word = base64.b64encode(stack.environ["FLOWER_BASIC_AUTH"].encode()).decode()
    request = urllib.request.Request(stack.flower_url + path, headers={"Authorization": f"Basic {word}"})  # noqa: S310 - ours
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read())
