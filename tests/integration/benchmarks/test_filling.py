from collections.abc import Callable, Mapping
from uuid import UUID

import psycopg

from benchmarks.filling import WITH_PARTS, cut, fill, submission_id, with_parts
from benchmarks.rows import Calls, looked
from domain import hosts, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.host import HostReport
from domain.verdict import Verdict


def test_copies_are_read_as_the_one_that_they_are_copies_of(
    db: Database, blobs: BlobStore, owner: UUID, database_url: str, rows: Callable[..., list[Mapping[str, object]]]
) -> None:
    hosts.report(db, HostReport("bench", 2, 1 << 36, root=True, languages={"python": "3"}, missing={}))
    calls = Calls(db, blobs, owner)
    template = calls.round(0)
    with psycopg.connect(database_url, autocommit=True) as connection:
        fill(connection, template, 0, 15)
        fill(connection, template, 15, 45)
    known = submissions.get(db, blobs, template.submission_id, owner)
    copy = submissions.get(db, blobs, submission_id(with_parts(29)), owner)
    assert copy.asked == known.asked
    assert copy.execution.verdict is Verdict.AC
    assert copy.execution.results == known.execution.results
    assert copy.created_at < known.created_at
    assert rows("SELECT count(*) AS n FROM submissions") == [{"n": 45 + 1}]
    assert rows("SELECT count(*) AS n FROM test_results") == [{"n": -(-45 // WITH_PARTS) + 1}]


def test_every_call_of_a_grading_is_timed(db: Database, blobs: BlobStore, owner: UUID) -> None:
    hosts.report(db, HostReport("bench", 2, 1 << 36, root=True, languages={"python": "3"}, missing={}))
    calls = Calls(db, blobs, owner)
    calls.round(0)
    figures = calls.figures()
    assert {"create", "claim", "enter", "record", "finish", "get, new", "state", "list", "sweep"} == figures.keys()
    assert all(numbers["p50_ms"] > 0 for numbers in figures.values())
    assert calls.spent_ms == {}


def test_no_call_looks_into_more_partitions_than_it_should(
    db: Database, blobs: BlobStore, owner: UUID, database_url: str
) -> None:
    hosts.report(db, HostReport("bench", 2, 1 << 36, root=True, languages={"python": "3"}, missing={}))
    with psycopg.connect(database_url, autocommit=True) as connection:
        cut(connection)
        calls = Calls(db, blobs, owner)
        template = calls.round(0)
        fill(connection, template, 0, 20_000)
        connection.execute("ANALYZE")

    found = looked(calls, database_url, 20_000)

    one = {"claim", "enter", "record", "finish", "get, new", "get, old", "state"}
    assert {name for name, figures in found.items() if figures["partitions"] == 1} >= one
    assert found["create"]["partitions"] == 0  # what is written is not looked for
