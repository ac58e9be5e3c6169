"""Blobs in a folder, for API and workers of one host.

    FOLDER/ab/cd/abcd...   the blob
    FOLDER/new/*           being written; gets its name when it is whole and on disk
    FOLDER/identity        which folder this is, made when a worker asks for the first time

A blob gets its name by rename, after fsync.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from domain.blobs import CHUNK_BYTES, BlobStore, Readable, damaged, is_id, missing, path_of, too_large

IDENTITY = "identity"


class FolderBlobs(BlobStore):
    """Blobs in one folder, made when something is put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def put(self, data: bytes) -> str:
        """Write bytes, unless they are there."""
        sha256 = hashlib.sha256(data).hexdigest()
        # An empty or half-written file cannot bear the name, so that one of the right size is the blob.
        if self._size_or_none(sha256) != len(data):
            with self._new() as (file, path):
                file.write(data)
                self._name(file, path, sha256)
        return sha256

    def put_stream(self, readable: Readable, limit: int) -> tuple[str, int]:
        """Write what a stream gives."""
        with self._new() as (file, path):
            sha256, size = copied(readable, file.write, limit)
            self._name(file, path, sha256)
        return sha256, size

    def get(self, sha256: str) -> bytes:
        """Read the file."""
        with self.open(sha256) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise damaged(sha256)
        return data

    def open(self, sha256: str) -> BinaryIO:
        """Open the file."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            raise missing(sha256, self.place()) from None

    def remove(self, sha256: str) -> None:
        """Delete the file; whoever has it open reads on."""
        self._path(sha256).unlink(missing_ok=True)

    def size(self, sha256: str) -> int:
        """Look at the file's size."""
        size = self._size_or_none(sha256)
        if size is None:
            raise missing(sha256, self.place())
        return size

    def ids(self) -> Iterator[tuple[str, int]]:
        """Walk through the folder."""
        for path in self.folder.glob("??/??/*"):
            if is_id(path.name):
                yield path.name, path.stat().st_size

    def identity(self) -> str:
        """Read a random name that was made once for this folder."""
        path = self.folder / IDENTITY
        with suppress(FileNotFoundError):
            return f"folder {path.read_text().strip()}"
        with self._new() as (file, new):
            file.write(f"{secrets.token_hex(16)}\n".encode())
            _on_disk(file)
            with suppress(FileExistsError):  # somebody else was quicker, and theirs holds
                path.hardlink_to(new)
                _sync_folder(self.folder)
        return f"folder {path.read_text().strip()}"

    def place(self) -> str:
        """Name the folder."""
        return str(self.folder)

    def _size_or_none(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def _path(self, sha256: str) -> Path:
        return self.folder / path_of(sha256)

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
        _on_disk(file)
        target = self._path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        _sync_folder(target.parent)


def copied(readable: Readable, write: Callable[[bytes], object], limit: int) -> tuple[str, int]:
    """Hand on what a stream gives, and give its sha256 and size. Raises BlobTooLarge beyond `limit` bytes, OSError."""
    digest, size = hashlib.sha256(), 0
    while chunk := readable.read(min(CHUNK_BYTES, limit - size + 1)):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        digest.update(chunk)
        write(chunk)
    return digest.hexdigest(), size


def _on_disk(file: BinaryIO) -> None:
    file.flush()
    os.fchmod(file.fileno(), 0o444)
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # The rename itself is on disk only once the folder is.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
