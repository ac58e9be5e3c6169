"""What the API needs of stored problems, and the domain behind it; a part of `app/backend.py`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

from celery import Celery

from app.batch_backend import no_room
from domain import judge_messages, problem_reading, problems
from domain.blobs import BlobStore
from domain.db import Database
from domain.errors import NotFound
from domain.judge_messages import JudgeMessage
from domain.payload import Payload
from domain.problem import ProblemVersion, Visibility
from domain.problem_reading import ProblemEntry, ProblemView, VersionEntry, Viewer
from domain.problems import Made
from domain.router import Router
from domain.values import Whole
from domain.views import Shown


class Problems(Protocol):
    """Everything that a request can ask of problems.

    Each method may raise domain.errors.Unavailable, and NotFound where it takes an id; domain.blobs.BlobMissing where
    it reads what is kept.
    """

    def create(self, version: ProblemVersion, by: Viewer, visibility: Visibility | None) -> Made:
        """Keep a version of a new problem, or one more. Raises InvalidRequest, Conflict."""

    def page(self, viewer: Viewer, *, after: str, limit: int) -> Sequence[ProblemEntry]:
        """List problems by id, behind an id."""

    def view(self, problem_id: str, viewer: Viewer, *, number: int | None = None, reveal: bool = False) -> ProblemView:
        """Read a problem with what is in a version."""

    def versions(self, problem_id: str, viewer: Viewer) -> Sequence[VersionEntry]:
        """List versions, newest first."""

    def show_to(self, problem_id: str, owner_id: UUID | None, visibility: Visibility) -> None:
        """Change who sees a problem; `owner_id` None: of anybody."""

    def delete(self, problem_id: str, owner_id: UUID | None) -> None:
        """Delete a problem; `owner_id` None: of anybody."""

    def statement(self, problem_id: str, viewer: Viewer, language: str | None) -> tuple[str, Whole]:
        """Open a statement; gives its file's name too."""

    def attachment(self, problem_id: str, viewer: Viewer, path: str) -> Whole:
        """Open an attachment."""

    def shown(self, payload: Payload | None) -> Shown | None:
        """Read the beginning of test data."""

    def judge_messages(self, submission_id: UUID, viewer: Viewer) -> Sequence[JudgeMessage]:
        """Read what a checker had to say to the author."""


class DomainProblems:
    """The real one; safe to share between threads."""

    def __init__(self, db: Database, blobs: BlobStore, celery: Celery, router: Router) -> None:
        self._db = db
        self._blobs = blobs
        self._check: Callable[[UUID], None] = partial(router.check_problem, celery)

    def create(self, version: ProblemVersion, by: Viewer, visibility: Visibility | None) -> Made:
        """Keep a version, and have it checked."""
        try:
            return problems.create(
                self._db,
                self._blobs,
                version,
                owner_id=by.id,
                anybodys=by.sees_all,
                visibility=visibility,
                check=self._check,
            )
        except OSError as error:
            raise no_room(error) from error

    def page(self, viewer: Viewer, *, after: str, limit: int) -> Sequence[ProblemEntry]:
        """List problems."""
        return problem_reading.page(self._db, viewer, after=after, limit=limit)

    def view(self, problem_id: str, viewer: Viewer, *, number: int | None = None, reveal: bool = False) -> ProblemView:
        """Read a problem."""
        return problem_reading.view(self._db, self._blobs, problem_id, viewer, number=number, reveal=reveal)

    def versions(self, problem_id: str, viewer: Viewer) -> Sequence[VersionEntry]:
        """List versions."""
        return problem_reading.versions(self._db, problem_id, viewer)

    def show_to(self, problem_id: str, owner_id: UUID | None, visibility: Visibility) -> None:
        """Change who sees a problem."""
        problems.show_to(self._db, problem_id, owner_id, visibility)

    def delete(self, problem_id: str, owner_id: UUID | None) -> None:
        """Delete a problem."""
        problems.delete(self._db, problem_id, owner_id)

    def statement(self, problem_id: str, viewer: Viewer, language: str | None) -> tuple[str, Whole]:
        """Open a statement."""
        found = problem_reading.statement(self._db, problem_id, viewer, language)
        if found is None:
            raise NotFound(f"the problem {problem_id} has no such statement; it lists the languages of those it has")
        return found.content.path, problem_reading.opened(found.content, self._blobs)

    def attachment(self, problem_id: str, viewer: Viewer, path: str) -> Whole:
        """Open an attachment."""
        found = problem_reading.attachment(self._db, problem_id, viewer, path)
        if found is None:
            raise NotFound(f"the problem {problem_id} has no attachment of this path; it lists those it has")
        return problem_reading.opened(found, self._blobs)

    def shown(self, payload: Payload | None) -> Shown | None:
        """Read the beginning of test data."""
        return problem_reading.shown(payload, self._blobs)

    def judge_messages(self, submission_id: UUID, viewer: Viewer) -> Sequence[JudgeMessage]:
        """Read what a checker had to say to the author."""
        return judge_messages.read(self._db, submission_id, viewer)
