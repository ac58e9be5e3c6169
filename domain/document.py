"""A file of a problem, its content by reference (pure, frozen)."""

from dataclasses import dataclass

from domain.blobs import BlobStore
from domain.file import File
from domain.payload import Payload


@dataclass(frozen=True)
class Document:
    """A file of a problem, by its path there: of a test case, an attachment, or what comes with a statement."""

    path: str
    content: Payload
    size_bytes: int
    mode: int = 0o644

    @classmethod
    def keep(cls, file: File, blobs: BlobStore) -> "Document":
        """Keep a file, a long one in the blob store at once. Raises OSError."""
        return cls(file.path, Payload.keep(file.content, blobs), len(file.content), file.mode)

    def load(self, blobs: BlobStore) -> File:
        """Read the file. Raises domain.blobs.BlobMissing or BlobDamaged."""
        return File(self.path, self.content.load(blobs) or b"", self.mode)
