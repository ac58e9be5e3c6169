"""What a test asks of the platform: submit, wait, look at queues, processes and control groups."""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
from celery import Celery

from domain import cancel, outbox, submissions
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Unavailable
from domain.fair import USUAL, User
from domain.model import Cache, Expectation, File, Priority, Submission, TestCase
from domain.queue import worker_of
from domain.storing import Place
from domain.verdict import State
from domain.views import ExecutionView
from tests.integration.celery.container import ProcessContainer
from tests.jail.leaks import groups
from tests.waiting import eventually


@dataclass(frozen=True)
class Fleet:
    """The platform, seen from the API's side."""

    celery: Celery
    db: Database
    blobs: BlobStore
    owner: UUID

    def submit(self, source: str, priority: Priority = Priority.NORMAL) -> UUID:
        """Submit a Python program that must print `done`, and send it to the queue, as the API does."""
        only = TestCase(0, "only", expected=Expectation(stdout=b"done"))
        return self.create(_asking(source, (only,), priority))

    def submit_many(self, source: str, count: int, *, stop_on_first_failure: bool = False) -> UUID:
        """Submit a Python program with so many test cases that expect nothing; the input is the number of each."""
        cases = tuple(TestCase(number, str(number), stdin=str(number).encode()) for number in range(count))
        return self.create(replace(_asking(source, cases), stop_on_first_failure=stop_on_first_failure))

    def submit_to_be_told_again(self, source: str) -> UUID:
        """Submit a Python program that expects nothing, and may be answered with an earlier run."""
        return self.create(replace(_asking(source, (TestCase(0, "only"),)), cache=Cache.EXECUTION))

    def submit_as(self, user: str, source: str, priority: Priority = Priority.NORMAL) -> UUID:
        """Submit a Python program that must print `done` as one user, who has so many places in the queue."""
        only = TestCase(0, "only", expected=Expectation(stdout=b"done"))
        place = Place(User(self.owner, user), priority, USUAL)
        return self.create(_asking(source, (only,), priority), place)

    def create(self, submission: Submission, place: Place | None = None) -> UUID:
        """Submit anything."""
        view = submissions.create(
            self.db,
            self.blobs,
            submission,
            owner_id=self.owner,
            submission_id=None,
            body_sha256=bytes(32),
            enqueue=self.send,
            place=place,
        )
        return view.id

    def send(self, execution_id: UUID, name: str = Priority.NORMAL) -> None:
        outbox.send(self.celery, self.db, execution_id, name)

    def execution(self, submission_id: UUID) -> ExecutionView:
        return submissions.get(self.db, self.blobs, submission_id, None).execution

    def done(self, submission_id: UUID) -> ExecutionView:
        """Wait for the end of an execution."""
        eventually(lambda: self.execution(submission_id).state is State.DONE)
        return self.execution(submission_id)

    def running(self, submission_id: UUID, worker: ProcessContainer, attempt: int = 1) -> list[psutil.Process]:
        """Wait until this attempt runs in a jail of the worker; give all processes below the worker."""

        def is_running() -> bool:
            execution = self.execution(submission_id)
            return (execution.state, execution.attempt) == (State.RUNNING, attempt)

        eventually(is_running)
        eventually(lambda: jailed(worker))
        return worker.children()

    def cancel(self, submission_id: UUID) -> None:
        """End what runs too long to be waited for: its worker finds out when it renews its lease."""
        assert len(cancel.submission(self.db, submission_id, None)) == 1

    def takes_from(self, host: str, queue: str) -> bool | None:
        """Whether the worker of a host takes from a queue, as it says itself; None where it does not answer in time."""
        worker = worker_of(host)
        # A connection of its own: one that was kept may be from before a restart of the broker.
        with self.celery.connection_for_write() as connection:
            asked = self.celery.control.inspect(destination=[worker], connection=connection)
            told = asked.active_queues() or {}
        return queue in {one["name"] for one in told[worker]} if worker in told else None

    def waiting(self, priority: Priority = Priority.NORMAL) -> int:
        """How many messages wait that no worker has taken."""
        with self.celery.connection_for_read() as connection:
            return int(connection.default_channel.client.llen(priority.value))

    def held(self) -> int:
        """How many messages workers have taken and not acknowledged."""
        with self.celery.connection_for_read() as connection:
            return int(connection.default_channel.client.hlen("unacked"))


def _asking(source: str, cases: tuple[TestCase, ...], priority: Priority = Priority.NORMAL) -> Submission:
    return Submission(
        language="python",
        sources=(File("main.py", source.encode()),),
        entry_point="main.py",
        test_cases=cases,
        priority=priority,
    )


def empty(db: Database) -> None:
    """Have no submissions any more, while others sweep and record: however they lock, it is we who give way."""

    def is_empty() -> bool:
        try:
            with db.transaction() as tx:
                tx.execute("SET LOCAL lock_timeout = '100ms'")  # a deadlock is one after a second
                tx.execute("TRUNCATE submissions CASCADE")
        except Unavailable as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                return False
            raise
        return True

    eventually(is_empty)


def sleeping(seconds: float) -> str:
    """A program that takes its time and is right."""
    return f"import time; time.sleep({seconds}); print('done')"


def pool(worker: ProcessContainer) -> psutil.Process:
    """The one process of a worker's pool."""
    [child] = psutil.Process(worker.pid).children()
    return child


def jailed(worker: ProcessContainer) -> list[psutil.Process]:
    """The programs that run in a worker's jails: what our init has started."""
    found = []
    for process in worker.children():
        try:
            if process.name().startswith("init-"):
                found += process.children()
        except psutil.NoSuchProcess:
            continue
    return found


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them have ended; a zombie has."""
    return all(map(_ended, processes))


def _ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def groups_of_runs(worker: ProcessContainer) -> list[Path]:
    """The control groups of runs that stand under a worker's instance."""
    return [group for group in groups(instance_of(worker)) if group.name.startswith("run-")]


def remove_groups(worker: ProcessContainer) -> None:
    """Remove a worker's control groups; no process is in them, or it fails."""
    for group in groups(instance_of(worker)):
        group.rmdir()


def instance_of(worker: ProcessContainer) -> str:
    return str(worker.environ["SHIPD_INSTANCE"])
