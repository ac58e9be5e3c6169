import os
import subprocess
import sys

import psycopg
import pytest
import sqlalchemy

import migrations

TABLES = {
    "alembic_version",
    "api_keys",
    "artifacts",
    "audit_log",
    "compiled",
    "deliveries",
    "delivery_attempts",
    "executions",
    "hosts",
    "secrets",
    "source_files",
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
