"""What the audit log costs: `python -m benchmarks.audit [--entries 100000]`, on a server of its own.

The end of an execution with its trigger and without, chaining, and `shipd audit verify`'s reading of the chain.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

import migrations
from domain import audit_chain, audit_check
from domain.audit_chain import START, Head
from domain.audit_check import Checked
from domain.db import Database
from standalone import ports
from standalone.servers import Postgres

ENDED = 5000
SUBMISSION = """
    WITH key AS (
        INSERT INTO owners (id) VALUES (gen_random_uuid()) RETURNING id
    ), made AS (
        INSERT INTO submissions (id, owner_id, body_sha256, language, arguments, timeout_ms, memory_mb, cpu_millicores,
            output_kb, processes, network_enabled, needs_root, checker_type, checker_tolerance, outputs,
            stop_on_first_failure, priority, metadata)
        SELECT gen_random_uuid(), key.id, sha256(''), 'python', '{}', 1000, 64, 1000, 64, 16, false, false, 'tokens', 0,
            '{}', false, 'normal', '{}'
        FROM key, generate_series(1, %(count)s) RETURNING id
    ), code AS (
        INSERT INTO source_files (submission_id, position, path, mode, content)
        SELECT id, 0, 'main.py', 420, convert_to(repeat('print(1)', 250), 'UTF8') FROM made
    )
    INSERT INTO executions (id, submission_id, number, priority) SELECT gen_random_uuid(), id, 1, 'normal' FROM made
"""
END = "UPDATE executions SET state = 'done', verdict = 'AC', finished_at = now() WHERE state = 'queued'"
NOTED = """
    INSERT INTO audit_log (id, event, actor, details, origin)
    SELECT gen_random_uuid(), 'measured', 'owner ' || gen_random_uuid(),
        jsonb_build_object('number', n, 'sources_sha256', encode(sha256(n::text::bytea), 'hex'), 'host', 'a', 'n', n),
        '{"address": "192.0.2.1", "request_id": "0123456789abcdef0123456789abcdef"}'
    FROM generate_series(1, %(count)s) AS n
"""


def main() -> None:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Postgres(Path(folder), ports.choose(1)[0]) as server:
        migrations.upgrade(server.url)
        with closing(Database(server.url)) as db:
            _ends(server.url, db)
            _chain(server.url, db, asked.entries)


def _ends(url: str, db: Database) -> None:
    for enabled in ("DISABLE", "ENABLE", "DISABLE", "ENABLE"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER TABLE executions {enabled} TRIGGER audit")
            connection.execute(SUBMISSION, {"count": ENDED})
            took = _timed(lambda: connection.execute(END))
            _say(f"the end of an execution, trigger {enabled.lower()}d", took / ENDED * 1e6, "us")
    took = _timed(lambda: _chained(db))
    _say(f"to make entries of {2 * ENDED} ended executions and chain them, each", took / (2 * ENDED) * 1e6, "us")


def _chain(url: str, db: Database, count: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(NOTED, {"count": count})
    took = _timed(lambda: _chained(db))
    _say(f"to chain {count} entries", took, "s")
    found = Checked(Head(0, START), Head(0, START))
    took = _timed(lambda: [None for _ in audit_check.check(found, audit_check.read(db))])
    if found.broken is not None:
        raise SystemExit(f"the chain is broken: {found.broken}")
    _say(f"to verify {found.entries} entries", took, "s")


def _chained(db: Database) -> int:
    count = 0
    while some := audit_chain.extend(db):
        count += some
    return count


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _say(what: str, number: float, unit: str) -> None:
    print(f"{what}: {number:.1f} {unit}", flush=True)  # noqa: T201 - this is a command, and its output is what it says


if __name__ == "__main__":
    main()
