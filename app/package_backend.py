"""What the API needs of the domain for problem packages, and the domain behind it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from celery import Celery

from app.batch_backend import no_room
from domain import package_store
from domain.blobs import BlobStore
from domain.db import Database
from domain.limits import Ranges
from domain.package_store import Stored
from domain.router import Router


class Packages(Protocol):
    """Everything that a request can ask about packages. Each method may raise domain.errors.Unavailable."""

    def scratch(self) -> Path:
        """Give a folder where a package may lie while it is read. Raises Unavailable where there is no room."""

    def store(
        self,
        problem_id: str,
        package: BinaryIO,
        *,
        owner_id: UUID,
        anybodys: bool,
        ranges: Ranges,
        timeout_ms: int | None,
    ) -> Stored:
        """Keep a zip as a version of a problem. Raises InvalidRequest, Conflict."""

    def newest(self, problem_id: str, owner_id: UUID | None) -> tuple[UUID, int]:
        """Find the version of a problem that can be read as a package, and its number. Raises NotFound."""

    def note_read(self, actor: str, problem_id: str, number: int) -> None:
        """Have it on record that somebody reads a package."""

    def package(self, version_id: UUID) -> BinaryIO:
        """Give a version as a zip. Raises NotFound, domain.blobs.BlobMissing."""


@dataclass(frozen=True)
class DomainPackages:
    """The real one."""

    db: Database
    blobs: BlobStore
    celery: Celery
    folder: Path
    router: Router

    def scratch(self) -> Path:
        """Give a folder of this installation."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise no_room(error) from error
        return self.folder

    def store(
        self,
        problem_id: str,
        package: BinaryIO,
        *,
        owner_id: UUID,
        anybodys: bool,
        ranges: Ranges,
        timeout_ms: int | None,
    ) -> Stored:
        """Read it, keep its version, and have it checked."""
        try:
            return package_store.store(
                self.db,
                self.blobs,
                problem_id,
                package,
                owner_id=owner_id,
                anybodys=anybodys,
                ranges=ranges,
                timeout_ms=timeout_ms,
                check=partial(self.router.check_problem, self.celery),
            )
        except OSError as error:
            raise no_room(error) from error

    def newest(self, problem_id: str, owner_id: UUID | None) -> tuple[UUID, int]:
        """Ask the rows."""
        return package_store.newest(self.db, problem_id, owner_id)

    def note_read(self, actor: str, problem_id: str, number: int) -> None:
        """Write it into the audit log."""
        package_store.note_read(self.db, actor, problem_id, number)

    def package(self, version_id: UUID) -> BinaryIO:
        """Write it into a file without a name."""
        try:
            return package_store.package(self.db, self.blobs, version_id, self.scratch())
        except OSError as error:
            raise no_room(error) from error
