"""How often PostgreSQL is asked: for a request, and for an execution however many test cases it has.

The numbers are held here so that nobody adds a query for every test case unseen. Whoever needs one more statement says
so by changing them, and docs/performance.md.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from celery import Celery
from flask.testing import FlaskClient

from app import create_app
from domain import executions, hosts, keys, queue, queue_depth, users
from domain.blobs import BlobStore
from domain.db import Connection, Database
from domain.events import Events
from domain.host import HostReport
from domain.inserting import MOST_ROWS
from domain.key_limits import KeyLimits
from domain.model import Priority, Submission, TestCase
from domain.settings import Settings
from domain.views import SubmissionView
from sandbox.fake import FakeSandbox
from tests.unit.workers.making import HELLO, LANGUAGES
from workers.grade import Grader
from workers.lease import Leases

GRADING = "grading"


@dataclass
class Asked:
    """What one thread asked: statements, and how often it took a connection, which is once for each transaction."""

    statements: list[str] = field(default_factory=list)
    transactions: int = 0

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.statements), self.transactions


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Asked]:
    """What was asked, by the thread's name; on a slow machine, too, what is remembered is not asked for again."""
    for remembering in (users, hosts, queue_depth):
        monkeypatch.setattr(remembering, "REMEMBERED_S", 3600)
    found: dict[str, Asked] = {}

    def mine() -> Asked:
        return found.setdefault(threading.current_thread().name, Asked())

    for name in ("execute", "executemany", "copy"):
        monkeypatch.setattr(psycopg.Cursor, name, _noting(getattr(psycopg.Cursor, name), mine))
    connection = Database._connection

    def counting(self: Database, kind: str) -> AbstractContextManager[Connection]:
        mine().transactions += 1
        return connection(self, kind)

    monkeypatch.setattr(Database, "_connection", counting)
    return found


def _noting(original: Callable[..., object], mine: Callable[[], Asked]) -> Callable[..., object]:
    def method(cursor: object, query: object, *arguments: object, **named: object) -> object:
        mine().statements.append(str(query))
        return original(cursor, query, *arguments, **named)

    return method


@pytest.fixture
def grader(db: Database, blobs: BlobStore, events: Events, monkeypatch: pytest.MonkeyPatch) -> Iterator[Grader]:
    # On a busy machine, too, all is written at the end, and nobody doubts that an event will come.
    monkeypatch.setattr("workers.recorder.EVERY_S", 3600)
    monkeypatch.setattr("domain.events.DOUBT_S", 3600)
    leases = Leases(30)
    yield Grader(
        db=db,
        blobs=blobs,
        events=events,
        sandbox=FakeSandbox(),
        languages=LANGUAGES,
        host="here",
        worker="here/1",
        lease_s=30,
        max_attempts=3,
        versions={},
        language_versions={},
        leases=leases,
    )
    leases.close()


@pytest.fixture
def http(
    database_url: str, redis_url: str, tmp_path: Path, db: Database, grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    """The API, with a worker in a thread that grades what is sent at once."""
    threads: list[threading.Thread] = []

    def grade(_: Celery, execution_id: UUID, __: Priority) -> bool:
        threads.append(threading.Thread(target=grader.grade, args=(execution_id,), name=GRADING))
        threads[-1].start()
        return True

    monkeypatch.setattr(queue, "enqueue", grade)
    hosts.report(db, HostReport("here", 2, 2**34, root=True, languages={"python": "3"}))
    settings = Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs")
    with create_app(settings).test_client() as client:
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {keys.create(db, name='tests', role='service')}"
        yield client
    for thread in threads:
        thread.join()


def _post(http: FlaskClient, cases: int, **more: object) -> None:
    body = {
        "language": "python",
        "source": {"type": "code", "content": "print(1)"},
        "test_cases": [{"input": str(number)} for number in range(cases)],
        **more,
    }
    answer = http.post("/v1/submissions?wait=30", json=body)
    assert answer.get_json()["execution"]["verdict"] == "OK"
    assert len(answer.get_json()["execution"]["test_results"]) == cases


@pytest.mark.parametrize("cases", [1, MOST_ROWS])
def test_a_submission_costs_the_same_however_many_test_cases_it_has(
    http: FlaskClient, asked: dict[str, Asked], cases: int
) -> None:
    _post(http, 1)  # the hosts are remembered now
    asked.clear()

    _post(http, cases)

    request, grading = asked["MainThread"], asked[GRADING]
    # The key; the submission with its parts and its execution; in the end the execution with its results.
    assert request.counts == (3, 3), request.statements
    # Claim, with the submission; running; results and verdict.
    assert grading.counts == (3, 3), grading.statements


def test_a_submission_to_a_problem_takes_one_statement_more(http: FlaskClient, asked: dict[str, Asked]) -> None:
    problem = {"id": "sum", "title": "Sum", "test_cases": [{"name": str(n)} for n in range(MOST_ROWS)]}
    assert http.post("/v1/problems", json=problem).status_code == 201
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}, "problem_id": "sum"}
    http.post("/v1/submissions?wait=30", json=body)  # the version is remembered now
    asked.clear()

    answer = http.post("/v1/submissions?wait=30", json=body).get_json()

    assert len(answer["execution"]["test_results"]) == MOST_ROWS
    # The newest version that is ready is looked for; what is in it is known, to who grades, too.
    assert asked["MainThread"].counts == (4, 4), asked["MainThread"].statements
    assert asked[GRADING].counts == (3, 3), asked[GRADING].statements


def test_a_user_at_the_end_of_their_places_costs_one_statement_more(
    http: FlaskClient, db: Database, asked: dict[str, Asked]
) -> None:
    _post(http, 1)
    prefix = http.environ_base["HTTP_AUTHORIZATION"].split("_")[1]
    keys.limit(db, prefix, KeyLimits(at_once=1))
    asked.clear()

    _post(http, 1)

    assert asked["MainThread"].counts == (3, 3), asked["MainThread"].statements
    # The last one asks whether anything waits for the place.
    assert asked[GRADING].counts == (4, 4), asked[GRADING].statements


def test_who_is_told_of_the_end_costs_no_statement(http: FlaskClient, asked: dict[str, Asked]) -> None:
    callback = {"url": "https://example.org/hook", "secret": "long enough"}
    _post(http, 1, callback=callback)  # the key that seals secrets is remembered now
    asked.clear()

    _post(http, 1, callback=callback)

    # What is to be delivered is written by the statement that ends it.
    assert asked["MainThread"].counts == (3, 3), asked["MainThread"].statements
    assert asked[GRADING].counts == (3, 3), asked[GRADING].statements


def test_what_is_over_is_read_at_once(http: FlaskClient, asked: dict[str, Asked]) -> None:
    _post(http, 3)
    (submission,) = http.get("/v1/submissions").get_json()["submissions"]
    asked.clear()

    http.get(f"/v1/submissions/{submission['id']}?wait=30")

    # The key; submission and execution, each with all its parts.
    assert asked["MainThread"].counts == (2, 2), asked["MainThread"].statements


def test_what_is_known_is_not_read(http: FlaskClient, asked: dict[str, Asked]) -> None:
    _post(http, 3)
    (submission,) = http.get("/v1/submissions").get_json()["submissions"]
    path = f"/v1/submissions/{submission['id']}"
    tag = http.get(path).headers["ETag"]
    asked.clear()

    assert http.get(path, headers={"If-None-Match": tag}).status_code == 304

    # The key; how far it is.
    assert asked["MainThread"].counts == (2, 2), asked["MainThread"].statements
    assert "stdout" not in asked["MainThread"].statements[-1]


def test_to_cancel_takes_one_more_than_to_read(http: FlaskClient, asked: dict[str, Asked]) -> None:
    _post(http, 1)
    (submission,) = http.get("/v1/submissions").get_json()["submissions"]
    asked.clear()

    assert http.delete(f"/v1/submissions/{submission['id']}").status_code == 200

    assert asked["MainThread"].counts == (3, 3), asked["MainThread"].statements


def test_more_test_cases_take_more_statements_by_the_batch_only(
    grader: Grader, submit: Callable[..., SubmissionView], asked: dict[str, Asked]
) -> None:
    many = Submission("python", HELLO, "main.py", tuple(TestCase(n, str(n)) for n in range(4 * MOST_ROWS)))
    view = submit(many)
    asked.clear()

    grader.grade(view.execution.id)

    inserts = [statement for statement in asked["MainThread"].statements if "INSERT" in statement]
    assert len(inserts) == 2 * 4, asked["MainThread"].statements


def test_a_batch_takes_statements_by_fifty(
    database_url: str, redis_url: str, tmp_path: Path, db: Database, asked: dict[str, Asked]
) -> None:
    settings = Settings(database_url, redis_url, redis_url, blob_dir=tmp_path / "blobs")
    item: dict[str, object] = {
        "language": "python",
        "source": {"type": "code", "content": "print(1)"},
        "test_cases": [{}],
    }
    with create_app(settings).test_client() as http:
        http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {keys.create(db, name='tests', role='service')}"
        _post_batch(http, [item])
        asked.clear()
        _post_batch(http, [item] * 4 * MOST_ROWS)

    # The key; whether the day is over; the batch; who has a place now; what those need of a host; how far it is; its
    # items.
    found = asked["MainThread"]
    assert found.transactions <= 7
    # Submissions, sources, test cases, executions, places and items.
    assert len([one for one in found.statements if "INSERT" in one]) == 1 + 6 * 4, found.statements


def _post_batch(http: FlaskClient, members: list[dict[str, object]]) -> None:
    with http.post("/v1/batches", json={"submissions": members}) as answer:
        assert answer.get_json()["counts"]["accepted"] == len(members)


def test_a_renewal_is_one_statement(
    db: Database, blobs: BlobStore, submit: Callable[..., SubmissionView], asked: dict[str, Asked]
) -> None:
    claim = executions.claim(db, blobs, submit().execution.id, worker="here", lease_s=30)
    assert claim is not None
    asked.clear()

    assert executions.renew(db, claim, 30)

    assert asked["MainThread"].counts == (1, 1)
