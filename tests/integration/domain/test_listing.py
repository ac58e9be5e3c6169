"""Lists among 10^5 submissions: what is listed is all of what was asked for, and not everything is read for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain import listing
from domain.db import Database
from domain.listing import Filters, Place
from domain.verdict import State, Verdict
from tests.integration.conftest import _new_database

MANY = 100_000
MOST_READ = 10_000
"""Of 200,000 rows."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BIG, SMALL, OTHER = (UUID(int=n) for n in (1, 2, 3))
KEYS = """
INSERT INTO api_keys (id, name, role, prefix, secret_sha256)
SELECT id, 'tests', 'service', id::text, decode(repeat('00', 32), 'hex') FROM unnest(%s::uuid[]) AS id
"""
# Every second a submission; of ten, six are the big owner's, three another's, and one is the small one's.
SUBMISSIONS = """
INSERT INTO submissions (
    id, owner_id, created_at, body_sha256, language, arguments, timeout_ms, memory_mb, cpu_millicores, output_kb,
    processes, network_enabled, needs_root, checker_type, checker_tolerance, outputs, stop_on_first_failure, priority,
    metadata, user_id, problem_id
)
SELECT
    gen_random_uuid(), CASE WHEN n %% 10 < 6 THEN %(big)s WHEN n %% 10 < 9 THEN %(other)s ELSE %(small)s END::uuid,
    %(began)s::timestamptz + make_interval(secs => n), decode(repeat('00', 32), 'hex'),
    CASE WHEN n %% 1000 = 7 THEN 'rust' WHEN n %% 3 = 0 THEN 'cpp@17' WHEN n %% 3 = 1 THEN 'cpp' ELSE 'python' END,
    '{}', 1000, 64, 1000, 64, 16, false, false, 'tokens', 0, '{}', false, 'normal', '{}',
    CASE WHEN n %% 7 > 0 THEN 'user-' || n %% 999 END, CASE WHEN n %% 4 > 0 THEN 'problem-' || n %% 201 END
FROM generate_series(1, %(many)s) AS n
"""
EXECUTIONS = """
INSERT INTO executions (id, submission_id, number, priority, state, verdict, finished_at, worker, lease_until)
SELECT
    gen_random_uuid(), id, 1, 'normal', state,
    CASE WHEN state <> 'done' THEN NULL WHEN n %% 2003 = 0 THEN 'JE' WHEN n %% 3 = 0 THEN 'WA' ELSE 'AC' END,
    CASE WHEN state IN ('done', 'cancelled') THEN created_at END, 'here/1', CASE WHEN state = 'running' THEN now() END
FROM (
    SELECT *, CASE
        WHEN n %% 3001 = 0 THEN 'queued' WHEN n %% 3001 = 1 THEN 'running' WHEN n %% 3001 = 2 THEN 'cancelled'
        ELSE 'done'
    END AS state
    FROM (SELECT id, created_at, extract(epoch FROM created_at - %(began)s::timestamptz)::integer AS n FROM submissions)
        AS numbered
) AS stated
"""
# Of every hundredth JE a second grading went well.
REGRADES = """
INSERT INTO executions (id, submission_id, number, priority, state, verdict, finished_at)
SELECT gen_random_uuid(), submission_id, 2, 'normal', 'done', 'AC', now()
FROM executions WHERE verdict = 'JE' ORDER BY submission_id LIMIT 5
"""
ALL = """
SELECT s.id, s.owner_id, s.created_at, s.language, s.user_id, s.problem_id, e.state, e.verdict
FROM submissions AS s JOIN executions AS e ON e.submission_id = s.id
WHERE e.number = 1 AND s.id NOT IN (SELECT submission_id FROM executions WHERE number = 2) OR e.number = 2
ORDER BY s.created_at DESC, s.id DESC
"""


@dataclass(frozen=True)
class Row:
    """A submission as it was made."""

    id: UUID
    owner_id: UUID
    created_at: datetime
    language: str
    user_id: str | None
    problem_id: str | None
    state: str
    verdict: str | None

    def is_all_of(self, owner_id: UUID | None, asked: Filters) -> bool:
        """What a list means, said once more."""
        return (
            owner_id in {None, self.owner_id}
            and asked.user_id in {None, self.user_id}
            and asked.problem_id in {None, self.problem_id}
            and asked.language in {None, self.language, self.language.partition("@")[0]}
            and asked.state in {None, self.state}
            and asked.verdict in {None, self.verdict}
            and (asked.created_from is None or self.created_at >= asked.created_from)
            and (asked.created_to is None or self.created_at < asked.created_to)
        )


@pytest.fixture(scope="module")
def many(postgres_url: str, template: str) -> Iterator[Database]:
    for url in _new_database(postgres_url, template):
        values = {"big": BIG, "other": OTHER, "small": SMALL, "began": BEGAN, "many": MANY}
        # No statement of the platform makes so many rows at once: its connections give up before.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(KEYS, ([BIG, OTHER, SMALL],))
            connection.execute(SUBMISSIONS, values)
            connection.execute(EXECUTIONS, values)
            connection.execute(REGRADES)
            connection.execute("VACUUM ANALYZE submissions, executions, execution_numbers")
        database = Database(url, max_size=1)
        yield database
        database.close()


@pytest.fixture(scope="module")
def everything(many: Database) -> list[Row]:
    with many.statement() as tx:
        return [Row(*row) for row in tx.execute(ALL)]


LATE = BEGAN + timedelta(seconds=MANY - 500)
EARLY = BEGAN + timedelta(seconds=500)
ASKED = [
    Filters(),
    Filters(user_id="user-5"),
    Filters(user_id="user-5", problem_id="problem-4"),
    Filters(problem_id="problem-8"),
    Filters(language="rust"),
    Filters(language="cpp"),
    Filters(language="cpp@17"),
    *(Filters(state=state) for state in (State.QUEUED, State.RUNNING, State.CANCELLED, State.DONE, State.COMPILING)),
    *(Filters(verdict=verdict) for verdict in (Verdict.AC, Verdict.WA, Verdict.JE, Verdict.MLE)),
    Filters(verdict=Verdict.JE, language="cpp", created_from=EARLY),
    Filters(created_from=LATE),
    Filters(created_to=EARLY),
    Filters(created_from=EARLY, created_to=EARLY + timedelta(seconds=5)),
    Filters(user_id="nobody"),
]
OWNERS = pytest.mark.parametrize("owner", [None, BIG, SMALL], ids=["all", "big", "small"])


@OWNERS
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_it_lists_what_is_all_of_it_and_reads_little_more(
    many: Database, everything: list[Row], owner: UUID | None, asked: Filters
) -> None:
    page = listing.page(many, owner, filters=asked, before=None, limit=20)

    expected = list(islice((row.id for row in everything if row.is_all_of(owner, asked)), 20))
    assert [found.id for found in page] == expected
    assert rows_read(many, owner, asked, None) < MOST_READ


@OWNERS
@pytest.mark.parametrize("asked", [ASKED[0], ASKED[3], ASKED[5], ASKED[13]], ids=str)
def test_later_pages_cost_no_more(many: Database, everything: list[Row], owner: UUID | None, asked: Filters) -> None:
    matching = [row for row in everything if row.is_all_of(owner, asked)]
    last = matching[len(matching) * 3 // 4]
    before = Place(last.created_at, last.id)

    page = listing.page(many, owner, filters=asked, before=before, limit=20)

    place = matching.index(last) + 1
    assert [found.id for found in page] == [row.id for row in matching[place : place + 20]]
    assert rows_read(many, owner, asked, before) < MOST_READ


def rows_read(db: Database, owner: UUID | None, asked: Filters, before: Place | None) -> int:
    """Have PostgreSQL do it, and count the rows that it looked at in tables and indexes."""
    command, values = listing.query(owner, asked, before, 20)
    with db.read() as tx:
        row = tx.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + command, values, prepare=False).fetchone()
    assert row is not None
    return sum(map(_rows, _nodes(row[0][0]["Plan"])))


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _rows(node: Mapping[str, Any]) -> int:
    if "Scan" not in node["Node Type"]:
        return 0
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])
