"""Blobs: immutable files named by the SHA-256 of what they hold, in a folder that API and workers share.

    FOLDER/ab/cd/abcd...   the blob
    FOLDER/new/*           being written; gets its name when it is whole and on disk

A blob that exists is complete: it gets its name by rename, after fsync. Putting the same bytes twice is harmless.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK_BYTES = 1024 * 1024
_HEX = re.compile(r"[0-9a-f]{64}")


class BlobMissing(Exception):  # noqa: N818 - it says what is the case
    """No blob has this sha256."""


class BlobDamaged(Exception):  # noqa: N818
    """The file's bytes are not those its name tells of: the disk, or someone, changed it."""


class BlobTooLarge(Exception):  # noqa: N818
    """A stream went on beyond its limit; nothing was kept."""


class Readable(Protocol):
    """What a stream must be able to do."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes, none at the end."""


class BlobStore:
    """Blobs in one folder. Ids are 64 lower-case hex digits and nothing else: ValueError for what is none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def put(self, data: bytes) -> str:
        """Keep bytes and give their sha256 in hex. Raises OSError where the disk is full."""
        sha256 = hashlib.sha256(data).hexdigest()
        # An empty or half-written file cannot bear the name, so that one of the right size is the blob.
        if self._size_or_none(sha256) != len(data):
            with self._new() as (file, path):
                file.write(data)
                self._name(file, path, sha256)
        return sha256

    def put_stream(self, readable: Readable, limit: int) -> tuple[str, int]:
        """Keep what a stream gives, `limit` bytes at most, and give sha256 and size. Raises BlobTooLarge, OSError."""
        digest, size = hashlib.sha256(), 0
        with self._new() as (file, path):
            while chunk := readable.read(min(CHUNK_BYTES, limit - size + 1)):
                size += len(chunk)
                if size > limit:
                    raise BlobTooLarge(f"the stream is longer than {limit} bytes; raise the limit or send less")
                digest.update(chunk)
                file.write(chunk)
            self._name(file, path, digest.hexdigest())
        return digest.hexdigest(), size

    def get(self, sha256: str) -> bytes:
        """Read a blob whole, its hash checked. Raises BlobMissing, BlobDamaged."""
        with self.open(sha256) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BlobDamaged(f"blob {sha256} holds other bytes than its name tells; restore it from a backup")
        return data

    def open(self, sha256: str) -> BinaryIO:
        """Open a blob for reading; its hash is not checked. Raises BlobMissing."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            raise BlobMissing(f"there is no blob {sha256} in {self.folder}") from None

    def remove(self, sha256: str) -> None:
        """Delete a blob, there or not; whoever has it open reads on."""
        self._path(sha256).unlink(missing_ok=True)

    def size(self, sha256: str) -> int:
        """Give a blob's size in bytes. Raises BlobMissing."""
        size = self._size_or_none(sha256)
        if size is None:
            raise BlobMissing(f"there is no blob {sha256} in {self.folder}")
        return size

    def _size_or_none(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def _path(self, sha256: str) -> Path:
        if not _HEX.fullmatch(sha256):
            raise ValueError(f"{sha256!r} is no blob id; one is 64 lower-case hex digits")
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    @contextmanager
    def _new(self) -> Iterator[tuple[BinaryIO, Path]]:
        folder = self.folder / "new"
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file, path
        finally:
            with suppress(FileNotFoundError):  # it has got its name
                path.unlink()

    def _name(self, file: BinaryIO, path: Path, sha256: str) -> None:
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
        target = self._path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
