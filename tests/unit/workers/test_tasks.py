"""The bodies of the Celery tasks; the tests of real workers are in tests/integration/celery."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from celery import Celery
from celery.exceptions import Reject

from domain import db, deliveries, outbox, queue
from domain.announce import announce
from domain.errors import Unavailable
from domain.model import Claim, Priority
from domain.queue import TASK_DELIVER, TASK_GRADE, make_celery
from domain.router import Router
from domain.settings import Settings
from tests.unit.workers.ledger import NOWHERE
from tests.unit.workers.making import asking, claimed
from workers import tasks
from workers.taking import Taking

SETTINGS = Settings("postgresql://127.0.0.1:1/nowhere", "redis://127.0.0.1:1/0", "redis://127.0.0.1:1/0", Path("var"))
ID = UUID(int=7)
OTHER = UUID(int=8)


class Grading:
    """Stands where a grader does."""

    def __init__(self, gives: Claim | None = None, error: Exception | None = None) -> None:
        self.gives = gives
        self.error = error
        self.taking = Taking()
        self.graded: list[UUID] = []

    def grade(self, execution_id: UUID) -> Claim | None:
        self.graded.append(execution_id)
        if self.error is not None:
            raise self.error
        return self.gives


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a database that is nowhere."""
    monkeypatch.setattr(db, "WAIT_S", 0.1)


@pytest.fixture
def celery() -> Celery:
    made = make_celery(SETTINGS)
    tasks.register(made, Router(NOWHERE))
    return made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, Priority]]:
    found: list[tuple[UUID, Priority]] = []
    monkeypatch.setattr(Router, "send", lambda _, __, executions: found.extend(executions))
    return found


@pytest.fixture
def grading(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Grading]:
    def set_up(gives: Claim | None = None, error: Exception | None = None) -> Grading:
        made = Grading(gives, error)
        monkeypatch.setattr(tasks, "grader", made)
        return made

    return set_up


def test_a_message_is_graded(celery: Celery, grading: Callable[..., Grading], sent: list[object]) -> None:
    grader = grading()
    celery.tasks[TASK_GRADE](str(ID))
    assert (grader.graded, sent) == ([ID], [])


def test_a_host_that_drains_gives_messages_back(celery: Celery, grading: Callable[..., Grading]) -> None:
    grader = grading()
    grader.taking.stop(stopped=True)

    with pytest.raises(Reject) as rejected:
        celery.tasks[TASK_GRADE](str(ID))

    assert rejected.value.requeue
    assert grader.graded == []


def test_what_was_given_back_is_sent_again(celery: Celery, grading: Callable[..., Grading], sent: list[object]) -> None:
    claim = claimed(asking(priority=Priority.BULK))
    grading(claim)
    celery.tasks[TASK_GRADE](str(claim.execution_id))
    assert sent == [(claim.execution_id, Priority.BULK)]


def test_a_database_that_is_away_is_no_failure(
    celery: Celery, grading: Callable[..., Grading], sent: list[object]
) -> None:
    grading(error=Unavailable("the database does not answer"))
    celery.tasks[TASK_GRADE](str(ID))
    assert sent == []


def test_a_fault_of_ours_is_a_failure(celery: Celery, grading: Callable[..., Grading]) -> None:
    grading(error=ValueError("a fault of ours"))
    with pytest.raises(ValueError, match="a fault of ours"):
        celery.tasks[TASK_GRADE](str(ID))


def test_a_process_without_a_grader_says_so(celery: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "grader", None)
    with pytest.raises(RuntimeError, match="worker_process_init has not run"):
        celery.tasks[TASK_GRADE](str(ID))


@pytest.mark.parametrize("gives", [False, True, Unavailable("the database does not answer")])
def test_a_version_is_checked_and_sent_again_where_we_had_to_stop(
    celery: Celery, grading: Callable[..., Grading], monkeypatch: pytest.MonkeyPatch, gives: bool | Unavailable
) -> None:
    checked: list[UUID] = []
    again: list[UUID] = []

    class Checker:
        def __init__(self, grader: object) -> None:
            assert grader is tasks.grader

        def check(self, version_id: UUID) -> bool:
            checked.append(version_id)
            if isinstance(gives, Unavailable):
                raise gives
            return gives

    grading()
    monkeypatch.setattr(tasks, "ProblemChecker", Checker)
    monkeypatch.setattr(Router, "check_problem", lambda _, __, version_id: again.append(version_id))
    celery.tasks[queue.TASK_CHECK_PROBLEM](str(ID))

    assert checked == [ID]
    assert again == ([ID] if gives is True else [])


def test_a_process_without_a_grader_checks_no_version(celery: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "grader", None)
    with pytest.raises(RuntimeError, match="worker_process_init has not run"):
        celery.tasks[queue.TASK_CHECK_PROBLEM](str(ID))


def test_a_delivery_without_a_database_is_no_failure(celery: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[UUID] = []

    class Away:
        def deliver(self, delivery_id: UUID) -> None:
            asked.append(delivery_id)
            raise Unavailable("the database does not answer")

    monkeypatch.setattr(tasks, "deliverer", Away())
    celery.tasks[TASK_DELIVER](str(ID))
    assert asked == [ID]
    monkeypatch.setattr(tasks, "deliverer", None)
    with pytest.raises(RuntimeError, match="delivers nothing"):
        celery.tasks[TASK_DELIVER](str(ID))


def test_what_is_to_be_told_is_sent_and_else_left_to_the_sweeper(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered: list[UUID] = []
    monkeypatch.setattr(outbox, "deliver_all", lambda _, __, delivery_ids: delivered.extend(delivery_ids))
    monkeypatch.setattr(deliveries, "announced", lambda *_: [ID, OTHER])
    announce(celery, NOWHERE, OTHER, ID)
    assert delivered == [ID, OTHER]

    def away(*_: object) -> list[UUID]:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(deliveries, "announced", away)
    announce(celery, NOWHERE, OTHER, ID)
    assert delivered == [ID, OTHER]
