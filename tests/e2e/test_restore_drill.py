"""The server is lost with all its files, and what was committed is there again, by the tools that operators have.

What is printed are the drill's times: `pytest -s`, and docs/operations.md.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from domain import audit, audit_chain
from domain.db import Database
from standalone import ports
from standalone.client import Client
from standalone.servers import Postgres
from standalone.stack import Stack
from tests.e2e.backups import Archiving, Backups, destroy
from tests.waiting import eventually

RIGHT = {
    "language": "python",
    "source": {"type": "code", "content": "print(input())"},
    "test_cases": [{"input": "1", "expected_output": "1"}],
}
WRONG = {**RIGHT, "source": {"type": "code", "content": "print('another')"}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Postgres]:
    with Postgres(tmp_path / "postgres", ports.choose(1)[0]) as running:
        yield running


@pytest.fixture
def backups(tmp_path: Path, server: Postgres) -> Backups:
    return Backups(tmp_path / "backups", server)


def send(client: Client, body: Mapping[str, object], *, wait: bool = True) -> str:
    answer = client.post(f"/v1/submissions{'?wait=60' if wait else ''}", body)
    assert answer.status in {201, 202}, answer.body
    return str(answer.body["id"])


def verdict(client: Client, submission_id: str) -> object:
    answer = client.get(f"/v1/submissions/{submission_id}")
    execution = answer.body.get("execution")
    return execution["verdict"] if isinstance(execution, dict) else None


def test_a_lost_server_is_restored_and_what_was_queued_is_graded(
    tmp_path: Path, server: Postgres, backups: Backups, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {"DATABASE_URL": server.url, "SHIPD_NETWORK": "off", "SHIPD_MESSAGE_LOST_S": "2", "SHIPD_SWEEP_S": "1"}
    with Stack(tmp_path / "stack", environ=environ, durable=False) as stack:
        client = stack.client
        with backups.receiving():
            graded = {send(client, RIGHT): "AC", send(client, WRONG): "WA"}
            name = backups.run("create", "--dbname", server.url)["created"]
            graded |= {send(client, WRONG): "WA", send(client, RIGHT): "AC"}
            stack.supervisor.halt("worker")
            queued = {send(client, RIGHT, wait=False): "AC", send(client, WRONG, wait=False): "WA"}
            eventually(lambda: not backups.behind())
            last = [send(client, RIGHT, wait=False) for _ in range(5)]
            began = time.monotonic()
            destroy(server)

        assert client.post("/v1/submissions", RIGHT).status == 503
        assert backups.run("restore", "--to", str(server.folder / "data"))["restored"] == name
        server.start()
        eventually(lambda: not in_recovery(server))
        up_s = time.monotonic() - began
        stack.supervisor.run("worker")
        again = send(client, RIGHT)
        eventually(lambda: verdict(client, again) == "AC")
        rto_s = time.monotonic() - began
        expected = {**graded, **queued}
        eventually(lambda: {one: verdict(client, one) for one in expected} == expected)
        kept = [one for one in last if client.get(f"/v1/submissions/{one}").status == 200]
        assert kept == last[: len(kept)], "what was committed earlier is there before what was committed later"
        eventually(lambda: all(verdict(client, one) == "AC" for one in kept))
        assert_graded_once(server, [*expected, *kept, again])
        assert_whole(stack.environ)
        verified = verified_backup(backups, stack)
        assert verified["submissions"] == len(expected) + len(kept)

    with capsys.disabled():
        told = {
            "lost_of_last_5": len(last) - len(kept),
            "server_up_s": round(up_s, 1),
            "rto_s": round(rto_s, 1),
            "verified": verified,
        }
        sys.stdout.write(f"\nrestore drill: {json.dumps(told)}\n")


def in_recovery(server: Postgres) -> bool:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return row is None or bool(row[0])


def assert_graded_once(server: Postgres, submission_ids: Sequence[str]) -> None:
    """Look that each has one execution, with one end in the audit log, and that there is nothing else."""
    with closing(Database(server.url, max_size=1)) as db:
        eventually(lambda: ended(db) == len(submission_ids))
        with db.read() as tx:
            rows = tx.execute("SELECT submission_id::text, count(*), min(state) FROM executions GROUP BY 1").fetchall()
    assert sorted(rows) == sorted((one, 1, "done") for one in submission_ids)


def ended(db: Database) -> int:
    audit_chain.extend(db)
    return len(audit.latest(db, 100, event="execution_ended"))


def shipd(*words: str) -> list[str]:
    return [str(Path(sys.executable).parent / "shipd"), *words]


def assert_whole(environ: Mapping[str, str]) -> None:
    done = subprocess.run(shipd("audit", "verify"), env=dict(environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def verified_backup(backups: Backups, stack: Stack) -> dict[str, object]:
    """Have the backup tried out, with the audit log verified in the restored database."""
    environ = {"REDIS_URL": stack.settings.redis_url}
    found = backups.run("verify", "--user", "shipd", "--", *shipd("audit", "verify", "--json"), environ=environ)
    return dict(found)


def test_it_is_restored_to_a_moment_from_what_was_archived(tmp_path: Path) -> None:
    first = Archiving(tmp_path / "postgres", ports.choose(1)[0])
    first.backups = backups = Backups(tmp_path / "backups", first)
    with first, psycopg.connect(first.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number integer)")
        backups.run("create", "--dbname", first.url)
        connection.execute("INSERT INTO kept VALUES (1)")
        row = connection.execute("SELECT clock_timestamp()::text").fetchone()
        connection.execute("INSERT INTO kept VALUES (2)")
        archived = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        assert row is not None
        assert archived is not None
        eventually((backups.folder / "wal" / archived[0]).exists)
        connection.execute("INSERT INTO kept VALUES (3)")
        destroy(first)

        for moment, expected in ((row[0], [1]), (None, [1, 2])):
            until = ["--until", moment] if moment else []
            backups.run("restore", "--to", str(first.folder / "data"), *until)
            first.start()
            eventually(lambda: not in_recovery(first))
            with psycopg.connect(first.url) as restored:
                found = [row[0] for row in restored.execute("SELECT number FROM kept ORDER BY 1")]
            destroy(first)
            assert found == expected
