import hashlib
import os
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy

import migrations
from domain import executions, ids, keys, partitions, submissions
from domain.blob_folder import FolderBlobs
from domain.db import Database
from domain.verdict import Verdict

TABLES = {
    "alembic_version",
    "api_keys",
    "archives",
    "arrivals",
    "audit_log",
    "batch_items",
    "batches",
    "broker",
    "compiled",
    "deliveries",
    "delivery_attempts",
    "execution_numbers",
    "hosts",
    "idempotency_keys",
    "owners",
    "paused_queues",
    "places",
    "problem_case_files",
    "problem_cases",
    "problem_documents",
    "problem_versions",
    "problems",
    "regrade_items",
    "regrades",
    "secrets",
    "source_files",
    "spending",
    "submissions",
    "test_case_files",
    "test_cases",
    "test_results",
    "training_outbox",
    "wanted_slots",
    "webhooks",
}
CUT = {"artifacts", "executions", "telemetry", "test_results"}
"""Tables that are nothing but their partitions."""


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition"
        ).fetchall()
    return {name for (name,) in rows}


def _command(url: str | None, *arguments: str) -> "subprocess.Popen[bytes]":
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_URL")}
    return subprocess.Popen(
        [sys.executable, "-m", "migrations", *arguments],
        env=environ | ({"DATABASE_URL": url} if url else {}),
        stderr=subprocess.PIPE,
    )


def _end(process: "subprocess.Popen[bytes]") -> tuple[int, bytes]:
    _, said = process.communicate()
    return process.returncode, said


def test_it_works(empty_database: str) -> None:
    migrations.upgrade(empty_database)

    assert _tables(empty_database) == TABLES | CUT


def test_a_second_run_does_nothing(empty_database: str) -> None:
    migrations.upgrade(empty_database)
    migrations.upgrade(empty_database)


def test_processes_at_once_do_not_collide(empty_database: str) -> None:
    with psycopg.connect(empty_database) as gate:
        # All of them start while nobody may begin, so that they do begin at the same moment.
        gate.execute("SELECT pg_advisory_xact_lock(%s)", (migrations.LOCK_KEY,))
        starters = [_command(empty_database, "upgrade") for _ in range(3)]
        assert _waiting_starters(gate, starters) == len(starters)

    assert [_end(starter) for starter in starters] == [(0, b"")] * 3
    assert _tables(empty_database) == TABLES | CUT


def _waiting_starters(
    connection: "psycopg.Connection[tuple[object, ...]]", starters: "list[subprocess.Popen[bytes]]"
) -> int:
    waiting = 0
    while waiting < len(starters) and all(starter.poll() is None for starter in starters):
        row = connection.execute(
            "SELECT count(*), pg_sleep(0.02) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
            " WHERE locktype = 'advisory' AND NOT granted AND d.datname = current_database()"
        ).fetchone()
        assert row is not None
        waiting = int(str(row[0]))
    return waiting


def test_a_migration_waits_for_no_lock_long(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(empty_database) as user:
        # Someone holds a table that the migration must write: alembic's own.
        user.execute("CREATE TABLE alembic_version (version_num varchar(32) NOT NULL)")
        user.commit()
        user.execute("LOCK TABLE alembic_version IN SHARE MODE")

        with pytest.raises(sqlalchemy.exc.OperationalError, match="lock timeout"):
            migrations.upgrade(empty_database)

    assert _tables(empty_database) == {"alembic_version"}
    migrations.upgrade(empty_database)


def test_the_command_says_what_is_missing() -> None:
    code, said = _end(_command(None, "upgrade"))

    assert code == 2
    assert b"DATABASE_URL is not set" in said


def test_the_command_says_how_to_use_it() -> None:
    code, said = _end(_command(None, "downgrade"))

    assert (code, said) == (2, b"usage: python -m migrations upgrade\n")


def test_a_url_with_what_only_libpq_understands_works(empty_database: str) -> None:
    migrations.upgrade(f"{empty_database}?application_name=100%25&options=-c%20work_mem%3D5MB")

    assert _tables(empty_database) == TABLES | CUT


def test_submissions_that_were_there_keep_their_owner(empty_database: str) -> None:
    migrations.upgrade(empty_database, "0006")
    key_id, submission_id, secret = UUID(int=7), UUID(int=8), "0" * 64
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "INSERT INTO api_keys (id, name, role, prefix, secret_sha256)"
            " VALUES (%s, 'n', 'service', '00000000000a', %s)",
            (key_id, hashlib.sha256(secret.encode()).digest()),
        )
        _submission(connection, submission_id, key_id)

    migrations.upgrade(empty_database)

    with closing(Database(empty_database)) as db:
        key = keys.verify(db, f"shipd_00000000000a_{secret}")
        assert key is not None
        assert (key.id, key.key_id, key.scopes) == (key_id, key_id, None)
    with psycopg.connect(empty_database) as connection:
        _submission(connection, UUID(int=9), key_id)  # as the previous release does
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            _submission(connection, UUID(int=10), UUID(int=404))
    with psycopg.connect(empty_database) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("DELETE FROM owners")


def test_what_was_graded_before_is_in_the_first_partition(empty_database: str, tmp_path: Path) -> None:
    migrations.upgrade(empty_database, "0021")
    graded, queued = UUID(int=(1 << 80) + 1), UUID(int=(1 << 80) + 2)
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO owners (id) VALUES (%s)", (UUID(int=7),))
        for own_id in (graded, queued):
            _submission(connection, own_id, UUID(int=7))
            connection.execute(
                "INSERT INTO executions (id, submission_id, number, priority) VALUES (%s, %s, 1, 'normal')",
                (own_id,) * 2,
            )
            connection.execute("INSERT INTO places VALUES (%s, %s, '', 1, true)", (own_id, UUID(int=7)))
        connection.execute(
            "INSERT INTO test_results (execution_id, submission_id, ordinal, message, reason, stdout,"
            " stdout_size_bytes, stdout_is_text, stderr, stderr_size_bytes, stderr_is_text)"
            " VALUES (%s, %s, 0, '', 'skipped', '', 0, true, '', 0, true)",
            (graded, graded),
        )
        connection.execute(
            "UPDATE executions SET state = 'done', verdict = 'AC', finished_at = now() WHERE id = %s", (graded,)
        )

    migrations.upgrade(empty_database)

    with closing(Database(empty_database)) as db:
        first = partitions.known(db)[0]
        assert (first.name, first.since) == ("first", None)
        assert first.until is not None
        assert first.until > datetime.now(UTC)
        blobs = FolderBlobs(tmp_path)
        view = submissions.get(db, blobs, graded, None)
        assert (view.execution.verdict, len(view.execution.results)) == (Verdict.AC, 0)
        assert executions.claim(db, blobs, queued, worker="here/1", lease_s=30) is not None
    with psycopg.connect(empty_database) as connection:
        connection.execute("DELETE FROM submissions")
        for table in ("executions", "test_results", "execution_numbers", "places"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - above


def test_what_the_previous_release_says_is_still_understood(empty_database: str) -> None:
    migrations.upgrade(empty_database, "0021")
    with psycopg.connect(empty_database, autocommit=True) as old:
        add = "INSERT INTO executions (id, submission_id, number, priority) VALUES (%s, %s, %s, 'normal')"
        current = "SELECT id FROM executions WHERE submission_id = %s AND NOT candidate ORDER BY number DESC LIMIT 1"
        old.execute("INSERT INTO owners (id) VALUES (%s)", (UUID(int=7),))
        _submission(old, UUID(int=8), UUID(int=7))
        for number in (1, 2):
            old.execute(add, (UUID(int=number), UUID(int=8), number), prepare=True)
        old.execute(current, (UUID(int=8),), prepare=True)

        migrations.upgrade(empty_database)

        old.execute(add, (UUID(int=3), UUID(int=8), 3))
        assert old.execute(current, (UUID(int=8),)).fetchone() == (UUID(int=3),)
        with pytest.raises(psycopg.errors.UniqueViolation):
            old.execute(add, (UUID(int=4), UUID(int=8), 3))


def test_a_bound_that_was_looked_at_before_is_taken(empty_database: str) -> None:
    migrations.upgrade(empty_database, "0021")
    bound = ids.first_at(datetime(2040, 1, 1, tzinfo=UTC))
    with psycopg.connect(empty_database) as connection:
        for table, key in (("executions", "id"), *((table, "execution_id") for table in CUT - {"executions"})):
            connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_before CHECK ({key} < '{bound}') NOT VALID")
            connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {table}_before")

    migrations.upgrade(empty_database)

    with closing(Database(empty_database)) as db:
        assert partitions.known(db)[0].until == datetime(2040, 1, 1, tzinfo=UTC)
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT count(*) FROM pg_constraint WHERE conname LIKE '%\\_before'").fetchone()
        assert found == (0,)


def test_who_knew_points_as_whole_numbers_connects_again(empty_database: str) -> None:
    migrations.upgrade(empty_database, "0014")
    whole = "SELECT points FROM executions"
    with psycopg.connect(empty_database) as old:
        old.execute(whole, prepare=True)
        old.rollback()

        migrations.upgrade(empty_database)

        # Else it would be: cached plan must not change result type.
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            old.execute(whole)
        with psycopg.connect(empty_database) as anew:
            anew.execute(whole, prepare=True)


def _submission(connection: "psycopg.Connection[tuple[object, ...]]", submission_id: UUID, owner_id: UUID) -> None:
    connection.execute(
        """
        INSERT INTO submissions (id, owner_id, body_sha256, language, arguments, timeout_ms, memory_mb, cpu_millicores,
            output_kb, processes, network_enabled, needs_root, checker_type, checker_tolerance, outputs,
            stop_on_first_failure, priority, metadata)
        VALUES (%s, %s, %s, 'c', '{}', 1, 1, 1, 1, 1, false, false, 'exact', 0, '{}', false, 'normal', '{}')
        """,
        (submission_id, owner_id, bytes(32)),
    )
