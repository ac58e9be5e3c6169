import hashlib
import os
import subprocess
import sys
from contextlib import closing
from uuid import UUID

import psycopg
import pytest
import sqlalchemy

import migrations
from domain import keys
from domain.db import Database

TABLES = {
    "alembic_version",
    "api_keys",
    "artifacts",
    "audit_ended",
    "audit_head",
    "audit_log",
    "batch_items",
    "batches",
    "compiled",
    "deliveries",
    "delivery_attempts",
    "executions",
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
    "telemetry",
    "test_case_files",
    "test_cases",
    "test_results",
    "webhooks",
}


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
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

    assert _tables(empty_database) == TABLES


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
    assert _tables(empty_database) == TABLES


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

    assert _tables(empty_database) == TABLES


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
