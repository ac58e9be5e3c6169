"""What the API needs of the domain, and the domain behind it.

The views know the Protocol only: a test puts an implementation in memory behind them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from app import readiness
from app.live.streams import DomainStreams, Streams
from domain import hosts, keys, listing, queue, submissions, values
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import Unavailable
from domain.events import Events, Expectation
from domain.keys import Key
from domain.listing import Place, Summary
from domain.model import Priority, Submission
from domain.settings import Settings
from domain.values import Stream, Whole
from domain.views import SubmissionView


class Backend(Protocol):
    """Everything that a request can ask of the platform. Each method may raise domain.errors.Unavailable."""

    @property
    def streams(self) -> Streams:
        """What is asked for those who listen."""

    def key(self, text: str) -> Key | None:
        """Find whose key this is."""

    def create(
        self, new: Submission, *, owner_id: UUID, submission_id: UUID | None, body_sha256: bytes, wait_s: float
    ) -> SubmissionView:
        """Keep a submission, queue it, and wait `wait_s` seconds at most for its end. Raises InvalidRequest, Conflict.

        One that was there before is given as it is, `replayed`.
        """

    def get(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """Read a submission; `owner_id` None reads anyone's. Raises NotFound."""

    def page(self, owner_id: UUID | None, *, before: Place | None, limit: int) -> Sequence[Summary]:
        """List submissions, newest first, made before a place in the list."""

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        """Wait until a submission's execution is final, or the time is over, and read it again. Raises NotFound."""

    def stream(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, name: Stream) -> Whole:
        """Open what a program wrote. Raises NotFound, for a hidden test case too; domain.blobs.BlobMissing."""

    def compile_output(self, submission_id: UUID, owner_id: UUID | None) -> Whole:
        """Open what the compiler wrote. Raises NotFound, domain.blobs.BlobMissing."""

    def artifact(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, path: str) -> Whole:
        """Open a collected file. Raises NotFound, for a hidden test case too; domain.blobs.BlobMissing."""

    def availability(self) -> Mapping[str, str]:
        """Give the version of every language that a live host has."""

    def checks(self) -> Sequence[readiness.Check]:
        """Ask every part whether it is there."""


class DomainBackend:
    """The real one; safe to share between threads, and nothing is connected before it is used."""

    def __init__(self, settings: Settings) -> None:
        self._db = Database(settings.database_url, min_size=settings.db_pool_min, max_size=settings.db_pool_max)
        self._hosts = hosts.Remembered(self._db)
        self._blobs = BlobStore(settings.blob_dir)
        self._events = Events(settings.redis_url)
        self.streams: Streams = DomainStreams(self._db, settings.redis_url)
        self._redis = readiness.connect_redis(settings.redis_url)
        self._celery = queue.make_celery(settings)

    def key(self, text: str) -> Key | None:
        """Find whose key this is."""
        return keys.verify(self._db, text)

    def create(
        self, new: Submission, *, owner_id: UUID, submission_id: UUID | None, body_sha256: bytes, wait_s: float
    ) -> SubmissionView:
        """Keep a submission, send its execution to the queue once it is committed, and wait for its end."""
        expected: list[Expectation] = []

        def enqueue(execution_id: UUID, priority: Priority) -> None:
            # Nobody works on it before: so nothing is missed, and the database need not be asked.
            if wait_s > 0:
                expected.append(self._events.expect(execution_id))
            queue.enqueue(self._celery, execution_id, priority)

        try:
            view = submissions.create(
                self._db,
                self._blobs,
                new,
                owner_id=owner_id,
                submission_id=submission_id,
                body_sha256=body_sha256,
                enqueue=enqueue,
                known=self._hosts,
            )
        except OSError as error:
            raise Unavailable(f"the blob folder cannot be written: {error}; make room, or mend its rights") from error
        return self._awaited(view, expected[0], wait_s) if expected else view

    def get(self, submission_id: UUID, owner_id: UUID | None) -> SubmissionView:
        """Read a submission."""
        return submissions.get(self._db, self._blobs, submission_id, owner_id)

    def page(self, owner_id: UUID | None, *, before: Place | None, limit: int) -> Sequence[Summary]:
        """List submissions."""
        return listing.page(self._db, owner_id, before=before, limit=limit)

    def wait(self, view: SubmissionView, seconds: float) -> SubmissionView:
        """Wait for the execution's last event."""
        return self._awaited(view, self._events.expect(view.execution.id), seconds, may_be_final=True)

    def stream(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, name: Stream) -> Whole:
        """Open what a program wrote."""
        return values.stream(self._db, self._blobs, submission_id, owner_id, ordinal=ordinal, name=name)

    def compile_output(self, submission_id: UUID, owner_id: UUID | None) -> Whole:
        """Open what the compiler wrote."""
        return values.compile_output(self._db, self._blobs, submission_id, owner_id)

    def artifact(self, submission_id: UUID, owner_id: UUID | None, ordinal: int, path: str) -> Whole:
        """Open a collected file."""
        return values.artifact(self._db, self._blobs, submission_id, owner_id, ordinal=ordinal, path=path)

    def availability(self) -> Mapping[str, str]:
        """Ask what the live hosts reported."""
        return hosts.availability(self._db)

    def checks(self) -> Sequence[readiness.Check]:
        """Ask PostgreSQL, Redis and the hosts' heartbeats."""
        return readiness.checks(self._db, self._redis)

    def _awaited(
        self, view: SubmissionView, end: Expectation, seconds: float, *, may_be_final: bool = False
    ) -> SubmissionView:
        """Wait, and read the execution again."""
        execution_id = view.execution.id
        end.wait(lambda: submissions.state_of(self._db, execution_id).final, seconds, may_be_final=may_be_final)
        return submissions.again(self._db, self._blobs, view)
