"""Packages in memory, for tests of the routes."""

import io
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from domain.blob_folder import FolderBlobs
from domain.blobs import BlobStore
from domain.errors import NotFound
from domain.limits import Ranges
from domain.package_store import Stored
from domain.packages import archive, folder, reading, writing
from domain.problem import ProblemVersion, VersionState
from domain.problems import Made


@dataclass
class MemoryPackages:
    """Reads and writes packages for real, and keeps versions in a dict."""

    folder: Path | None = None
    """Where blobs lie; a test that stores something says it."""
    versions: dict[uuid.UUID, tuple[ProblemVersion, uuid.UUID]] = field(default_factory=dict)
    reads: list[tuple[str, str, int]] = field(default_factory=list)

    def scratch(self) -> Path:
        assert self.folder is not None
        return self.folder

    def store(
        self,
        problem_id: str,
        package: BinaryIO,
        *,
        owner_id: uuid.UUID,
        anybodys: bool,  # noqa: ARG002 - nobody owns anything here
        ranges: Ranges,
        timeout_ms: int | None,
    ) -> Stored:
        with archive.opened(package) as tree:
            imported = reading.read(tree, problem_id, self._blobs, ranges=ranges, timeout_ms=timeout_ms)
        version_id = uuid.uuid4()
        self.versions[version_id] = (imported.version, owner_id)
        state = VersionState.CHECKING if imported.version.needs_check else VersionState.READY
        return Stored(Made(problem_id, len(self.versions), version_id, state), imported)

    def newest(self, problem_id: str, owner_id: uuid.UUID | None) -> tuple[uuid.UUID, int]:
        found = [
            (version_id, number)
            for number, (version_id, (version, owner)) in enumerate(self.versions.items(), 1)
            if version.id == problem_id and owner_id in {None, owner}
        ]
        if not found:
            raise NotFound(f"there is no problem {problem_id}")
        return found[-1]

    def note_read(self, actor: str, problem_id: str, number: int) -> None:
        self.reads.append((actor, problem_id, number))

    def package(self, version_id: uuid.UUID) -> BinaryIO:
        file = io.BytesIO()
        folder.pack(writing.write(self.versions[version_id][0], self._blobs), file)
        file.seek(0)
        return file

    @property
    def _blobs(self) -> BlobStore:
        assert self.folder is not None
        return FolderBlobs(self.folder / "blobs")
