"""DATABASE_URL through PgBouncer in transaction mode: whoever asks gets another connection each time."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from structlog.testing import capture_logs

from domain import executions, partitions, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Conflict
from domain.verdict import State
from domain.views import SubmissionView
from standalone import ports
from tests.integration.domain.graded import OUTCOME, RESULT
from tests.pgbouncer import PgBouncer

TIMES = 12
"""Of each statement: psycopg would prepare it after five."""
THREADS = 6


@pytest.fixture(scope="module")
def pgbouncer(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    with PgBouncer(tmp_path_factory.mktemp("pgbouncer"), ports.choose(1)[0], postgres_url) as server:
        yield server


@pytest.fixture
def db(pgbouncer: PgBouncer, database_url: str) -> Iterator[Database]:
    database = Database(pgbouncer.url_of(database_url), max_size=THREADS, pooler="transaction")
    yield database
    database.close()


@pytest.fixture
def grade(db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView]) -> Callable[[int], State]:
    """Do to a submission all that is done to one, in its transactions, plain and pipelined."""

    def do(_: int) -> State:
        view = submit()
        claim = executions.claim(db, blobs, view.execution.id, worker="worker-1", lease_s=30)
        assert claim is not None
        assert executions.enter(db, claim, State.RUNNING)
        assert executions.renew(db, claim, 30)
        assert executions.record(db, blobs, claim, [RESULT])
        assert executions.finish(db, blobs, claim, OUTCOME)
        with db.read() as tx:
            assert tx.execute("SHOW transaction_read_only").fetchone() == ("on",)
        return submissions.get(db, blobs, view.id, None).execution.state

    return do


def test_submissions_are_graded_by_many_at_once(
    grade: Callable[[int], State], at_once: Callable[..., list[list[State]]]
) -> None:
    graded = at_once(THREADS, lambda number: [grade(number) for _ in range(TIMES)])

    assert graded == [[State.DONE] * TIMES] * THREADS


def test_sessions_have_our_time_zone_and_time_outs(db: Database) -> None:
    names = ("timezone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with db.statement() as tx:
        found = [tx.execute(f"SELECT current_setting('{name}')").fetchone() for name in names]

    assert found == [("UTC",), ("30s",), ("10s",), ("1min",)]


def test_nothing_is_left_on_a_connection(db: Database) -> None:
    for _ in range(TIMES):
        with db.statement() as tx:
            tx.execute("SELECT %s, 'again'", (1,))
            tx.run(b"SELECT $1::int8, 'again'", [1])
    with db.statement() as tx:
        assert tx.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() == (0,)


def test_one_alone_looks_after_partitions(db: Database) -> None:
    for _ in range(TIMES):
        with partitions.alone(db):
            db.ping()
            with pytest.raises(Conflict, match="somebody else"), partitions.alone(db):
                pass
            db.ping()


def test_a_pooler_that_sets_no_time_outs_is_told_of(
    postgres_url: str, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pgbouncer")
    with PgBouncer(folder, ports.choose(1)[0], postgres_url, sets_timeouts=False) as server:
        database = Database(server.url_of(database_url), max_size=1, pooler="transaction")
        with capture_logs() as logs:
            database.ping()
        database.close()

    told = [line for line in logs if line["event"] == "pooler_without_timeouts"]
    assert told
    assert "statement_timeout" in told[0]["missing"]
    assert "connect_query" in told[0]["hint"]


def test_without_the_setting_pgbouncer_refuses_our_options(pgbouncer: PgBouncer, database_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(pgbouncer.url_of(database_url), options="-c timezone=UTC")
