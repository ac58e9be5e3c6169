"""Real PostgreSQL and Valkey; every test has a database of its own, copied from one that is migrated once."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql

import migrations
from app import readiness
from app.cli import main
from domain import cancelling, endings, kept_runs, keys, line, live, queue, rates, redis_client, submissions, typed
from domain import db as db_module
from domain import events as events_module
from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.db import Database
from domain.events import Events
from domain.model import File, Submission, TestCase
from domain.views import SubmissionView

TEMPLATE = "migrated"
SENDERS = 20
"""So many send at once where many do, each on a connection of its own."""
REDIS_S = 10.0
ASKING_REDIS = (redis_client, cancelling, endings, events_module, kept_runs, line, live, rates, readiness, typed)


@pytest.fixture(autouse=True)
def patience_with_redis() -> Iterator[None]:
    """Redis answers within 10 s: what it has to say is lost on who gives up sooner, and a busy machine takes its time.

    Clients of earlier fixtures, and programs, have what they have. Tests of a Redis that hangs say what they need.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in ASKING_REDIS:
            patch.setattr(module, "TIMEOUT_S", REDIS_S)
        patch.setattr(queue, "ANSWER_S", REDIS_S)
        yield


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """The URL of a database without a schema."""
    yield from _new_database(postgres_url, "template1")


@pytest.fixture
def database_url(postgres_url: str, template: str) -> Iterator[str]:
    """The URL of a migrated, empty database."""
    yield from _new_database(postgres_url, template)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of the migrated database that the others are copied from."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    migrations.upgrade(_url_of(postgres_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = Database(database_url, max_size=SENDERS)
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def events(redis_url: str) -> Iterator[Events]:
    made = Events(redis_url)
    yield made
    made.close()


@pytest.fixture
def owner(db: Database) -> UUID:
    """The id of a key that may submit."""
    found = keys.verify(db, keys.create(db, name="tests", role="service"))
    assert found is not None
    return found.id


@pytest.fixture
def submit(db: Database, blobs: BlobStore, owner: UUID) -> Callable[..., SubmissionView]:
    """Submit hello world, or what is given instead, without a queue."""

    def create(new: Submission | None = None) -> SubmissionView:
        return submissions.create(
            db, blobs, new or HELLO, owner_id=owner, submission_id=None, body_sha256=bytes(32), enqueue=_nobody
        )

    return create


@pytest.fixture
def run(database_url: str, redis_url: str, tmp_path: Path) -> Callable[..., Result]:
    """Run a command of `shipd` in the environment of a deployment."""
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "SHIPD_STATE_DIR": str(tmp_path), "COLUMNS": "300"}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


HELLO = Submission(
    language="python",
    sources=(File("main.py", b"print('hello')\n"),),
    entry_point="main.py",
    test_cases=(TestCase(0, "first"), TestCase(1, "second")),
)


@pytest.fixture
def rows(db: Database) -> Callable[..., list[Mapping[str, object]]]:
    """Look at rows as PostgreSQL has them, or change them, past the code under test."""

    def execute(command: str, *values: object) -> list[Mapping[str, object]]:
        with db.transaction() as tx, tx.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute(command.encode(), values)
            return [*cursor] if cursor.description else []

    return execute


def _nobody(execution_id: UUID, queue: str) -> None:
    """A queue whose messages are all lost."""


def _new_database(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        yield _url_of(server_url, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _url_of(server_url: str, name: str) -> str:
    return server_url.rpartition("/")[0] + "/" + name


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[object]]:
    """Call a function in several threads, all starting at the same moment; an exception of one is raised here.

    A pool makes one connection after the other: the last of many waits for all of them.
    """
    monkeypatch.setattr(db_module, "WAIT_S", 60.0)

    def run(count: int, action: Callable[[int], object]) -> list[object]:
        together = threading.Barrier(count)

        def wait_and_act(number: int) -> object:
            together.wait()
            return action(number)

        with ThreadPoolExecutor(count) as threads:
            return list(threads.map(wait_and_act, range(count)))

    return run
